import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach import export
from tests.outreach.worlds import DAY, END, Rows, consenting, fill, found, night, world
from warehouse.ids import content_id
from warehouse.settings import Settings

KIND = "recurring_trouble"
THREE: Rows = [{"incident_id": f"{n}", "severity": 1, "occurred_at": f"2017-11-{10 + n}"} for n in range(3)]
LONG_AGO = {"incident_id": "old", "occurred_at": "2017-10-01"}


def by_three(**changed: Any) -> dict[str, Rows]:
    """Three customers, each with one incident about the milk they bought."""
    names = ("ann", "bob", "cid")
    return {
        "purchases": [{"order_id": c, "customer_id": c} for c in names],
        "products": [{"product_id": "milk", "title": "Fresh milk"}],
        "incidents": [
            {"incident_id": c, "customer_id": c, "order_id": c, "line_id": "1"} | changed for c in names
        ],
    }


def calls(incidents: Rows) -> list[tuple[str, str | None]]:
    rows = found(KIND, world({"incidents": incidents})).sort("customer_id")
    return rows.select("customer_id", "product_id").rows()


def test_a_customer_with_three_incidents_and_none_before_should_be_called() -> None:
    row = found(KIND, world({"incidents": THREE})).row(0, named=True)
    assert (row["customer_id"], row["owed"], row["amount_minor"], row["currency"]) == (
        "ann",
        "advice",
        None,
        None,
    )
    assert row["opportunity_id"] == content_id(KIND, "ann", None)
    evidence = json.loads(row["evidence"])
    assert (evidence["counted_by"], evidence["incidents"], evidence["incidents_before"]) == ("customer", 3, 0)
    assert evidence["incident_ids"] == ["0", "1", "2"]


def test_everybody_with_an_incident_about_a_product_in_trouble_should_be_called() -> None:
    rows = found(KIND, world(by_three())).sort("customer_id")
    assert rows["customer_id"].to_list() == ["ann", "bob", "cid"]
    assert set(rows["product_id"]) == {"milk"}
    evidence = json.loads(rows["evidence"][0])
    assert (evidence["counted_by"], evidence["item"], evidence["incidents"]) == ("product", "Fresh milk", 3)
    assert evidence["incident_ids"] == ["ann"]


def before(count: int, day: str = "2017-10-31T23:59:59") -> Rows:
    return [{"incident_id": f"before {n}", "occurred_at": day} for n in range(count)]


@pytest.mark.parametrize(
    "incidents",
    [
        pytest.param([], id="nothing happened"),
        pytest.param(THREE[:2], id="two incidents"),
        pytest.param([*THREE[:2], LONG_AGO], id="two, and one more than 30 days ago"),
        pytest.param([*THREE, *before(3)], id="as many in the 60 days before"),
        pytest.param(
            [*THREE, *before(3, "2017-09-02")], id="as many from the first moment of those 60 days on"
        ),
        pytest.param([*THREE[:2], THREE[2] | {"customer_id": "bob"}], id="one of them another customer's"),
    ],
)
def test_a_look_alike_is_not_found(incidents: Rows) -> None:
    assert calls(incidents) == []


@pytest.mark.parametrize(
    "incidents",
    [
        pytest.param(
            [*THREE[:2], THREE[2] | {"occurred_at": "2017-11-01"}], id="the first moment of 30 days"
        ),
        pytest.param([*THREE, *before(2)], id="fewer before"),
        pytest.param([*THREE, *before(3, "2017-09-01T23:59:59")], id="more than 90 days ago"),
        pytest.param([one | {"resolved_at": "2017-11-20"} for one in THREE], id="all resolved"),
    ],
)
def test_the_edges_of_the_rule_are_found(incidents: Rows) -> None:
    assert calls(incidents) == [("ann", None)]


def test_who_is_called_anyway_is_not_called_about_a_product_too() -> None:
    tables = by_three()
    tables["incidents"] += THREE
    rows = found(KIND, world(tables)).sort("customer_id")
    assert rows.select("customer_id", "product_id").rows() == [
        ("ann", None),
        ("bob", "milk"),
        ("cid", "milk"),
    ]


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"order_id": None}, id="about no order"),
        pytest.param({"line_id": "2"}, id="about a line that nobody knows"),
        pytest.param({"occurred_at": "2017-10-15"}, id="long ago"),
    ],
)
def test_a_product_is_only_in_trouble_through_its_lines(changed: dict[str, Any]) -> None:
    assert found(KIND, world(by_three(**changed))).is_empty()


def test_only_those_with_a_recent_incident_are_called_about_a_product() -> None:
    tables = by_three()
    tables["purchases"].append({"order_id": "dee", "customer_id": "dee"})
    tables["incidents"].append(
        {
            "incident_id": "d",
            "customer_id": "dee",
            "order_id": "dee",
            "line_id": "1",
            "occurred_at": "2017-10-01",
        }
    )
    assert found(KIND, world(tables)).sort("customer_id")["customer_id"].to_list() == ["ann", "bob", "cid"]


def test_nobody_is_written_to_but_somebody_is_asked_to_call(any_home: Settings) -> None:
    customer = {
        "customer_id": "ann",
        "representative": "eve",
        "phone": "+43 1 234",
        "timezone": "Europe/Vienna",
    }
    fill(any_home, {"incidents": THREE, "customers": [customer], "consents": consenting("ann")})
    night(any_home)
    decision = export.decisions(any_home, DAY).collect()
    assert decision.select("customer_id", "outcome", "reason").rows() == [("ann", "silent", "nothing_found")]
    assert export.notices(any_home, DAY).collect().is_empty()
    calls_to_make = export.calls(any_home, DAY).collect()
    assert calls_to_make.select("representative", "customer_id", "phone", "timezone", "kind").rows() == [
        ("eve", "ann", "+43 1 234", "Europe/Vienna", KIND)
    ]


def test_trouble_changes_nothing_of_what_a_customer_is_told(home: Settings) -> None:
    drop = {
        "purchases": [{"order_id": "1"}],
        "prices": [{"price": "2"}, {"price": "1.5", "effective_at": "2017-11-25"}],
    }
    fill(home, drop | {"incidents": THREE, "consents": consenting("ann")})
    night(home)
    row = export.decisions(home, DAY).collect().row(0, named=True)
    assert (row["outcome"], row["reason"], row["opportunities"], row["value_minor"]) == (
        "proposed",
        "money_owed",
        1,
        50,
    )
    assert export.calls(home, DAY).collect().height == 1


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["ann", "bob"]), st.integers(1, 120)), max_size=14), st.randoms())
def test_calls_are_the_rule_s_and_follow_from_no_order_of_rows(
    happened: list[tuple[str, int]], random: Any
) -> None:
    incidents = [
        {"incident_id": str(n), "customer_id": c, "occurred_at": str(END - timedelta(days=ago))[:10]}
        for n, (c, ago) in enumerate(happened)
    ]
    expected: list[tuple[str, str | None]] = []
    for name in ("ann", "bob"):
        recent = sum(c == name and ago <= 30 for c, ago in happened)
        older = sum(c == name and 30 < ago <= 90 for c, ago in happened)
        expected += [(name, None)] if recent >= 3 and recent > older else []
    assert calls(incidents) == expected
    assert calls(random.sample(incidents, len(incidents))) == expected
