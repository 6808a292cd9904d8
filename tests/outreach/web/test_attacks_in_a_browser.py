"""The shop in which every text is a payload, in a real browser: nothing of it runs, or becomes an element."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, sync_playwright

from advocate.server import create_app
from outreach.choices import hand_out
from tests.advocate.server.conftest import starting
from tests.conftest import copy_of
from tests.outreach.web.attacks import REFLECTED, STORED
from tests.outreach.web.conftest import PASSWORD
from tests.outreach.web.poisoned import poisoned_made
from tests.outreach.web.routes import routes_of
from tests.outreach.web.test_in_a_browser import SETTINGS
from warehouse.settings import Settings, load_settings

__all__ = ["poisoned_made"]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium was found; `apt-get install chromium` has one"),
]
_IS_PAYLOAD = """(one) => one.localName.includes("pwned")
    || one.getAttributeNames().some((name) => name.includes("pwned") || name.startsWith("on"))
    || ["href", "src", "action"].some((name) => /^\\s*javascript:/i.test(one.getAttribute(name) || ""))"""
NOTICED = "pwned() was called"


@pytest.fixture
def home(poisoned_made: Settings, tmp_path: Path) -> Settings:
    made = copy_of(poisoned_made, tmp_path / "home")
    (made.home / "settings.toml").write_text(SETTINGS)
    return load_settings(home=made.home)


@pytest.fixture
def page(home: Settings, tmp_path: Path) -> Iterator[tuple[Page, list[str]]]:
    """A page in which Ann has signed in, and what happened there that should not."""
    happened: list[str] = []
    with starting(tmp_path) as start, sync_playwright() as playwright:
        server = start(home, "--no-keys")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        made = browser.new_context(base_url=server.url).new_page()
        made.add_init_script(f"window.pwned = () => console.log({NOTICED!r})")
        made.on("console", lambda message: happened.append(message.text))
        made.on("dialog", lambda dialog: (happened.append(dialog.message), dialog.dismiss()))
        made.on("popup", lambda popup: happened.append(popup.url))
        made.goto("/desk/")
        made.get_by_label("Name").fill("ann")
        made.get_by_label("Password").fill(PASSWORD)
        made.get_by_role("button", name="Sign in").click()
        made.wait_for_url("**/desk/tonight")
        yield made, happened
        browser.close()


def made_of_payloads(page: Page) -> list[str]:
    """Elements that a payload became, in the page and in its frames."""
    look = f"""() => [...document.querySelectorAll("*")].filter({_IS_PAYLOAD})
        .map((one) => one.outerHTML.slice(0, 200))"""
    return [found for frame in page.frames for found in frame.evaluate(look)]


def test_nothing_of_a_text_runs_or_becomes_an_element(page: tuple[Page, list[str]], home: Settings) -> None:
    shown, happened = page
    app = create_app(home, keys=False)
    for route in routes_of(app, "GET"):
        if route.is_twin or "/export." in route.path or route.path.startswith("/sign-in/openid"):
            continue
        addresses = route.addresses(home)
        reflected = "&".join(f"{name}={REFLECTED[0]}" for name in route.fields if name != "sort")
        for address in [*addresses, f"{addresses[0].partition('?')[0]}?{reflected}"]:
            shown.goto(address)
            assert made_of_payloads(shown) == [], address
    assert [one for one in happened if NOTICED in one or "Content Security Policy" in one] == []


def test_what_notices_a_payload_that_runs_works(page: tuple[Page, list[str]]) -> None:
    shown, happened = page
    shown.evaluate("pwned()")
    shown.evaluate("document.body.insertAdjacentHTML('beforeend', '<b pwned>x</b>')")
    assert happened == [NOTICED]
    assert made_of_payloads(shown) == ['<b pwned="">x</b>']


def test_a_customers_own_page_shows_nothing_of_a_feed_but_text(
    page: tuple[Page, list[str]], home: Settings
) -> None:
    shown, happened = page
    for n, payload in enumerate(STORED):
        link = hand_out(home, f"{payload}person-{n}", by="ann")
        answer = shown.goto(f"{urlsplit(link.address).path}?said={REFLECTED[0]}")
        assert answer is not None
        assert answer.status == 200
        assert made_of_payloads(shown) == []
    assert [one for one in happened if NOTICED in one] == []
