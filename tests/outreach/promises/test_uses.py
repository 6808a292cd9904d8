"""What customers use themselves of money that was promised to them is not paid to them again."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from outreach import review
from outreach.promises import desk, ledger, payouts
from outreach.promises.accounts import listed
from outreach.promises.ageing import aged
from outreach.promises.checking import check
from outreach.promises.uses import LAPSED, USED, reconcile
from tests.conftest import once
from tests.outreach.promises.shops import amounts, events
from tests.outreach.worlds import DAY, consenting, fill, night
from warehouse import clock
from warehouse.database import engine_for, reading
from warehouse.errors import ConflictError
from warehouse.settings import Settings

LAPSES = datetime(2017, 12, 11, tzinfo=UTC)
CARD = {"offer_id": "card", "kind": "gift_card", "name": "a card", "value_minor": None}
BALANCE = {"entitlement_id": "card", "offer_id": "card", "value_minor": 2000, "currency": "USD"}


@pytest.fixture
def promised(any_home: Settings) -> Settings:
    """Ann was promised the 20.00 of her gift card on the night of 30 November; it lapses on 11 December."""
    return once(any_home, _promise)


def _promise(home: Settings) -> None:
    fill(
        home,
        {
            "purchases": [{"order_id": "1"}],
            "prices": [],
            "offers": [CARD],
            "entitlements": [BALANCE | {"expires_at": "2017-12-11"}],
            "entitlement_uses": [{"entitlement_id": "another", "value": "1"}],
            "consents": consenting("ann"),
        },
    )
    night(home)
    with clock.at(datetime(2017, 12, 1, 10, tzinfo=UTC)):
        review.approve(home, "latest", by="eve")


def used(home: Settings, value: str | None, on: str = "2017-12-03") -> None:
    fill(home, {"entitlement_uses": [{"entitlement_id": "card", "used_at": on, "value": value}]})


def after(home: Settings, day: date) -> Any:
    """The first step of the night of a day, at seven the next morning."""
    with clock.at(datetime.combine(day, datetime.min.time(), UTC) + timedelta(days=1, hours=7)):
        return reconcile(home, day)


def exported(home: Settings, day: date) -> payouts.Export:
    with clock.at(datetime.combine(day, datetime.min.time(), UTC) + timedelta(days=1, hours=8)):
        return payouts.export(home, lambda _: None, by="finance")


def proven(home: Settings) -> bool:
    with clock.at(LAPSES):
        return check(home).findings == []


def the_promise(home: Settings) -> str:
    with reading(engine_for(home)) as session:
        (one,) = listed(session)
    return one.promise_id


def test_what_was_used_is_taken_back_and_the_rest_stays_open(promised: Settings) -> None:
    used(promised, "12.50")
    receipt = after(promised, date(2017, 12, 3))
    assert receipt.rows_out["promises used by the customer"] == 1
    assert amounts(promised) == (2000, 0, 750, 1250)
    assert proven(promised)


def test_a_second_look_at_the_same_uses_changes_nothing(promised: Settings) -> None:
    used(promised, "12.50")
    for _ in range(2):
        after(promised, date(2017, 12, 3))
    assert after(promised, date(2017, 12, 4)).rows_out["promises used by the customer"] == 0
    assert amounts(promised) == (2000, 0, 750, 1250)


def test_uses_of_several_nights_are_each_taken_back_once(promised: Settings) -> None:
    used(promised, "5", on="2017-12-02")
    after(promised, date(2017, 12, 2))
    used(promised, "5", on="2017-12-03")
    after(promised, date(2017, 12, 3))
    assert amounts(promised) == (2000, 0, 1000, 1000)


@pytest.mark.parametrize("value", ["20", "25"])
def test_what_was_used_up_is_owed_no_more(promised: Settings, value: str) -> None:
    used(promised, value)
    after(promised, date(2017, 12, 3))
    assert amounts(promised) == (2000, 0, 0, 2000)
    assert events(promised, the_promise(promised))[-1] == ("voided", "advocate nightly", USED)
    after(promised, date(2017, 12, 11))
    assert events(promised, the_promise(promised))[-1][0] == "voided"


def test_a_use_after_the_day_is_not_seen_yet(promised: Settings) -> None:
    used(promised, "5", on="2017-12-04")
    after(promised, date(2017, 12, 3))
    assert amounts(promised) == (2000, 0, 2000, 0)


def test_nothing_is_paid_before_a_night_has_seen_it_lapse(promised: Settings) -> None:
    after(promised, DAY)
    assert exported(promised, date(2017, 12, 9)) == payouts.Export(None, 0, 0, 1)
    with pytest.raises(ConflictError, match="the customer can use it until 2017-12-11 00:00 UTC"):
        desk.pay(promised, the_promise(promised), reference="bank 1", by="finance")
    after(promised, date(2017, 12, 9))
    assert exported(promised, date(2017, 12, 9)).rows == 0
    used(promised, "5", on="2017-12-10T23:59:59")
    assert after(promised, date(2017, 12, 10)).rows_out["promises that lapsed"] == 1
    assert events(promised, the_promise(promised))[-1] == ("open", "advocate nightly", LAPSED)
    assert exported(promised, date(2017, 12, 10)).rows == 1
    desk.pay(promised, the_promise(promised), reference="bank 1", by="finance")
    assert amounts(promised) == (2000, 1500, 0, 500)
    assert proven(promised)


def test_one_that_was_prolonged_has_not_lapsed(promised: Settings) -> None:
    fill(promised, {"entitlements": [BALANCE | {"expires_at": "2018-01-11"}]})
    assert after(promised, date(2017, 12, 11)).rows_out["promises that lapsed"] == 0
    assert exported(promised, date(2017, 12, 11)).rows == 0
    assert after(promised, date(2018, 1, 10)).rows_out["promises that lapsed"] == 1


def test_a_use_of_unknown_value_is_said_and_nothing_of_it_is_paid(promised: Settings) -> None:
    used(promised, None)
    (warning,) = after(promised, date(2017, 12, 11)).warnings
    assert "does not say for how much" in warning
    assert amounts(promised) == (2000, 0, 2000, 0)
    assert exported(promised, date(2017, 12, 11)).rows == 0


def test_it_is_not_late_before_it_lapses(promised: Settings) -> None:
    with reading(engine_for(promised)) as session:
        (row,) = listed(session)
    assert row.due_at == LAPSES
    ages = {
        hours: aged([row], promised.outreach, LAPSES + timedelta(hours=hours))[0].age
        for hours in (0, 24, 25, 49)
    }
    assert ages == {0: "fresh", 24: "fresh", 25: "warning", 49: "breach"}


def test_what_was_used_is_not_promised_again(promised: Settings) -> None:
    from outreach import export

    used(promised, "12.50")
    after(promised, date(2017, 12, 3))
    night(promised, date(2017, 12, 3))
    assert export.opportunities(promised, date(2017, 12, 3)).collect().is_empty()


def test_a_night_that_dies_before_it_commits_has_taken_nothing_back(
    promised: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    used(promised, "12.50")
    with monkeypatch.context() as broken:
        broken.setattr(ledger, "say_lapsed", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            after(promised, date(2017, 12, 3))
    assert amounts(promised) == (2000, 0, 2000, 0)
    after(promised, date(2017, 12, 3))
    assert amounts(promised) == (2000, 0, 750, 1250)
