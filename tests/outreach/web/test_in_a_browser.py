"""The desk as reviewers use it: real pages of a real server, in a real browser."""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from outreach import review
from outreach.choosing import Which
from tests.advocate.server.conftest import Running, starting
from tests.conftest import copy_of
from tests.outreach.web.conftest import PASSWORD, PEOPLE
from tests.outreach.worlds import EVERYTHING, fill, night, shop
from warehouse.access import accounts
from warehouse.settings import Settings, load_settings

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium was found; `apt-get install chromium` has one"),
]
NAMES = [f"customer-{number:03}" for number in range(120)]
SETTINGS = """[outreach]
hold_share = 1
default_timezone = "UTC"
holdout_share = 0
channels = ["file"]
shop_name = "Corner Shop"
opt_out = "Answer STOP"
postal_address = "Corner Shop, 1 High Street, Springfield"
cap_claim_minor = {default = 1000000000000}
cap_claims = 1000
"""
PATIENCE = 30_000
"""Milliseconds: other tests run beside these."""
expect.set_options(timeout=PATIENCE)
SERIOUS = ("serious", "critical")
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def made(migrated: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home in which 120 customers are owed money, and everybody has an account."""
    home = copy_of(migrated, tmp_path_factory.mktemp("browser") / "home")
    (home.home / "settings.toml").write_text(SETTINGS)
    home = load_settings(home=home.home)
    assert home.outreach == EVERYTHING
    fill(home, shop(*NAMES))
    night(home)
    for name, role in PEOPLE.items():
        accounts.add(home, name, role, by="ann", password=PASSWORD)
    return home


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield made
        made.close()


@pytest.fixture
def home(made: Settings, tmp_path: Path) -> Settings:
    return copy_of(made, tmp_path / "home")


@pytest.fixture(scope="module")
def read(made: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home in which one notice is held, for tests that only look."""
    home = copy_of(made, tmp_path_factory.mktemp("read") / "home")
    review.hold(home, "latest", by="rita", reason="look", which=Which([_first(home)]))
    return home


@pytest.fixture(scope="module")
def reading_room(read: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with starting(tmp_path_factory.mktemp("reading-room")) as start:
        yield start(read, "--no-keys")


@pytest.fixture
def read_as(browser: Browser, reading_room: Running) -> Iterator[Open]:
    """The same as `open_as`, at a server that tests share."""
    with opening(browser, reading_room) as open_one:
        yield open_one


@pytest.fixture
def server(home: Settings, tmp_path: Path) -> Iterator[Running]:
    with starting(tmp_path) as start:
        yield start(home, "--no-keys")


@pytest.fixture
def open_as(browser: Browser, server: Running) -> Iterator[Open]:
    """`open_as(name)` is a browser of its own in which somebody has signed in; nothing may go wrong in it."""
    with opening(browser, server) as open_one:
        yield open_one


@contextmanager
def opening(browser: Browser, server: Running) -> Iterator[Open]:
    complaints: list[str] = []
    contexts = []

    def note(message: ConsoleMessage) -> None:
        is_refusal = any(f"status of {status}" in message.text for status in (409, 422))
        if message.type == "error" and not is_refusal:
            complaints.append(message.text)

    def make(name: str, **how: object) -> Page:
        context = browser.new_context(base_url=server.url, **how)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.set_default_timeout(PATIENCE)
        page.goto("/desk/")
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page).to_have_title(re.compile("Tonight"))
        return page

    yield make
    for context in contexts:
        context.close()
    assert complaints == []


def keys_are_heard(page: Page) -> None:
    """Waits for the script, which shows this button."""
    expect(page.get_by_role("button", name="Keys")).to_be_visible()


def states(home: Settings) -> dict[str, int]:
    return dict(review.list_batches(home)[0]["states"])


def to_the_batch(page: Page) -> None:
    page.get_by_role("link", name="Review it").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Batch of Thursday, 30 November 2017")


def rows(page: Page) -> int:
    return page.locator("tr[data-row]").count()


def test_a_reviewer_filters_reads_evidence_and_holds_and_an_approver_approves_the_rest(
    open_as: Open, home: Settings
) -> None:
    rita = open_as("rita")
    to_the_batch(rita)
    assert rows(rita) == 50
    rita.get_by_label("Search").fill("customer-007")
    expect(rita.locator("tr[data-row]")).to_have_count(1)
    rita.get_by_role("link", name=re.compile("You get")).click()
    expect(rita.frame_locator("iframe.message").get_by_text("Fresh milk").first).to_be_visible()
    expect(rita.get_by_role("img", name=re.compile("Price of Fresh milk"))).to_be_visible()
    expect(rita.get_by_role("row", name=re.compile("claim"))).to_contain_text("$0.50")
    expect(rita.get_by_role("button", name="Approve")).to_have_count(0)
    rita.get_by_label("Reason").fill("odd price")
    rita.get_by_role("button", name="Hold").click()
    expect(rita.get_by_role("status")).to_contain_text("is in the log")
    assert states(home) == {"held": 1, "proposed": 119}
    eve = open_as("eve")
    to_the_batch(eve)
    eve.get_by_label("all 120 that match").check()
    expect(eve.get_by_label("0 of 120 decided")).to_be_visible()
    said = "sessionStorage.said = document.querySelector('[data-working]').innerText"
    eve.evaluate(f"addEventListener('submit', () => {said})")
    eve.get_by_role("button", name="Approve").click()
    expect(eve.get_by_role("status").first).to_contain_text("119 approved")
    expect(eve.get_by_label("119 of 120 decided")).to_be_visible()
    assert "Working: all of it is done together" in eve.evaluate("sessionStorage.said")
    assert states(home) == {"held": 1, "approved": 119}
    eve.get_by_role("button", name="Undo").first.click()
    expect(eve.get_by_role("status").first).to_contain_text("119 proposed")
    assert states(home) == {"held": 1, "proposed": 119}


def test_who_edits_needs_a_second_person_to_approve(open_as: Open, home: Settings) -> None:
    eve = open_as("eve")
    to_the_batch(eve)
    eve.get_by_role("link", name=re.compile("You get")).first.click()
    eve.get_by_text("Edit it").click()
    eve.get_by_label("The item is called").fill("A litre of fresh milk")
    eve.get_by_label(re.compile("A sentence of your own")).fill("Thank you for buying with us for 10 years.")
    eve.get_by_role("button", name="Preview").click()
    expect(eve.locator("#preview")).to_contain_text("numbers come from evidence only")
    eve.get_by_label(re.compile("A sentence of your own")).fill("Thank you for your patience.")
    eve.get_by_role("button", name="Preview").click()
    expect(eve.locator("#preview")).to_contain_text("Thank you for your patience.")
    eve.get_by_role("button", name="Save").click()
    expect(eve.get_by_role("status")).to_contain_text("Somebody else has to approve it now")
    expect(eve.frame_locator("iframe.message").get_by_text("A litre of fresh milk").first).to_be_visible()
    expect(eve.get_by_role("button", name="Approve")).to_have_count(0)
    notice = eve.url
    bob = open_as("bob")
    bob.goto(notice)
    bob.get_by_role("button", name="Approve").click()
    expect(bob.locator("h1")).to_contain_text("approved")
    assert states(home)["approved"] == 1


def test_two_people_on_one_notice_see_each_others_changes(open_as: Open, home: Settings) -> None:
    eve, bob = open_as("eve"), open_as("bob")
    to_the_batch(eve)
    eve.get_by_role("link", name=re.compile("You get")).first.click()
    bob.goto(eve.url)
    eve.get_by_label("Reason").fill("not this one")
    eve.get_by_role("button", name="Reject").click()
    expect(eve.locator("h1")).to_contain_text("rejected")
    bob.get_by_role("button", name="Approve").click()
    expect(bob.get_by_role("alert")).to_contain_text("changed since you looked at it: it is rejected now")
    bob.get_by_role("link", name="Back to where you were").click()
    expect(bob.locator("h1")).to_contain_text("rejected")
    assert states(home) == {"rejected": 1, "proposed": 119}


def test_all_that_match_means_what_was_looked_at(open_as: Open, home: Settings) -> None:
    eve, bob = open_as("eve"), open_as("bob")
    to_the_batch(eve)
    to_the_batch(bob)
    bob.get_by_label("Reason").fill("wait")
    bob.get_by_role("checkbox").nth(1).check()
    bob.get_by_role("button", name="Hold").click()
    expect(bob.get_by_role("status").first).to_contain_text("1 held")
    eve.get_by_label("all 120 that match").check()
    eve.get_by_role("button", name="Approve").click()
    expect(eve.get_by_role("alert")).to_contain_text("changed since you looked at it")
    assert states(home) == {"held": 1, "proposed": 119}


def test_a_list_is_worked_through_with_the_keyboard_alone(open_as: Open, home: Settings) -> None:
    eve = open_as("eve")
    to_the_batch(eve)
    keys_are_heard(eve)
    eve.keyboard.press("j")
    eve.keyboard.press("j")
    eve.keyboard.press("x")
    eve.keyboard.press("k")
    eve.keyboard.press("x")
    eve.keyboard.press("r")
    eve.keyboard.type("both are odd")
    eve.keyboard.press("Escape")
    eve.keyboard.press("r")
    eve.keyboard.press("Enter")
    expect(eve.get_by_role("status").first).to_contain_text("2 rejected")
    assert states(home) == {"rejected": 2, "proposed": 118}
    keys_are_heard(eve)
    eve.keyboard.press("/")
    eve.keyboard.type("customer-050")
    expect(eve.locator("tr[data-row]")).to_have_count(1)
    eve.keyboard.press("Escape")
    eve.keyboard.press("j")
    eve.keyboard.press("Enter")
    expect(eve.locator("h1")).to_contain_text("You get")
    keys_are_heard(eve)
    eve.keyboard.press("?")
    expect(eve.get_by_role("dialog")).to_contain_text("approve")
    eve.keyboard.press("Escape")
    eve.keyboard.press("u")
    expect(eve.locator("h1")).to_contain_text("Batch of")


def test_everything_works_without_scripts(open_as: Open, home: Settings) -> None:
    eve = open_as("eve", java_script_enabled=False)
    to_the_batch(eve)
    eve.get_by_label("Search").fill("customer-007")
    eve.get_by_role("button", name="Show").click()
    expect(eve.locator("tr[data-row]")).to_have_count(1)
    eve.get_by_label("all 1 that match").check()
    eve.get_by_role("button", name="Approve").click()
    expect(eve.get_by_role("status").first).to_contain_text("1 approved")
    assert states(home) == {"approved": 1, "proposed": 119}


def test_a_viewer_sees_how_much_and_not_whose(read_as: Open) -> None:
    vic = read_as("vic")
    to_the_batch(vic)
    expect(vic.get_by_text("customer-0")).to_have_count(0)
    expect(vic.get_by_role("button", name="Approve")).to_have_count(0)
    vic.get_by_role("link", name=re.compile("You get")).first.click()
    expect(vic.get_by_text("customer-0")).to_have_count(0)


STICKING_OUT = """
[...document.querySelectorAll("form :is(input, select, textarea, button)")]
    .filter(one => one.getBoundingClientRect().right > one.form.getBoundingClientRect().right + 1)
    .map(one => one.outerHTML)
"""


def pages_of(home: Settings) -> list[str]:
    """Every page of the desk that has no form to be filled in first."""
    notice = review.show_batch(home)["notices"][0]["notice_id"]
    fixed = ("tonight", "why-not", "customers", "ledger", "results", "quality", "rules")
    single = ("batches/latest", f"notices/{notice}", "customers/customer-007", "rules/outreach.cap_days")
    return [f"/desk/{path}" for path in (*fixed, *single)]


@pytest.mark.parametrize(
    "how",
    [
        {"viewport": {"width": 1280, "height": 900}},
        {"viewport": {"width": 640, "height": 450}},
        {"viewport": {"width": 390, "height": 844}, "is_mobile": True},
        {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    ],
    ids=["desktop", "200 percent", "phone", "dark"],
)
def test_everybody_can_read_every_page(read_as: Open, read: Settings, how: dict[str, object]) -> None:
    ann = read_as("ann", **how)
    for path in pages_of(read):
        ann.goto(path)
        found = Axe().run(ann).response["violations"]
        assert [(one["id"], one["nodes"]) for one in found if one["impact"] in SERIOUS] == [], path
        assert ann.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
        assert ann.evaluate(STICKING_OUT) == [], path


def _first(home: Settings) -> str:
    return str(review.show_batch(home)["notices"][0]["notice_id"])
