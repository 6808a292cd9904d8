"""What customers would really get: after what was promised, from one purse per line, within the caps."""

import json
from collections.abc import Iterable
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.columns import polars_schema
from outreach.opportunities import Claims, claims
from outreach.settling import settle
from tests.outreach.worlds import DAY, EVERYTHING, Rows, world
from warehouse.settings import OutreachSettings

KINDS = ["price_guarantee", "price_drop", "double_payment", "failed_experience", "late_delivery"]
OWED = {"price_guarantee": "right", "double_payment": "right", "failed_experience": "right"}
LINES = [
    {"order_id": "1", "line_id": "1", "line_total_minor": 1000},
    {"order_id": "1", "line_id": "2", "line_total_minor": 300},
]


def claim(kind: str, minor: int | None, line: str | None = "1", **more: Any) -> dict[str, Any]:
    subject = {"order_id": "1", "line_id": line, "currency": "USD", "customer_id": "ann"} | more
    return {
        "opportunity_id": f"{kind} {subject['order_id']} {line}",
        "kind": kind,
        "owed": OWED.get(kind, "policy"),
        "claim_minor": minor,
        "held": False,
        "facts": '{"rule":"said"}',
    } | subject


def settled(
    found: Rows,
    promised: Rows | None = None,
    lines: Rows | None = None,
    config: OutreachSettings = EVERYTHING,
    **tables: Rows,
) -> pl.DataFrame:
    here = world({"purchases": lines or LINES} | tables, {"promised": promised or []})
    rows = pl.DataFrame(found) if found else pl.DataFrame(schema=polars_schema(Claims))
    order = [*KINDS, *dict.fromkeys(one["kind"] for one in found if one["kind"] not in KINDS)]
    return settle(claims(rows.lazy()), order, here, config, DAY).collect()


def amounts(*args: Any, **more: Any) -> dict[str, int]:
    return dict(settled(*args, **more).select("opportunity_id", "amount_minor").iter_rows())


def before(kind: str, minor: int, line: str | None = "1", **more: Any) -> dict[str, Any]:
    made = claim(kind, None, line, **more)
    names = ("opportunity_id", "customer_id", "kind", "owed", "order_id", "line_id", "currency")
    return {name: made[name] for name in names} | {
        "promised_minor": minor,
        "first_at": "2017-11-29",
        **{name: more[name] for name in ("first_at",) if name in more},
    }


def test_kinds_take_from_a_line_in_their_order_and_never_more_than_was_paid() -> None:
    found = [claim("late_delivery", 500), claim("failed_experience", 600), claim("price_guarantee", 200)]
    assert amounts(found) == {
        "price_guarantee 1 1": 200,
        "failed_experience 1 1": 600,
        "late_delivery 1 1": 200,
    }


def test_lines_have_purses_of_their_own() -> None:
    found = [claim("failed_experience", 1000), claim("late_delivery", 150, "2")]
    assert amounts(found) == {"failed_experience 1 1": 1000, "late_delivery 1 2": 150}


def test_what_came_back_is_not_in_the_purse() -> None:
    lines = [LINES[0] | {"quantity": "4"}, LINES[1]]
    back = [{"order_id": "1", "line_id": "1", "quantity": "3", "returned_at": "2017-11-28"}]
    assert amounts([claim("failed_experience", 1000)], lines=lines, returns=back) == {
        "failed_experience 1 1": 250
    }


@pytest.mark.parametrize(
    ("guarantee", "drop", "amount"),
    [(200, 300, 100), (300, 200, None), (200, 200, None)],
    ids=["the drop is deeper", "the guarantee is", "both are the same"],
)
def test_a_guarantee_and_a_drop_come_to_the_larger_of_the_two(
    guarantee: int, drop: int, amount: int | None
) -> None:
    found = amounts([claim("price_guarantee", guarantee), claim("price_drop", drop)])
    assert found.get("price_drop 1 1") == amount
    assert found["price_guarantee 1 1"] == guarantee


def test_a_drop_that_was_promised_before_dispatch_was_known_is_no_guarantee_again() -> None:
    promised = [before("price_drop", 200)]
    assert amounts([claim("price_guarantee", 200)], promised) == {}
    assert amounts([claim("price_guarantee", 250)], promised) == {"price_guarantee 1 1": 50}


def test_an_order_paid_twice_gives_back_what_is_left_of_each_line() -> None:
    found = [claim("double_payment", 1300, None), claim("price_guarantee", 200), claim("late_delivery", 100)]
    assert amounts(found) == {"double_payment 1 None": 1100, "price_guarantee 1 1": 200}


def test_an_order_that_was_promised_leaves_nothing_of_its_lines() -> None:
    promised = [before("double_payment", 1300, None)]
    assert amounts([claim("late_delivery", 100), claim("double_payment", 1300, None)], promised) == {}


def test_an_order_paid_twice_gives_back_less_what_was_promised_of_its_lines_before() -> None:
    promised = [before("late_delivery", 100)]
    assert amounts([claim("double_payment", 1300, None)], promised) == {"double_payment 1 None": 1200}


def test_a_claim_that_grew_is_a_claim_for_the_difference() -> None:
    promised = [before("late_delivery", 100)]
    assert amounts([claim("late_delivery", 300)], promised) == {"late_delivery 1 1": 200}
    assert amounts([claim("late_delivery", 100)], promised) == {}
    assert amounts([claim("late_delivery", 50)], promised) == {}


def test_what_is_below_the_least_worth_claiming_is_none_and_nothing_is_only_where_it_may_be() -> None:
    assert amounts([claim("late_delivery", 9, least_minor=10)]) == {}
    assert amounts([claim("late_delivery", 10, least_minor=10)]) == {"late_delivery 1 1": 10}
    advice = {"owed": "advice", "order_id": None}
    assert amounts([claim("back", 0, None, least_minor=0, **advice)]) == {"back None None": 0}
    assert amounts([claim("watched", 0, None, **advice)]) == {}


def test_policy_promises_at_most_the_cap_for_one_claim_over_all_nights() -> None:
    capped = EVERYTHING.model_copy(update={"cap_claim_minor": {"USD": 250}})
    found = [claim("late_delivery", 300)]
    assert amounts(found, config=capped) == {"late_delivery 1 1": 250}
    assert amounts(found, [before("late_delivery", 100)], config=capped) == {"late_delivery 1 1": 150}
    assert amounts(found, [before("late_delivery", 250)], config=capped) == {}
    assert amounts([claim("failed_experience", 300)], config=capped) == {"failed_experience 1 1": 300}


def test_policy_in_a_currency_without_a_cap_waits_for_a_person() -> None:
    capped = EVERYTHING.model_copy(update={"cap_claim_minor": {"EUR": 250}})
    assert settled([claim("late_delivery", 300)], config=capped)["held"].to_list() == [True]
    assert settled([claim("failed_experience", 300)], config=capped)["held"].to_list() == [False]


ORDERS: Rows = [{"order_id": f"{n}", "customer_id": "ann" if n % 2 else "bob"} for n in range(6)]
ONE_PERSON: Rows = [{"customer_id": c, "person_id": "ann bell"} for c in ("ann", "bob")]


def late(orders: Iterable[int]) -> Rows:
    return [
        claim("late_delivery", 10 + n, "1", order_id=f"{n}", customer_id="ann" if n % 2 else "bob")
        for n in orders
    ]


def test_a_person_has_so_many_claims_by_policy_a_year_the_largest_first_over_all_accounts() -> None:
    three = EVERYTHING.model_copy(update={"cap_claims": 3})
    found = amounts(late(range(6)), lines=ORDERS, customers=ONE_PERSON, config=three)
    assert sorted(found.values()) == [13, 14, 15]
    apart = amounts(late(range(6)), lines=ORDERS, config=three)
    assert len(apart) == 6


def test_claims_promised_in_the_last_year_count_first_and_are_themselves_not_new() -> None:
    two = EVERYTHING.model_copy(update={"cap_claims": 2})
    had = [before("late_delivery", 10, order_id="0", customer_id="bob", first_at="2016-12-01")]
    found = amounts(late(range(3)), had, ORDERS, two, customers=ONE_PERSON)
    assert found == {"late_delivery 2 1": 12}
    deeper = late([0, 1])[:1]
    deeper[0]["claim_minor"] = 50
    assert amounts(deeper, [*had, *_others(3)], ORDERS, two, customers=ONE_PERSON) == {
        "late_delivery 0 1": 40
    }
    long_ago = [had[0] | {"first_at": "2016-11-30T23:59:59"}]
    assert len(amounts(late(range(1, 3)), long_ago, ORDERS, two, customers=ONE_PERSON)) == 2


def _others(many: int) -> Rows:
    return [before("late_delivery", 5, order_id=f"before {n}") for n in range(many)]


def test_rights_are_never_capped_nor_counted() -> None:
    none = EVERYTHING.model_copy(update={"cap_claims": 0, "cap_claim_minor": {"default": 0}})
    assert amounts([claim("failed_experience", 900)], config=none) == {"failed_experience 1 1": 900}


def test_the_amount_can_be_recomputed_from_the_evidence() -> None:
    found = [claim("price_guarantee", 200), claim("price_drop", 450), claim("late_delivery", 900)]
    config = EVERYTHING.model_copy(update={"cap_claim_minor": {"default": 400}})
    rows = settled(found, [before("late_delivery", 50)], config=config)
    assert rows.height == 3
    for row in rows.iter_rows(named=True):
        e = json.loads(row["evidence"])
        assert e["rule"] == "said"
        ways = [e["claim_minor"] - max(e["already_promised_minor"], e["given_beside_minor"])]
        ways.append(e["left_of_what_was_paid_minor"])
        if e["cap_minor"] is not None:
            ways.append(e["cap_minor"] - e["already_promised_minor"])
        assert min(ways) == row["amount_minor"] == e["amount_minor"]


CLAIMED = st.tuples(st.sampled_from(KINDS), st.integers(1, 2000), st.sampled_from(["1", "2"]))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(CLAIMED, max_size=8, unique_by=lambda one: (one[0], one[2])),
    st.lists(CLAIMED, max_size=4, unique_by=lambda one: (one[0], one[2])),
    st.randoms(),
)
def test_a_line_never_gives_more_than_was_paid_and_the_order_of_rows_changes_nothing(
    found: list[tuple[str, int, str]], promised: list[tuple[str, int, str]], chance: Any
) -> None:
    rows = [
        claim(kind, minor, line if kind != "double_payment" else None)
        for kind, minor, line in found
        if kind != "double_payment" or line == "1"
    ]
    had = [before(kind, minor, line) for kind, minor, line in promised if kind != "double_payment"]
    first = settled(rows, had)
    assert (first["amount_minor"] > 0).all()
    for line, paid in (("1", 1000), ("2", 300)):
        gone = sum(minor for kind, minor, of in promised if of == line and kind != "double_payment")
        tonight = int(first.filter(pl.col("line_id") == line)["amount_minor"].sum())
        assert tonight <= max(paid - gone, 0)
    gone = dict.fromkeys(("1", "2"), 0)
    for row in had:
        gone[row["line_id"]] += row["promised_minor"]
    assert first["amount_minor"].sum() <= sum(max(p - gone[n], 0) for n, p in (("1", 1000), ("2", 300)))
    chance.shuffle(rows)
    assert settled(rows, had).sort("opportunity_id").equals(first.sort("opportunity_id"))
