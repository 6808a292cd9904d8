"""What became of messages is counted as it is known; what it changed only against those kept back."""

from datetime import timedelta
from itertools import count
from typing import Any

import polars as pl
import pytest

from outreach import effect as measuring
from outreach import review
from outreach.effect import Arm, Effect, effect
from outreach.promises import desk
from outreach.promises.accounts import listed
from outreach.results import Outcomes, Payouts, days_with_messages, outcomes, payouts
from outreach.sending import send
from tests.conftest import once
from tests.outreach.worlds import DAY, END, MORNING, fill, night, shop
from warehouse import clock
from warehouse.database import engine_for, reading
from warehouse.lake import Lake
from warehouse.settings import Settings

LATER = MORNING + timedelta(days=3)
_numbers = count()


@pytest.fixture
def sent(any_home: Settings) -> Settings:
    """Ada, Ben and Cleo were written to because milk got cheaper."""
    return once(any_home, _write)


def _write(home: Settings) -> None:
    fill(home, shop("ada", "ben", "cleo"))
    with clock.at(END):
        night(home)
        review.approve(home, "latest", by="eve")
    with clock.at(MORNING):
        send(home)


def notice_of(home: Settings, customer: str) -> str:
    frame = Lake.of(home).get("notices", DAY).filter(pl.col("customer_id") == customer)
    found: str = frame.select("notice_id").collect().item()
    return found


def respond(home: Settings, customer: str, kind: str, **more: Any) -> None:
    row = {"response_id": f"r{next(_numbers)}", "customer_id": customer, "kind": kind, "at": "2017-12-02"}
    fill(home, {"responses": [row | {"notice_id": notice_of(home, customer)} | more]})


def known(home: Settings) -> Outcomes:
    with reading(engine_for(home)) as session:
        return outcomes(session, Lake.of(home), LATER)


def test_without_responses_only_what_was_sent_is_known(sent: Settings) -> None:
    found = known(sent)
    assert found.sent == 3
    assert {(row.kind, row.notices, row.sent) for row in found.rows} == {("price_drop", 3, 3)}
    assert set(found.responses.values()) == {0}
    assert not found.any_responses


def test_a_notice_counts_once_for_each_kind_of_response(sent: Settings) -> None:
    for _ in range(2):
        respond(sent, "ada", "bought")
    respond(sent, "ada", "redeemed")
    respond(sent, "ben", "bounced")
    found = known(sent)
    (row,) = found.rows
    expected = {"bounced": 1, "redeemed": 1, "bought": 1}
    assert {kind: some for kind, some in row.responses.items() if some} == expected
    assert {kind: some for kind, some in found.responses.items() if some} == expected


def test_a_response_of_somebody_else_or_to_no_message_is_not_counted(sent: Settings) -> None:
    respond(sent, "ada", "bought", customer_id="ben")
    respond(sent, "ada", "bought", notice_id="no such notice")
    respond(sent, "ada", "bought", notice_id=None)
    found = known(sent)
    assert set(found.responses.values()) == {0}
    assert found.unmatched == 2


def paid(home: Settings) -> Payouts:
    with reading(engine_for(home)) as session:
        return payouts(session)


def test_time_to_payout_is_from_approval_and_only_of_what_is_paid_in_full(sent: Settings) -> None:
    assert paid(sent) == Payouts({}, 0, None, None)
    with reading(engine_for(sent)) as session:
        ada, ben, cleo = sorted(listed(session), key=lambda one: one.customer_id)
    for promise, hours, amount in ((ada, 10, None), (ben, 30, None), (cleo, 1, 1)):
        with clock.at(END + timedelta(hours=hours)):
            desk.pay(sent, promise.promise_id, reference=str(hours), amount_minor=amount, by="fin")
    found = paid(sent)
    assert found.paid == {DAY: {"USD": 101}}
    assert (found.promises, found.half_within, found.most_within) == (2, 20.0, None)
    with clock.at(END + timedelta(hours=40)):
        desk.reopen(sent, ben.promise_id, by="fin", why="it came back", reference="30")
    found = paid(sent)
    assert (found.paid, found.promises, found.half_within) == ({DAY: {"USD": 51}}, 1, 10.0)


def test_the_days_of_messages_are_those_of_which_something_was_sent(sent: Settings) -> None:
    with reading(engine_for(sent)) as session:
        assert days_with_messages(session) == [DAY]


def verdicts(home: Settings, day: Any, **customers: str) -> None:
    """A night on which each customer was `free`, kept `back`, `blocked`, or had `service` only."""
    rows = [
        {
            "customer_id": customer,
            "purpose": "service" if how == "service" else "marketing",
            "blocked_by": "frequency_cap" if how == "blocked" else None,
            "holdout": how == "back",
        }
        for customer, how in customers.items()
    ]
    schema = dict.fromkeys(("customer_id", "purpose", "blocked_by"), pl.String) | {"holdout": pl.Boolean}
    Lake.of(home).put("outreach_rules", day, pl.DataFrame(rows, schema=schema))


def buys(home: Settings, customer: str, day: str) -> None:
    row = {"order_id": f"{customer} {day}", "customer_id": customer, "purchased_at": day}
    fill(home, {"purchases": [row]})


def compared(home: Settings, *days: Any, after: int = 40) -> Effect:
    return effect(Lake.of(home), days, END + timedelta(days=after))


def test_those_who_could_be_written_to_are_compared_with_those_kept_back(home: Settings) -> None:
    verdicts(home, DAY, ada="free", ben="free", cleo="back", dan="back", eli="blocked", fay="service")
    for customer, day in (("ada", "2017-12-03"), ("ada", "2017-12-05"), ("cleo", "2017-11-29")):
        buys(home, customer, day)
    buys(home, "ben", "2017-12-15")  # after the fortnight
    buys(home, "eli", "2017-12-03")
    found = compared(home, DAY)
    assert (found.contacted, found.holdout) == (Arm(2, 1), Arm(2, 0))
    assert found.difference is None


def test_everybody_counts_on_their_first_night_only(home: Settings) -> None:
    verdicts(home, DAY, ada="free", ben="back")
    verdicts(home, DAY + timedelta(days=7), ada="free", ben="back", cleo="free")
    buys(home, "ada", "2017-12-20")  # within a fortnight of the second night, not of the first
    buys(home, "cleo", "2017-12-22")
    found = compared(home, DAY, DAY + timedelta(days=7))
    assert (found.nights, found.contacted, found.holdout) == (2, Arm(2, 0), Arm(1, 0))


def test_a_night_waits_for_its_fortnight_and_for_the_purchases_of_it(home: Settings) -> None:
    verdicts(home, DAY, ada="free")
    assert compared(home, DAY) == Effect(0, 1, Arm(0, 0), Arm(0, 0), None)
    buys(home, "zoe", "2017-12-14")
    assert compared(home, DAY).waiting == 1
    buys(home, "zoe", "2017-12-16")
    assert compared(home, DAY, after=13).waiting == 1
    assert compared(home, DAY).nights == 1


def test_a_difference_is_said_where_there_are_enough(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "ENOUGH", 2)
    verdicts(home, DAY, ada="free", ben="free", cleo="back", dan="back")
    buys(home, "ada", "2017-12-03")
    buys(home, "zoe", "2017-12-31")
    found = compared(home, DAY).difference
    assert found is not None
    assert found.mean == 0.5
    assert not found.is_sure
