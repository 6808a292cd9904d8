"""A night whose notices are taken home as lists and brought back."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path

import pytest

from outreach import review
from outreach.listing import EVERYTHING as ALL_NOTICES
from outreach.listing import Filter
from outreach.lists.writing import Mask, write_list
from tests.conftest import BOTH, copy_of, migrated_on
from tests.outreach.worlds import EVERYTHING, fill, night, shop
from warehouse.settings import Settings

HOSTILE = "=HYPERLINK(1)"
"""An id of a customer."""


@pytest.fixture(scope="package", params=BOTH)
def listed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home for copies: Ada, Ben and somebody with an odd id are owed money."""
    made = copy_of(migrated_on(request), tmp_path_factory.mktemp("listed") / "home")
    home = made.model_copy(update={"outreach": EVERYTHING})
    fill(home, shop("ada", "ben", HOSTILE))
    night(home)
    return home


@pytest.fixture
def desk(listed: Settings, tmp_path: Path) -> Settings:
    """A batch with three notices, once on SQLite and once on PostgreSQL."""
    return copy_of(listed, tmp_path / "home")


def taken(
    home: Settings,
    ending: str = "csv",
    *,
    by: str = "eve",
    asked: Filter = ALL_NOTICES,
    mask: Mask | None = None,
    sort: str = "customer",
) -> bytes:
    """A list as it is taken home."""
    file = io.BytesIO()
    write_list(home, "latest", file, ending, by=by, asked=asked, mask=mask, sort=sort)
    return file.getvalue()


def rows_of(content: bytes) -> list[dict[str, str]]:
    """The rows of a CSV as a spreadsheet shows them."""
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def edited(content: bytes, decisions: Mapping[str, tuple[str, str]]) -> bytes:
    """A CSV with decisions and reasons filled in, by customer."""
    rows = rows_of(content)
    for row in rows:
        row["decision"], row["reason"] = decisions.get(row["customer_id"], ("", ""))
    return as_csv(rows)


def as_csv(rows: list[dict[str, str]], *, delimiter: str = ",", encoding: str = "utf-8-sig") -> bytes:
    """Rows as a spreadsheet saves them."""
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, rows[0], delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue().encode(encoding)


def states(home: Settings) -> dict[str, str]:
    """The state of each customer's notice."""
    return {n["customer_id"]: n["state"] for n in review.show_batch(home)["notices"]}


def notice_of(home: Settings, customer: str) -> str:
    """The id of a customer's notice."""
    notices = review.show_batch(home)["notices"]
    return next(str(n["notice_id"]) for n in notices if n["customer_id"] == customer)
