"""The shop in which every text is a payload, in a real browser: nothing of it runs, or becomes an element."""

import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from advocate.server import create_app
from outreach.choices import hand_out
from tests.advocate.server.conftest import Running, starting
from tests.conftest import copy_of
from tests.outreach.web.attacks import REFLECTED, STORED
from tests.outreach.web.conftest import PASSWORD
from tests.outreach.web.poisoned import poisoned_made
from tests.outreach.web.routes import routes_of
from tests.outreach.web.test_in_a_browser import CHROMIUM, PATIENCE, SETTINGS, browser
from warehouse.settings import Settings, load_settings

__all__ = ["browser", "poisoned_made"]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium was found; `apt-get install chromium` has one"),
]
_IS_PAYLOAD = """(one) => one.localName.includes("pwned")
    || one.getAttributeNames().some((name) => name.includes("pwned") || name.startsWith("on"))
    || ["href", "src", "action"].some((name) => /^\\s*javascript:/i.test(one.getAttribute(name) || ""))"""
NOTICED = "pwned() was called"


@pytest.fixture(scope="module")
def home(poisoned_made: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    made = copy_of(poisoned_made, tmp_path_factory.mktemp("shop") / "home")
    (made.home / "settings.toml").write_text(SETTINGS)
    return load_settings(home=made.home)


@pytest.fixture(scope="module")
def server(home: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with starting(tmp_path_factory.mktemp("server")) as start:
        yield start(home, "--no-keys")


@pytest.fixture
def happened() -> list[str]:
    """What happened in the page that should not have."""
    return []


@pytest.fixture
def page(browser: Browser, server: Running, happened: list[str]) -> Iterator[Page]:
    """A page in which Ann has signed in."""
    context = browser.new_context(base_url=server.url)
    made = context.new_page()
    made.set_default_timeout(PATIENCE)
    made.add_init_script(f"window.pwned = () => console.log({json.dumps(NOTICED)})")
    made.on("console", lambda message: happened.append(message.text))
    made.on("dialog", lambda dialog: (happened.append(dialog.message), dialog.dismiss()))
    made.on("popup", lambda popup: happened.append(popup.url))
    made.on("pageerror", lambda error: happened.append(str(error)))
    made.goto("/desk/")
    made.get_by_label("Name").fill("ann")
    made.get_by_label("Password").fill(PASSWORD)
    made.get_by_role("button", name="Sign in").click()
    made.wait_for_url("**/desk/tonight")
    yield made
    context.close()


def made_of_payloads(page: Page) -> list[str]:
    """Elements that a payload became, in the page and in its frames."""
    look = f"""() => [...document.querySelectorAll("*")].filter({_IS_PAYLOAD})
        .map((one) => one.outerHTML.slice(0, 200))"""
    return [found for frame in page.frames for found in frame.evaluate(look)]


def wrong(happened: list[str]) -> list[str]:
    """Of what happened, all but that a page was refused: dialogs, scripts that ran, reports of the policy."""
    return [one for one in happened if not one.startswith("Failed to load resource: the server responded")]


def test_nothing_of_a_text_runs_or_becomes_an_element(
    page: Page, happened: list[str], home: Settings
) -> None:
    shown = 0
    for route in routes_of(create_app(home, keys=False), "GET"):
        is_page = not (
            route.is_twin or "/export." in route.path or route.path.endswith(("/message", "/{way}"))
        )
        for address in route.addresses(home) if is_page else []:  # a message stands in the page of its notice
            page.goto(address)
            assert made_of_payloads(page) == [], address
            assert wrong(happened) == [], address
            shown += page.locator("text=pwned").count() > 0
    assert shown > 2 * len(STORED), "pages have to show payloads, or nothing was tried"


def test_nothing_of_an_address_runs_or_becomes_an_element(
    page: Page, happened: list[str], home: Settings
) -> None:
    for route in routes_of(create_app(home, keys=False), "GET"):
        if route.is_twin or "/export." in route.path:
            continue
        address = route.addresses(home, most=1)[0].partition("?")[0]
        for names in (route.loose, [*route.declared, *route.loose]):
            page.goto(f"{address}?{'&'.join(f'{name}={REFLECTED}' for name in names)}")
            assert made_of_payloads(page) == [], address
            assert wrong(happened) == [], address


def test_a_message_stands_in_a_frame_in_which_nothing_runs(
    page: Page, happened: list[str], home: Settings
) -> None:
    address = next(
        one.addresses(home, most=1)[0]
        for one in routes_of(create_app(home, keys=False), "GET")
        if one.path == "/notices/{notice_id}" and not one.is_twin
    )
    page.goto(address)
    (frame,) = page.frames[1:]
    frame.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=pwned()>')")
    page.wait_for_timeout(100)
    assert NOTICED not in happened
    assert frame.evaluate("window.origin") == "null"


def test_what_notices_a_payload_that_runs_works(page: Page, happened: list[str]) -> None:
    page.evaluate("pwned()")
    page.evaluate(
        "document.body.insertAdjacentHTML('beforeend', '<b pwned>x</b><img src=x onerror=pwned()>')"
    )
    page.wait_for_timeout(100)
    assert wrong(happened)[0] == NOTICED
    assert any("Content Security Policy" in one for one in wrong(happened)), "the policy has to report"
    assert made_of_payloads(page)[0] == '<b pwned="">x</b>'


def test_a_customers_own_page_shows_nothing_of_a_feed_but_text(
    page: Page, happened: list[str], home: Settings
) -> None:
    for n, payload in enumerate(STORED):
        link = hand_out(home, f"{payload}person-{n}", by="ann")
        answer = page.goto(f"{urlsplit(link.address).path}?said={REFLECTED}")
        assert answer is not None
        assert answer.status == 200
        assert made_of_payloads(page) == []
    assert wrong(happened) == []
