"""The check finds what was changed past the ledger, by somebody who first dropped the triggers."""

import pytest
from sqlalchemy import text

from outreach import review
from outreach.promises import checking, desk, goodwill, ledger
from outreach.promises.ledger import Promise
from tests.outreach.promises.shops import NOON, promised
from tests.outreach.worlds import fill, night, shop
from warehouse import clock
from warehouse.database import engine_for, reading, writing
from warehouse.settings import Settings

BOBS = "promise_id = (SELECT promise_id FROM promises WHERE customer_id = 'bob')"
TABLES = ("promises", "promise_events", "postings")


def tampered(home: Settings, *statements: str) -> list[str]:
    """What the check finds after somebody with all rights changed the tables."""
    with writing(engine_for(home)) as session:
        for table in TABLES:
            if home.database_url:
                session.execute(text(f"DROP TRIGGER {table}_rows_stay ON {table}"))
            else:
                session.execute(text(f"DROP TRIGGER {table}_no_update"))
                session.execute(text(f"DROP TRIGGER {table}_no_delete"))
        for statement in statements:
            session.execute(text(statement))
    with clock.at(NOON):
        return sorted({finding.what for finding in checking.check(home).findings})


@pytest.fixture
def books(any_home: Settings) -> Settings:
    """Ann was paid in part, Bob wholly; Cid was promised a call."""
    desk.pay(any_home, promised(any_home), reference="bank 1", by="fin", amount_minor=200)
    desk.pay(any_home, promised(any_home, "bob"), reference="bank 2", by="fin")
    promised(any_home, "cid", None)
    return any_home


def test_books_that_are_in_order_have_no_findings(books: Settings) -> None:
    with clock.at(NOON):
        done = checking.check(books)
    assert (done.promises, done.postings, len(done.balances), done.findings) == (3, 2, 2, [])


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("DELETE FROM postings WHERE reference = 'bank 2'", ["state"]),
        ("UPDATE postings SET amount_minor = 501 WHERE reference = 'bank 2'",
         ["negative account", "overdrawn"]),
        (f"UPDATE promises SET amount_minor = 600 WHERE {BOBS}", ["amount", "state"]),
        (f"UPDATE promise_events SET state = 'reopened' WHERE {BOBS}", ["state"]),
        (f"DELETE FROM promise_events WHERE {BOBS}", ["state"]),
    ],
)  # fmt: skip
def test_what_was_changed_past_the_ledger_is_found(books: Settings, statement: str, what: list[str]) -> None:
    assert tampered(books, statement) == what


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE promises SET amount_minor = amount_minor + 1",
        "UPDATE promises SET currency = 'EUR'",
    ],
)
def test_a_promise_of_other_money_than_the_message_told_of_is_found(
    any_home: Settings, statement: str
) -> None:
    fill(any_home, shop("ann"))
    night(any_home)
    with clock.at(NOON):
        review.approve(any_home, "latest", by="eve")
    assert tampered(any_home) == []
    with writing(engine_for(any_home)) as session:
        session.execute(text(statement))
    with clock.at(NOON):
        assert [finding.what for finding in checking.check(any_home).findings] == ["amount"]


@pytest.mark.parametrize(
    "statement", ["UPDATE promises SET amount_minor = amount_minor + 1", "DELETE FROM promises"]
)
def test_a_credit_that_is_another_than_the_log_tells_of_is_found(any_home: Settings, statement: str) -> None:
    fill(any_home, shop("ann"))
    with clock.at(NOON):
        goodwill.grant(any_home, "ann", 200, "USD", by="rep", why="sorry")
    assert tampered(any_home) == []
    with writing(engine_for(any_home)) as session:
        session.execute(text(statement))
    with clock.at(NOON):
        assert [finding.what for finding in checking.check(any_home).findings] == ["amount"]


@pytest.mark.parametrize("kind", ["price_drop", "goodwill", "word", "call"])
def test_a_promise_that_nobody_gave_is_found(books: Settings, kind: str) -> None:
    promise = Promise(("forged", kind), "ann", kind, "a fortune", "", "USD", 99_900)
    with writing(engine_for(books)) as session:
        ledger.open_promises(session, [promise], by="mallory", at=NOON)
    with clock.at(NOON):
        found = checking.check(books).findings
    assert [(one.what, one.of) for one in found] == [("promise that nobody gave", promise.promise_id)]


def test_a_notice_whose_money_was_not_promised_is_found(any_home: Settings) -> None:
    fill(any_home, shop("ann"))
    night(any_home)
    with writing(engine_for(any_home)) as session:
        session.execute(text("UPDATE notices SET state = 'approved'"))
    with clock.at(NOON):
        assert [finding.what for finding in checking.check(any_home).findings] == ["told, never promised"]


def test_a_rejected_notice_that_still_promises_is_found(any_home: Settings) -> None:
    fill(any_home, shop("ann"))
    night(any_home)
    with clock.at(NOON):
        review.approve(any_home, "latest", by="eve")
        with writing(engine_for(any_home)) as session:
            session.execute(text("UPDATE notices SET state = 'rejected'"))
        assert [f.what for f in checking.check(any_home).findings] == ["rejected, still promised"]


def test_what_a_notice_is_about_to_tell_is_taken_back_by_rejecting_it(any_home: Settings) -> None:
    from outreach.promises.accounts import listed
    from warehouse.errors import ConflictError

    fill(any_home, shop("ann"))
    night(any_home)
    review.approve(any_home, "latest", by="eve")
    with reading(engine_for(any_home)) as session:
        (promise,) = listed(session)
    with pytest.raises(ConflictError, match=r"about to tell the customer of these 0\.50 USD.*batch reject"):
        desk.void(any_home, promise.promise_id, by="eve", why="typo")
    review.reject(any_home, "latest", by="eve", reason="typo")
    assert desk.void(any_home, promise.promise_id, by="eve", why="typo")[1] is False
