import json
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.finders import failed_experience
from tests.outreach.worlds import DAY, END, EVERYTHING, Rows, found, world
from warehouse.ids import content_id

KIND = "failed_experience"
LINE = {"order_id": "o", "line_total_minor": 1001}
INCIDENT = {"incident_id": "i", "order_id": "o", "line_id": "1"}


def reported(*incidents: dict[str, Any], line: dict[str, Any] | None = None, **changed: Any) -> list[int]:
    tables = {
        "purchases": [LINE | (line or {})],
        "incidents": [INCIDENT | incident for incident in incidents],
    }
    rows = found(KIND, world(tables), EVERYTHING.model_copy(update=changed))
    return rows.sort("opportunity_id")["amount_minor"].to_list()


def test_a_grave_incident_without_remedy_gives_back_what_was_paid_for_the_line() -> None:
    row = found(KIND, world({"purchases": [LINE], "incidents": [INCIDENT]})).row(0, named=True)
    assert row["amount_minor"] == 1001
    assert (row["owed"], row["currency"], row["incident_id"]) == ("right", "USD", "i")
    assert (row["order_id"], row["line_id"], row["product_id"]) == ("o", "1", "milk")
    assert row["opportunity_id"] == content_id(KIND, "i")
    assert not row["held"]
    evidence = json.loads(row["evidence"])
    assert (evidence["incident"], evidence["severity"]) == ("damaged", 4)
    assert evidence["occurred_at"] == "2017-11-25T00:00:00Z"
    assert evidence["line_total_minor"] == 1001


@pytest.mark.parametrize(
    ("incident", "line"),
    [
        pytest.param({"severity": 2}, {}, id="severity 2"),
        pytest.param({"occurred_at": "2017-11-16T23:59:59.999999"}, {}, id="before the window"),
        pytest.param({"occurred_at": "2017-12-01"}, {}, id="the day after"),
        pytest.param({"resolved_at": "2017-11-30T23:59:59"}, {}, id="resolved in the last second of the day"),
        pytest.param({"line_id": None}, {}, id="an order without a line"),
        pytest.param({"order_id": None}, {}, id="a line without an order"),
        pytest.param({"line_id": "2"}, {}, id="a line that nobody bought"),
        pytest.param({}, {"customer_id": "bob"}, id="another customer's line"),
        pytest.param({}, {"returned_quantity": "1"}, id="returned"),
        pytest.param(
            {"amount_minor": 500, "currency": "USD"},
            {"returned_quantity": "1"},
            id="its own amount, and returned",
        ),
        pytest.param({}, {"line_total_minor": 0}, id="nothing was paid"),
        pytest.param({"amount_minor": 0, "currency": "USD"}, {}, id="an amount of 0"),
        pytest.param({"amount_minor": 500, "line_id": None}, {}, id="an amount in no currency"),
    ],
)
def test_a_look_alike_is_not_found(incident: dict[str, Any], line: dict[str, Any]) -> None:
    assert reported(incident, line=line) == []


@pytest.mark.parametrize(
    ("incident", "line", "amount"),
    [
        pytest.param({"severity": 3}, {}, 501, id="half at 3, rounded up"),
        pytest.param({"severity": 5}, {}, 1001, id="all at 5"),
        pytest.param({"occurred_at": "2017-11-17"}, {}, 1001, id="first moment of the window"),
        pytest.param({"occurred_at": "2017-11-30T23:59:59"}, {}, 1001, id="last second of the day"),
        pytest.param({"resolved_at": "2017-12-01"}, {}, 1001, id="resolved the day after"),
        pytest.param({}, {"kind": "shipping"}, 1001, id="a line of shipping"),
        pytest.param({}, {"purchased_at": "2017-01-01"}, 1001, id="bought long ago"),
        pytest.param({}, {"quantity": "3", "returned_quantity": "1"}, 667, id="two of three kept"),
        pytest.param(
            {"severity": 3},
            {"quantity": "3", "line_total_minor": 5, "returned_quantity": "1"},
            2,
            id="half of 3.33, rounded once",
        ),
        pytest.param({"amount_minor": 500, "currency": "USD"}, {}, 500, id="its own amount"),
        pytest.param({"amount_minor": 7, "currency": "USD", "severity": 3}, {}, 4, id="half of its own"),
        pytest.param({"amount_minor": 500}, {}, 1001, id="an amount in no currency, and a line"),
        pytest.param({"currency": "EUR"}, {}, 1001, id="a currency without an amount"),
        pytest.param(
            {"amount_minor": 2000, "currency": "USD"}, {}, 1001, id="never more than was paid for the line"
        ),
        *(
            pytest.param(
                {"amount_minor": 500, "currency": "USD"} | where, {}, 500, id=f"an amount, and {told}"
            )
            for where, told in (
                ({"order_id": None, "line_id": None}, "no order"),
                ({"line_id": None}, "an order without a line"),
                ({"line_id": "2"}, "a line that nobody bought"),
            )
        ),
    ],
)
def test_the_edges_of_the_rule_are_found(incident: dict[str, Any], line: dict[str, Any], amount: int) -> None:
    assert reported(incident, line=line) == [amount]


def test_an_amount_keeps_its_own_currency_whatever_the_line_s() -> None:
    tables = {"purchases": [LINE], "incidents": [INCIDENT | {"amount_minor": 300, "currency": "EUR"}]}
    assert found(KIND, world(tables)).select("amount_minor", "currency").rows() == [(300, "EUR")]


def test_an_incident_about_another_customer_s_line_takes_nothing_of_it() -> None:
    tables = {
        "purchases": [LINE | {"customer_id": "bob"}],
        "incidents": [INCIDENT | {"amount_minor": 300, "currency": "USD"}],
    }
    rows = found(KIND, world(tables))
    assert rows.select("customer_id", "order_id", "line_id", "amount_minor").rows() == [
        ("ann", None, None, 300)
    ]


def test_two_incidents_about_one_line_give_back_what_was_paid_once() -> None:
    assert sum(reported({}, {"incident_id": "j"})) == 1001


def test_the_settings_say_from_which_severity_and_how_long() -> None:
    assert reported({"severity": 2}, incident_severity=2) == [501]
    assert reported({}, incident_severity=5) == []
    assert reported({}, incident_days=5) == []
    assert reported({}, incident_days=6) == [1001]


# Failed plays ----------------------------------------------------------------------------------

FILM = {"order_id": "o", "product_id": "film", "line_total_minor": 501, "purchased_at": "2017-11-01"}


def uses(*rows: tuple[str, str], **row: Any) -> Rows:
    return [{"product_id": "film", "kind": kind, "at": f"2017-11-{at}"} | row for kind, at in rows]


TWICE = uses(("failure", "20T20:00"), ("failure", "20T20:30"))


def played(usage: Rows, *lines: dict[str, Any], incidents: Rows | None = None, **changed: Any) -> Any:
    tables = {
        "purchases": [FILM | line for line in lines or ({},)],
        "usage": usage,
        "incidents": [INCIDENT | {"severity": 1} | incident for incident in incidents or []],
    }
    rows = found(KIND, world(tables), EVERYTHING.model_copy(update=changed))
    return rows.select("order_id", "amount_minor").sort("order_id").rows()


def test_a_film_that_failed_twice_in_a_day_and_never_played_since_is_paid_back() -> None:
    row = found(KIND, world({"purchases": [FILM], "usage": TWICE})).row(0, named=True)
    assert row["amount_minor"] == 501
    assert (row["owed"], row["order_id"], row["line_id"], row["product_id"]) == ("right", "o", "1", "film")
    assert row["incident_id"] is None
    assert row["opportunity_id"] == content_id(KIND, "o", "1")
    evidence = json.loads(row["evidence"])
    assert (evidence["failures"], evidence["severity"]) == (2, 4)
    assert evidence["first_failed_at"] == "2017-11-20T20:00:00Z"
    assert evidence["occurred_at"] == "2017-11-20T20:30:00Z"


@pytest.mark.parametrize(
    ("usage", "line", "incidents"),
    [
        pytest.param(TWICE[:1], {}, [], id="failed once"),
        pytest.param(uses(("failure", "20T23:59"), ("failure", "21T00:00")), {}, [], id="on two days"),
        pytest.param([TWICE[0], TWICE[1] | {"product_id": "song"}], {}, [], id="two products"),
        pytest.param([TWICE[0], TWICE[1] | {"customer_id": "bob"}], {}, [], id="two customers"),
        pytest.param([TWICE[0], TWICE[1] | {"product_id": None}], {}, [], id="a failure of nothing"),
        pytest.param(
            uses(("failure", "16T23:59:58"), ("failure", "16T23:59:59")), {}, [], id="before the window"
        ),
        pytest.param([*TWICE, *uses(("play", "20T20:31"))], {}, [], id="played after"),
        pytest.param([*TWICE, *uses(("use", "30T23:59"))], {}, [], id="used days after"),
        pytest.param(TWICE, {"customer_id": "bob"}, [], id="another customer's film"),
        pytest.param(TWICE, {"product_id": "song"}, [], id="another product was bought"),
        pytest.param(TWICE, {"purchased_at": "2017-11-20T20:00"}, [], id="bought at the first failure"),
        pytest.param(TWICE, {"purchased_at": "2017-11-20T20:10"}, [], id="bought between the failures"),
        pytest.param(TWICE, {"returned_quantity": "1"}, [], id="returned"),
        pytest.param(TWICE, {"kind": "fee"}, [], id="a fee is not a product"),
        pytest.param(TWICE, {"line_total_minor": 0}, [], id="nothing was paid"),
        pytest.param(
            TWICE, {}, [{"occurred_at": "2017-11-20"}], id="reported in the first moment of the day"
        ),
        pytest.param(TWICE, {}, [{"occurred_at": "2017-11-28"}], id="reported later"),
        pytest.param(
            TWICE,
            {},
            [{"occurred_at": "2017-11-21", "resolved_at": "2017-11-22", "severity": 5}],
            id="reported and resolved",
        ),
    ],
)
def test_a_look_alike_of_failed_plays_is_not_found(
    usage: Rows, line: dict[str, Any], incidents: Rows
) -> None:
    assert played(usage, line, incidents=incidents) == []


@pytest.mark.parametrize(
    ("usage", "line", "incidents"),
    [
        pytest.param(uses(("failure", "17T00:00"), ("failure", "17T23:59:59")), {}, [], id="first day"),
        pytest.param(uses(("failure", "30T00:00"), ("failure", "30T23:59:59")), {}, [], id="last day"),
        pytest.param([*TWICE, *uses(("failure", "20T21:00"))], {}, [], id="three times"),
        pytest.param([*TWICE, *uses(("play", "20T20:10"))], {}, [], id="played between"),
        pytest.param([*TWICE, *uses(("play", "20T20:30"))], {}, [], id="played at the last failure"),
        pytest.param([*TWICE, *uses(("pause", "20T20:31"))], {}, [], id="a pause is no success"),
        pytest.param([*TWICE, *uses(("play", "20T20:31"), product_id="song")], {}, [], id="a song played"),
        pytest.param([*TWICE, *uses(("play", "20T20:31"), customer_id="bob")], {}, [], id="bob's played"),
        pytest.param([*TWICE, *uses(("play", "30"), at="2017-12-01")], {}, [], id="played on the day after"),
        pytest.param(TWICE, {"purchased_at": "2017-11-20T19:59:59"}, [], id="bought a second before"),
        pytest.param(TWICE, {}, [{"occurred_at": "2017-11-19T23:59:59"}], id="reported the day before"),
        pytest.param(TWICE, {}, [{"line_id": "2"}], id="another line was reported"),
        pytest.param(TWICE, {}, [{"line_id": None}], id="the order was reported, and no line"),
    ],
)
def test_the_edges_of_failed_plays_are_found(usage: Rows, line: dict[str, Any], incidents: Rows) -> None:
    assert played(usage, line, incidents=incidents) == [("o", 501)]


def test_a_failed_play_that_was_reported_as_grave_is_found_once() -> None:
    assert played(TWICE, incidents=[{"severity": 3, "occurred_at": "2017-11-20"}]) == [("o", 251)]


def test_the_newest_line_that_was_kept_is_the_one_that_failed() -> None:
    old, new = {"order_id": "a"}, {"order_id": "b", "purchased_at": "2017-11-10"}
    assert played(TWICE, old, new) == [("b", 501)]
    assert played(TWICE, old, new | {"returned_quantity": "1"}) == [("a", 501)]
    assert played(TWICE, old, new | {"purchased_at": "2017-11-21"}) == [("a", 501)]


def test_of_lines_bought_at_one_moment_the_first_is_the_one_that_failed() -> None:
    assert played(TWICE, {"order_id": "b"}, {"order_id": "a"}) == [("a", 501)]
    both = found(
        KIND, world({"purchases": [FILM | {"line_id": "2"}, FILM | {"line_id": "1"}], "usage": TWICE})
    )
    assert both["line_id"].to_list() == ["1"]


def test_of_several_days_the_last_counts() -> None:
    again = uses(("failure", "22T01:00"), ("failure", "22T02:00"), ("failure", "22T03:00"))
    row = found(KIND, world({"purchases": [FILM], "usage": [*TWICE, *again]})).row(0, named=True)
    assert json.loads(row["evidence"])["occurred_at"] == "2017-11-22T03:00:00Z"
    assert json.loads(row["evidence"])["failures"] == 3
    assert played([*TWICE, *again], incidents=[{"occurred_at": "2017-11-21"}]) == [("o", 501)]
    assert played([*TWICE, *again], {"order_id": "a"}, {"order_id": "b", "purchased_at": "2017-11-21"}) == [
        ("a", 501),
        ("b", 501),
    ]


def test_the_settings_say_how_many_failures_and_which_severity_is_grave() -> None:
    assert played(TWICE, failures=3) == []
    assert played(TWICE[:1], failures=1) == [("o", 501)]
    assert played(TWICE, incident_severity=4) == [("o", 501)]
    assert played(TWICE, incident_severity=5) == []
    assert played(TWICE, incident_days=10) == []
    assert played(TWICE, incident_days=11) == [("o", 501)]


# Properties ------------------------------------------------------------------------------------

quantities = st.decimals("0.001", "500", places=3)


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, Rows]:
    def moment() -> str:
        return (END - timedelta(hours=draw(st.integers(1, 16 * 24)))).replace(tzinfo=None).isoformat()

    lines, incidents = [], []
    for n in range(draw(st.integers(1, 4))):
        quantity = draw(quantities)
        back = draw(st.just("0") | st.decimals("0", quantity, places=3))
        lines.append(
            LINE
            | {"order_id": str(n), "quantity": str(quantity), "returned_quantity": str(back)}
            | {"line_total_minor": draw(st.integers(0, 100_000)), "purchased_at": moment()}
        )
        own = draw(st.none() | st.integers(0, 100_000))
        incidents.append(
            INCIDENT
            | {"incident_id": str(n), "order_id": str(n), "severity": draw(st.integers(1, 5))}
            | {"occurred_at": moment(), "amount_minor": own, "currency": None if own is None else "USD"}
        )
    kinds = st.sampled_from(["failure", "failure", "play"])
    usage = [
        {"product_id": "milk", "kind": draw(kinds), "at": moment()} for _ in range(draw(st.integers(0, 8)))
    ]
    return {"purchases": lines, "incidents": incidents, "usage": usage}


def _paid(line: dict[str, Any]) -> Fraction:
    kept = Fraction(line["quantity"]) - Fraction(line["returned_quantity"])
    return line["line_total_minor"] * kept / Fraction(line["quantity"])


def _half_up(amount: Fraction) -> int:
    return (amount + Fraction(1, 2)).__floor__()


@settings(max_examples=60, deadline=None)
@given(worlds())
def test_every_reported_claim_is_the_rule_s(tables: dict[str, Rows]) -> None:
    claims = failed_experience.find(world(tables), EVERYTHING, DAY).collect()
    got = {
        row["incident_id"]: row["claim_minor"] for row in claims.iter_rows(named=True) if row["incident_id"]
    }
    want = {}
    for line, incident in zip(tables["purchases"], tables["incidents"], strict=True):
        since = (END - timedelta(days=14)).replace(tzinfo=None).isoformat()
        own = incident["amount_minor"]
        paid = _paid(line) if own is None else Fraction(own)
        claim = _half_up(paid / 2 if incident["severity"] == 3 else paid)
        if incident["severity"] >= 3 and incident["occurred_at"] >= since and claim > 0:
            want[incident["incident_id"]] = claim
    assert got == want


@settings(max_examples=30, deadline=None)
@given(worlds())
def test_no_line_gives_back_more_than_was_paid_for_what_was_kept(tables: dict[str, Rows]) -> None:
    rows = found(KIND, world(tables))
    assert (rows["amount_minor"] > 0).all()
    for line in tables["purchases"]:
        of_line = rows.filter(order_id=line["order_id"])["amount_minor"]
        assert of_line.sum() <= _half_up(_paid(line))


@settings(max_examples=30, deadline=None)
@given(worlds(), st.randoms())
def test_the_order_of_rows_changes_nothing(tables: dict[str, Rows], random: Any) -> None:
    mixed = {name: random.sample(rows, len(rows)) for name, rows in tables.items()}
    first, again = (found(KIND, world(t)).sort("opportunity_id") for t in (tables, mixed))
    assert first.equals(again)


@pytest.mark.parametrize("severity", [3, 4])
def test_the_evidence_alone_is_enough_to_recompute_the_claim(severity: int) -> None:
    line = {"quantity": "2.5", "line_total_minor": 777, "returned_quantity": "0.7"}
    tables = {"purchases": [LINE | line], "incidents": [INCIDENT | {"severity": severity}]}
    claim = failed_experience.find(world(tables), EVERYTHING, DAY).collect().row(0, named=True)
    facts = json.loads(claim["facts"])
    paid = facts["line_total_minor"] * Fraction(facts["kept_quantity"]) / Fraction(facts["quantity"])
    assert claim["claim_minor"] == _half_up(paid / 2 if facts["severity"] <= 3 else paid)
