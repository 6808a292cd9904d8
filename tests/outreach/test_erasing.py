"""What an erasure may change in tables that only grow, and what it leaves of a customer's notices."""

import json

import pytest
from sqlalchemy import String, Text, select, text

from outreach import erasing, review
from outreach.append_only import ERASURE
from outreach.erasing import JSON, KEPT, LINKS, PSEUDONYMOUS, REFERENCES, Erased, mentions
from outreach.models import BatchRow, NoticeOpportunityRow, NoticeRow
from tests.outreach.worlds import DAY, MORNING, fill, night, shop
from tests.warehouse.test_tombstones import bury
from warehouse import clock
from warehouse.access import audit
from warehouse.database import Base, engine_for, reading, writing
from warehouse.personal import tables
from warehouse.settings import Settings
from warehouse.tombstones import Tombstones, pseudonym_of


def erase(home: Settings, customer: str) -> erasing.Left:
    mark = bury(home, customer, finished=False)
    whom = Erased(customer, pseudonym_of(mark), ["ann@x.example"], Tombstones.of(home).key)
    return erasing.erase(home, whom, by="eve", at=MORNING)


def test_each_column_of_books_is_kept_or_named_in_the_exception() -> None:
    for name, one in ERASURE.items():
        columns = {column.name for column in Base.metadata.tables[name].columns}
        assert {*one.kept, *one.emptied, *one.renamed} == columns


def test_what_is_kept_is_a_column_and_no_text_of_books_is_emptied_that_the_database_refuses_to_empty() -> (
    None
):
    known = {column.name for table in tables() for column in table.columns}
    assert known >= KEPT | PSEUDONYMOUS | LINKS | JSON.keys() | REFERENCES
    for name, one in ERASURE.items():
        for column in Base.metadata.tables[name].columns:
            plain = not column.primary_key and not column.foreign_keys
            if plain and isinstance(column.type, String | Text) and column.name not in KEPT:
                assert column.name in (*one.emptied, *one.renamed)


def test_a_customer_in_a_draft_leaves_it_and_it_stays_a_draft(any_home: Settings) -> None:
    fill(any_home, shop("ann", "bob"))
    with clock.at(MORNING):
        night(any_home)
        left = erase(any_home, "ann")
    assert left.rows["notices"] == 1
    with reading(engine_for(any_home)) as session:
        batch = session.scalars(select(BatchRow)).one()
        assert (batch.state, batch.notices) == ("draft", 1)
        assert list(session.scalars(select(NoticeRow.customer_id))) == ["bob"]


def test_an_approved_notice_expires_and_keeps_its_figures_only(any_home: Settings) -> None:
    fill(any_home, shop("ann", "bob"))
    with clock.at(MORNING):
        night(any_home)
        review.approve(any_home, str(DAY), by="eve", reason="fine")
        left = erase(any_home, "ann")
    with reading(engine_for(any_home)) as session:
        rows = {one.customer_id: one for one in session.scalars(select(NoticeRow))}
        gone = next(one for name, one in rows.items() if name != "bob")
        evidence = session.scalars(
            select(NoticeOpportunityRow.evidence).where(NoticeOpportunityRow.notice_id == gone.notice_id)
        ).one()
    assert (gone.state, gone.subject, gone.recipient, gone.person) == ("expired", "", "", gone.customer_id)
    assert gone.amount_minor == rows["bob"].amount_minor
    assert (rows["bob"].state, bool(rows["bob"].subject)) == ("approved", True)
    assert all(isinstance(value, int | float) for value in json.loads(evidence).values())
    assert "promises to this customer are still open" in left.warnings[0]


@pytest.mark.parametrize(
    ("words", "found"),
    [("ann asked", True), ("(ann)", True), ("annual", False), ("joann", False), ("to ann@x.example!", True)],
)
def test_the_log_is_searched_for_the_customer_as_a_word(home: Settings, words: str, found: bool) -> None:
    with writing(engine_for(home)) as session:
        audit.record(session, "test", by="eve", at=MORNING, subject="s", details={"why": words})
    whom = Erased("ann", "erased-1", ["ann@x.example"], b"key")
    assert erasing.named_in_audit(home, whom) == ([1] if found else [])
    assert mentions(words, "ann") or "ann" in words


def test_books_of_nobody_who_is_erased_cannot_be_emptied(any_home: Settings) -> None:
    fill(any_home, shop("ann", "bob"))
    with clock.at(MORNING):
        night(any_home)
        review.approve(any_home, str(DAY), by="eve", reason="fine")
        review.reject(any_home, str(DAY), by="eve", reason="not fine")
        erase(any_home, "ann")
    for change in ("UPDATE promise_events SET why = ''", "UPDATE notice_events SET reason = ''"):
        with pytest.raises(Exception, match="append-only"), writing(engine_for(any_home)) as session:
            session.execute(text(change))
