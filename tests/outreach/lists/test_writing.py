"""What a list says, in each kind of file."""

import io
import json
from decimal import Decimal

import fastexcel
import polars as pl
import pytest
from sqlalchemy import select, update

from outreach.listing import Filter
from outreach.lists.reading import read_list
from outreach.lists.writing import COLUMNS, write_list
from outreach.models import NoticeRow
from tests.outreach.lists.conftest import HOSTILE, rows_of, taken
from warehouse.access import accounts
from warehouse.access.models import AuditRow
from warehouse.access.roles import Role
from warehouse.database import engine_for, reading, writing
from warehouse.errors import ForbiddenError, NotFoundError, SettingsError
from warehouse.settings import Settings


def audited(home: Settings) -> list[tuple[str, dict[str, object]]]:
    query = select(AuditRow.by, AuditRow.details).where(AuditRow.action == "batch.export")
    with reading(engine_for(home)) as session:
        return [(by, json.loads(details)) for by, details in session.execute(query)]


def changed(home: Settings, customer: str, **values: object) -> None:
    with writing(engine_for(home)) as session:
        session.execute(update(NoticeRow).where(NoticeRow.customer_id == customer).values(values))


def test_a_csv_is_for_people_and_spreadsheets(desk: Settings) -> None:
    content = taken(desk)
    assert content.startswith(b"\xef\xbb\xbf")
    rows = rows_of(content)
    assert tuple(rows[0]) == COLUMNS
    odd, ada, _ = rows
    assert odd["customer_id"] == f"'{HOSTILE}"
    assert (ada["customer_id"], ada["kinds"], ada["amount"], ada["currency"]) == (
        "ada",
        "price_drop",
        "0.50",
        "USD",
    )
    assert (ada["state"], ada["version"], ada["decision"], ada["reason"]) == ("proposed", "1", "", "")
    assert b",0.50,USD," in content  # a number, not a text


def test_an_xlsx_says_the_same_and_has_no_formula_or_link(desk: Settings) -> None:
    changed(desk, "ben", subject="https://evil.example")
    sheet = fastexcel.read_excel(taken(desk, "xlsx")).load_sheet(0).to_polars()
    assert tuple(sheet.columns) == COLUMNS
    assert sheet["customer_id"].to_list() == [f"'{HOSTILE}", "ada", "ben"]
    assert sheet["amount"].to_list() == [0.5, 0.5, 0.5]
    assert sheet["subject"].to_list()[2] == "https://evil.example"
    assert read_list(taken(desk, "xlsx"))["version"].to_list() == ["1", "1", "1"]


def test_a_parquet_is_for_programs_so_nothing_is_guarded(desk: Settings) -> None:
    frame = pl.read_parquet(io.BytesIO(taken(desk, "parquet")))
    assert tuple(frame.columns) == COLUMNS
    assert frame["customer_id"].to_list() == [HOSTILE, "ada", "ben"]
    assert frame["amount"].to_list() == [Decimal("0.50")] * 3


def test_amounts_of_several_currencies_keep_their_places(desk: Settings) -> None:
    changed(desk, "ada", currency="JPY", amount_minor=1250)
    changed(desk, "ben", currency="BHD", amount_minor=1)
    changed(desk, HOSTILE, currency=None, amount_minor=None)
    assert [row["amount"] for row in rows_of(taken(desk))] == ["", "1250", "0.001"]
    read = pl.read_parquet(io.BytesIO(taken(desk, "parquet")))["amount"].to_list()
    assert read == [None, Decimal(1250), Decimal("0.001")]


@pytest.mark.parametrize("ending", ["csv", "xlsx", "parquet"])
def test_a_filter_that_nothing_meets_gives_a_list_of_columns(desk: Settings, ending: str) -> None:
    content = taken(desk, ending, asked=Filter(channel="sms"))
    if ending == "parquet":
        assert pl.read_parquet(io.BytesIO(content)).shape == (0, len(COLUMNS))
    else:
        assert read_list(content).height == 0


def test_only_what_matches_is_in_it_in_the_order_asked_for(desk: Settings) -> None:
    assert [row["customer_id"] for row in rows_of(taken(desk, asked=Filter(text="ben")))] == ["ben"]
    changed(desk, "ben", amount_minor=70)
    assert rows_of(taken(desk, sort="largest"))[0]["customer_id"] == "ben"
    with pytest.raises(SettingsError, match="there is no order 'x'"):
        taken(desk, sort="x")


def test_the_audit_log_says_how_much_was_taken_and_nothing_of_whom(desk: Settings) -> None:
    taken(desk, asked=Filter(kind="price_drop", text="ada"))
    taken(desk, asked=Filter(text="ada@mail.example"))
    filters = [details["filter"] for _, details in audited(desk)]
    assert filters == [{"kind": "price_drop", "text": "searched"}, {"text": "searched"}]
    by, details = audited(desk)[0]
    assert (by, details["rows"], details["format"], details["masked"]) == ("eve", 1, "csv", False)


def test_a_viewer_takes_stand_ins_home_and_a_stranger_nothing(desk: Settings) -> None:
    accounts.add(desk, "ann", Role.ADMIN, by="ann", password=None)
    accounts.add(desk, "vic", Role.VIEWER, by="ann", password=None)
    with pytest.raises(ForbiddenError, match="takes the role reviewer; yours is viewer"):
        taken(desk, by="vic")
    with pytest.raises(ForbiddenError, match="'mallory' is no open account"):
        taken(desk, by="mallory", mask=str.upper)
    assert [row["customer_id"] for row in rows_of(taken(desk, by="vic", mask=str.upper))][1:] == [
        "ADA",
        "BEN",
    ]
    assert [by for by, _ in audited(desk)] == ["vic"]


def test_what_cannot_be_written_is_refused_and_not_noted(desk: Settings) -> None:
    changed(desk, "ada", subject="x" * 40_000)
    with pytest.raises(SettingsError, match="the subject of row 3 is too long for an XLSX; take CSV"):
        taken(desk, "xlsx")
    with pytest.raises(SettingsError, match="'pdf' is no kind of list"):
        taken(desk, "pdf")
    with pytest.raises(NotFoundError, match="there is no batch"):
        write_list(desk, "2001-01-01", io.BytesIO(), "csv", by="eve")
    assert audited(desk) == []
    assert len(taken(desk)) > 40_000
