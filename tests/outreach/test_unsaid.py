"""What is a customer's right is promised and paid, also where no message may go."""

import json
from typing import Any

import polars as pl
import pytest

from features.columns import polars_schema
from outreach import export, review, steps
from outreach.explain import explain
from outreach.inputs import freeze
from outreach.linting.specimens import specimens
from outreach.models import NoticeRow
from outreach.opportunities import Opportunities
from outreach.promises import desk
from outreach.promises.accounts import listed
from outreach.sending import send
from tests.outreach.worlds import DAY, END, MORNING, consenting, fill, night
from warehouse import clock
from warehouse.database import engine_for, reading
from warehouse.lake import Lake
from warehouse.settings import Settings

NEXT = END.date()


def found(customer: str, amount: int = 300, **other: Any) -> dict[str, Any]:
    """An opportunity as a finder of rights would give it."""
    row = {"customer_id": customer, "kind": "double_payment", "owed": "right", "currency": "USD"}
    identity = f"{customer} {amount} {sorted(other.items())}"
    row |= {"opportunity_id": identity[:36], "amount_minor": amount, "held": False, "order_id": "o1"}
    row |= {"line_id": "1"} | other
    said = next(one.told for some in specimens().values() for one in some if one.told.kind == row["kind"])
    return row | {"evidence": json.dumps(json.loads(said.evidence) | {"amount_minor": amount})}


def night_with(home: Settings, *rows: dict[str, Any]) -> None:
    """A night in which exactly these opportunities were found."""
    schema = polars_schema(Opportunities)
    frame = pl.DataFrame([{c: row.get(c) for c in schema} for row in rows], schema=schema, orient="row")
    with clock.at(END):
        Lake.of(home).put("opportunities", DAY, Opportunities.validate(frame).sort("opportunity_id"))
        steps.decide(home, DAY)
        steps.prepare_batch(home, DAY)


@pytest.fixture
def town(any_home: Settings) -> Settings:
    """Ann agreed to nothing; nobody was ever written to."""
    fill(any_home, {"customers": [{"customer_id": "ann"}, {"customer_id": "bob", "person_id": "bob"}]})
    return any_home


def notices(home: Settings) -> list[dict[str, Any]]:
    found_: list[dict[str, Any]] = review.show_batch(home)["notices"]
    return found_


def test_a_right_of_a_silent_customer_is_a_notice_without_a_message(town: Settings) -> None:
    night_with(town, found("ann"), found("ann", 200), found("bob", 100, owed="policy"))
    (decision,) = export.decisions(town, DAY).filter(pl.col("customer_id") == "ann").collect().to_dicts()
    assert (decision["outcome"], decision["reason"], decision["notice_id"]) == ("silent", "no_consent", None)
    (notice,) = notices(town)  # money we choose to pay is found again another night
    assert (notice["channel"], notice["purpose"], notice["state"]) == ("none", "service", "proposed")
    assert (notice["amount_minor"], notice["send_after"], len(notice["opportunities"])) == (500, None, 2)
    assert "This is no message, and nothing is sent" in notice["text"]
    assert "You get $3.00 back for the second one." in notice["text"]
    shown = export.notices(town, DAY).collect()
    assert shown.select("customer_id", "channel", "amount_minor").rows() == [("ann", "none", 500)]


def test_approving_it_promises_the_money_and_nothing_is_ever_sent(town: Settings) -> None:
    night_with(town, found("ann"))
    with clock.at(END):
        assert review.approve(town, "latest", by="eve").promised_minor == {"USD": 300}
    with clock.at(MORNING):
        assert send(town, allow_old=True).rows_in["notices"] == 0
    assert notices(town)[0]["state"] == "approved"
    with reading(engine_for(town)) as session:
        (promise,) = listed(session)
        assert session.get(NoticeRow, promise.notice_id) is not None
    assert (promise.customer_id, promise.kind, promise.open_minor) == ("ann", "double_payment", 300)
    assert desk.pay(town, promise.promise_id, reference="bank 1", by="fin")[0].state == "kept"


def test_explaining_a_silent_customer_shows_what_is_theirs_without_a_message(town: Settings) -> None:
    night_with(town, found("ann"), found("bob", 100, owed="policy"))
    told = explain(town, "ann", DAY)
    (right,) = told["rights"]
    assert (told["outcome"], told["notice"]) == ("silent", None)
    assert (right["amount_minor"], right["currency"], right["state"]) == (300, "USD", "proposed")
    review.approve(town, "latest", by="eve")
    (right,) = explain(town, "ann", DAY)["rights"]
    assert (right["state"], right["history"][0]["by"]) == ("approved", "eve")
    assert explain(town, "bob", DAY)["rights"] == []


def test_it_counts_as_no_contact_and_as_promised(town: Settings) -> None:
    night_with(town, found("ann"))
    with clock.at(END):
        review.approve(town, "latest", by="eve")
    inputs = freeze(town, Lake.of(town), NEXT)
    assert inputs.contacts.collect().is_empty()
    (promised,) = inputs.promised.collect().to_dicts()
    subject = {name: promised[name] for name in ("order_id", "line_id", "entitlement_id", "incident_id")}
    assert subject == {"order_id": "o1", "line_id": "1", "entitlement_id": None, "incident_id": None}
    facts = (promised["customer_id"], promised["kind"], promised["owed"], promised["promised_minor"])
    assert facts == ("ann", "double_payment", "right", 300)
    assert promised["first_at"] == END


def test_what_is_held_waits_for_a_person(town: Settings) -> None:
    night_with(town, found("ann", held=True), found("ann", 200))
    assert sorted((n["state"], n["amount_minor"]) for n in notices(town)) == [
        ("held", 300),
        ("proposed", 200),
    ]
    assert review.approve(town, "latest", by="eve").promised_minor == {"USD": 200}


def test_rights_that_a_message_has_no_room_for_are_put_before_the_reviewer_too(any_home: Settings) -> None:
    fill(any_home, {"customers": [{"customer_id": "ann"}], "consents": consenting("ann")})
    euros = found("ann", 700, currency="EUR")
    capped = any_home.outreach.model_copy(update={"cap_contacts": 0})
    home = any_home.model_copy(update={"outreach": capped})
    night_with(home, found("ann"), euros)
    channels = sorted((n["channel"], n["currency"]) for n in notices(home))
    assert channels == [("none", "EUR"), ("none", "USD")]


def test_the_same_night_twice_is_the_same_and_rejecting_takes_the_promise_back(town: Settings) -> None:
    night_with(town, found("ann"), found("bob"))
    before = review.show_batch(town)["digest"]
    night_with(town, found("bob"), found("ann"))
    assert review.show_batch(town)["digest"] == before
    review.approve(town, "latest", by="eve")
    assert review.reject(town, "latest", by="eve", reason="wrong").voided == 2


def test_a_night_without_rights_has_no_such_notices(any_home: Settings) -> None:
    fill(any_home, {"purchases": [{"order_id": "1"}]})
    night(any_home)
    assert notices(any_home) == []


def test_inputs_that_an_earlier_version_froze_can_still_be_read(home: Settings) -> None:
    old = pl.DataFrame({"opportunity_id": ["x"], "currency": ["USD"], "promised_minor": [5]})
    Lake.of(home).put("outreach_promised", DAY, old)
    (row,) = freeze(home, Lake.of(home), DAY).promised.collect().to_dicts()
    assert (row["promised_minor"], row["order_id"], row["first_at"]) == (5, None, None)
