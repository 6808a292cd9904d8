"""After something was put right, the customer is asked once, and a "no" brings a person."""

from datetime import timedelta

import polars as pl
import pytest

from outreach import export, review, steps
from outreach.promises import desk
from outreach.promises.accounts import listed
from outreach.recovery import follow_up
from outreach.sending import send
from tests.conftest import once
from tests.outreach.test_unsaid import NEXT, found, night_with, notices
from tests.outreach.worlds import END, MORNING, consenting, fill
from warehouse import clock
from warehouse.database import engine_for, reading
from warehouse.settings import Settings

DAYS = [NEXT + timedelta(days=n) for n in range(8)]
LATER = END + timedelta(days=1)


def run(home: Settings, day: int) -> None:
    """A whole night of the outreach, some days after the remedy was promised."""
    with clock.at(END + timedelta(days=day + 1)):
        steps.find(home, DAYS[day])
        follow_up(home, DAYS[day])
        steps.decide(home, DAYS[day])
        steps.prepare_batch(home, DAYS[day])


@pytest.fixture
def remedied(any_home: Settings) -> Settings:
    """Ann was paid for a failed film the morning after."""
    return once(any_home, _remedy)


def _remedy(home: Settings) -> None:
    fill(home, {"customers": [{"customer_id": "ann"}], "purchases": [{"order_id": "1"}]})
    night_with(home, found("ann", kind="failed_experience", incident_id="i1"), found("ann", 200))
    with clock.at(END):
        review.approve(home, "latest", by="eve")
    with reading(engine_for(home)) as session:
        promises = listed(session)
    with clock.at(MORNING):
        for number, promise in enumerate(promises):
            desk.pay(home, promise.promise_id, reference=str(number), by="fin")
    fill(home, {"consents": consenting("ann")})


def test_after_an_incident_was_paid_for_the_customer_is_asked_once(remedied: Settings) -> None:
    run(remedied, 0)
    (notice,) = notices(remedied)
    assert (notice["purpose"], notice["channel"], notice["amount_minor"]) == ("service", "file", None)
    assert notice["template"] == "en/v1 service follow_up"
    assert "on December 1, 2017 we paid you $3.00 back" in notice["text"]
    assert "Did that solve the problem?" in notice["text"]
    assert export.decisions(remedied, DAYS[0]).collect()["reason"].to_list() == ["follow_up"]
    assert export.opportunities(remedied, DAYS[0]).filter(pl.col("kind") == "follow_up").collect().is_empty()
    assert review.reject(remedied, "latest", by="eve", reason="spoken to already").changed == 1
    run(remedied, 1)
    assert notices(remedied) == []


def test_what_was_not_paid_yet_is_not_asked_about(remedied: Settings) -> None:
    with clock.at(MORNING):
        follow_up(remedied, END.date() - timedelta(days=1))
    with reading(engine_for(remedied)) as session:
        assert len(listed(session)) == 2
    assert follow_up(remedied, END.date() - timedelta(days=1)).rows_out["questions"] == 0


def test_a_rerun_asks_the_same_whatever_was_decided_meanwhile(remedied: Settings) -> None:
    run(remedied, 0)
    digest = review.show_batch(remedied)["digest"]
    review.approve(remedied, "latest", by="eve")
    run(remedied, 0)
    assert review.show_batch(remedied)["digest"] == digest


def answered(home: Settings, value: str, customer: str = "ann") -> Settings:
    """A home whose question was sent and answered the day after."""
    run(home, 0)
    with clock.at(LATER + timedelta(hours=8)):
        assert review.approve(home, "latest", by="eve").promised_minor == {}
    with clock.at(LATER + timedelta(hours=10)):
        assert send(home).rows_out["notices"] == 1
    answer = {"customer_id": customer, "notice_id": notices(home)[0]["notice_id"], "kind": "answered"}
    at = "2017-12-02 12:00"
    fill(home, {"responses": [answer | {"response_id": "1", "value": value, "at": at}]})
    run(home, 1)
    run(home, 1)
    return home


def test_a_no_opens_one_promise_that_a_person_calls(remedied: Settings) -> None:
    answered(remedied, "0")
    with reading(engine_for(remedied)) as session:
        (call,) = [promise for promise in listed(session) if promise.currency is None]
    assert (call.customer_id, call.kind, call.state, call.said) == (
        "ann",
        "call",
        "open",
        "a person will call",
    )
    with clock.at(LATER + timedelta(days=2)):
        assert desk.keep(remedied, call.promise_id, by="rep", why="called, new copy sent")[0].state == "kept"
    run(remedied, 2)
    with reading(engine_for(remedied)) as session:
        assert [p.state for p in listed(session) if p.kind == "call"] == ["kept"]


@pytest.mark.parametrize(("value", "customer"), [("1", "ann"), ("0", "bob")])
def test_a_yes_or_somebody_elses_answer_opens_nothing(remedied: Settings, value: str, customer: str) -> None:
    answered(remedied, value, customer)
    with reading(engine_for(remedied)) as session:
        assert [promise for promise in listed(session) if promise.kind == "call"] == []
