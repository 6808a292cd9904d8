"""A list that is taken home and brought back, in a real browser: filtered, downloaded, edited, uploaded."""

import csv
import io
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from outreach import review
from tests.conftest import copy_of
from tests.outreach.web.conftest import PASSWORD, PEOPLE
from tests.outreach.web.test_in_a_browser import (
    CHROMIUM,
    SETTINGS,
    Open,
    browser,
    home,
    open_as,
    server,
    states,
    to_the_batch,
)
from tests.outreach.worlds import fill, night, shop
from warehouse.access import accounts
from warehouse.settings import Settings, load_settings

__all__ = ["browser", "home", "open_as", "server"]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium was found; `apt-get install chromium` has one"),
]
FORMULA = '=HYPERLINK("http://evil.example","the shop of ada")'
CUSTOMERS = ("ada of the shop", "ben of the shop", FORMULA, "cleo of elsewhere")


@pytest.fixture(scope="module")
def made(migrated: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home in which four customers are owed money; the name of one would be a formula in a spreadsheet."""
    home = copy_of(migrated, tmp_path_factory.mktemp("lists") / "home")
    (home.home / "settings.toml").write_text(SETTINGS)
    home = load_settings(home=home.home)
    fill(home, shop(*CUSTOMERS))
    night(home)
    for name, role in PEOPLE.items():
        accounts.add(home, name, role, by="ann", password=PASSWORD)
    return home


def search(page: Page, text: str, found: int) -> None:
    page.get_by_label("Search").fill(text)
    expect(page.locator("tr[data-row]")).to_have_count(found)


def taken(page: Page) -> list[dict[str, str]]:
    """The rows of the list as the link on the page downloads it."""
    with page.expect_download() as begun:
        page.get_by_role("link", name="CSV").click()
    assert begun.value.suggested_filename == "batch-2017-11-30.csv"
    text = Path(begun.value.path()).read_text(encoding="utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def bring(page: Page, rows: list[dict[str, str]]) -> None:
    """Uploads rows as a spreadsheet would save them."""
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    content = file.getvalue().encode("utf-8-sig")
    page.get_by_label("A CSV or XLSX").set_input_files(
        {"name": "edited.csv", "mimeType": "text/csv", "buffer": content}
    )
    page.get_by_role("button", name="Bring it in").click()


def history(page: Page, customer: str, said: str) -> None:
    """Opens the notice of a customer from the list, where its history says this."""
    page.locator("tr[data-row]", has_text=customer).get_by_role("link").click()
    expect(page.get_by_role("region", name="What was decided")).to_contain_text(said)


def test_a_reviewer_filters_takes_a_list_home_and_brings_it_back(open_as: Open, home: Settings) -> None:
    rita = open_as("rita")
    to_the_batch(rita)
    search(rita, "the shop of ada", 1)
    search(rita, "of the shop", 2)
    rows = taken(rita)
    assert sorted(row["customer_id"] for row in rows) == ["ada of the shop", "ben of the shop"]
    for row in rows:
        is_ada = row["customer_id"].startswith("ada")
        row["decision"], row["reason"] = ("reject", "bought for a test") if is_ada else ("hold", "ask them")
    bring(rita, rows)
    expect(rita.get_by_role("status").filter(has_text="The list decided")).to_contain_text("about 2 notices")
    expect(rita.get_by_role("row", name=re.compile("^.*ada of the shop"))).to_contain_text("rejected")
    expect(rita.get_by_role("row", name=re.compile("^.*ben of the shop"))).to_contain_text("held")
    log = rita.get_by_role("region", name="Decided so far").get_by_role("listitem")
    expect(log).to_have_count(2)
    expect(log.filter(has_text="rita: 1 rejected").get_by_role("button", name="Undo")).to_be_visible()
    history(rita, "ada of the shop", "rita: proposed → rejected – bought for a test")
    assert states(home) == {"rejected": 1, "held": 1, "proposed": 2}


def test_a_list_that_cannot_be_carried_out_says_which_row_and_changes_nothing(
    open_as: Open, home: Settings
) -> None:
    rita = open_as("rita")
    to_the_batch(rita)
    search(rita, "of the shop", 2)
    rows = taken(rita)
    rows[0] |= {"decision": "reject", "reason": "bought for a test"}
    rows[1] |= {"decision": "reject", "reason": ""}
    rows[1]["notice_id"] = rows[0]["notice_id"]
    bring(rita, rows)
    expect(rita.get_by_role("alert")).to_contain_text("Nothing was changed")
    rita.get_by_role("link", name="Back to the batch").click()
    expect(rita.locator("tr[data-row]")).to_have_count(4)
    assert states(home) == {"proposed": 4}


def test_a_cell_that_looks_like_a_formula_is_text_there_and_back(open_as: Open, home: Settings) -> None:
    rita = open_as("rita")
    to_the_batch(rita)
    search(rita, "hyperlink", 1)
    expect(rita.locator("tr[data-row]")).to_contain_text(FORMULA)
    (row,) = taken(rita)
    assert row["customer_id"] == f"'{FORMULA}"
    bring(rita, [row | {"decision": "hold", "reason": "=1+1"}])
    expect(rita.get_by_role("status").filter(has_text="The list decided")).to_contain_text("about 1 notice")
    history(rita, "HYPERLINK", "rita: proposed → held – =1+1")
    (held,) = [one for one in review.show_batch(home)["notices"] if one["state"] == "held"]
    assert held["customer_id"] == FORMULA
    expect(rita.locator("a[href^='http']")).to_have_count(0)
