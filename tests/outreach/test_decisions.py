from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.decisions import Decided, decide
from outreach.policy import REASONS, RULES, in_holdout
from tests.outreach.worlds import DAY, END, EVERYTHING, FALL, Rows, all_found, consenting, shop, world
from warehouse.settings import OutreachSettings


def decided(
    tables: dict[str, Rows],
    inputs: dict[str, Rows] | None = None,
    config: OutreachSettings = EVERYTHING,
    *,
    held: bool = False,
    chances: dict[str, float] | None = None,
) -> Decided:
    here = world(tables, inputs)
    found = all_found(here, config).with_columns(held=pl.col("held") | held)
    known = pl.LazyFrame(
        list((chances or {}).items()),
        schema={"entitlement_id": pl.String, "probability": pl.Float64},
        orient="row",
    )
    return decide(found.lazy(), known, here, config, DAY)


def verdict(*args: Any, customer: str = "ann", **more: Any) -> tuple[str, str]:
    rows = decided(*args, **more).decisions.filter(pl.col("customer_id") == customer)
    return rows.select("outcome", "reason").row(0)


def advised(*customers: str) -> dict[str, Rows]:
    """Customers with a coupon for a milk they keep buying, and no price that fell."""
    return shop(*customers) | {
        "purchases": [
            {"order_id": f"{c}{n}", "customer_id": c, "purchased_at": f"2017-11-{20 + n}"}
            for c in customers
            for n in range(2)
        ],
        "prices": [],
        "offers": [{"value_minor": 50, "currency": "USD"}],
        "offer_products": [{}],
        "entitlements": [{"entitlement_id": f"coupon of {c}", "customer_id": c} for c in customers],
    }


def owed_and_advised(*customers: str) -> dict[str, Rows]:
    return advised(*customers) | {"prices": FALL}


def changed(**values: Any) -> OutreachSettings:
    return EVERYTHING.model_copy(update=values)


ANN = {"customer_id": "ann"}


def test_money_owed_is_proposed_and_everybody_else_is_silent() -> None:
    tables = shop("ann") | {"customers": [{"customer_id": "zoe"}]}
    tables["purchases"].append({"order_id": "late", "customer_id": "bob", "kind": "shipping"})
    rows = decided(tables).decisions
    assert rows.select("customer_id", "outcome", "reason", "opportunities", "value_minor").rows() == [
        ("ann", "proposed", "money_owed", 1, 50),
        ("bob", "silent", "nothing_found", 0, None),
        ("zoe", "silent", "nothing_found", 0, None),
    ]


def test_advice_is_proposed_with_marketing_consent() -> None:
    assert verdict(advised("ann")) == ("proposed", "could_save")


@pytest.mark.parametrize("tables", [shop("ann"), advised("ann")], ids=["service", "marketing"])
@pytest.mark.parametrize(
    ("changes", "inputs", "config", "reason"),
    [
        pytest.param({"consents": []}, {}, {}, "no_consent", id="consent unknown"),
        pytest.param(
            {
                "consents": [
                    *consenting("ann"),
                    *[c | {"granted": False, "recorded_at": "2017-06-01"} for c in consenting("ann")],
                ]
            },
            {},
            {},
            "no_consent",
            id="consent taken back",
        ),
        pytest.param(
            {"consents": consenting("ann", channel="email")}, {}, {}, "no_consent", id="another channel"
        ),
        pytest.param(
            {"consents": consenting("ann", channel="email")},
            {},
            {"channels": ("email",)},
            "no_address",
            id="no address",
        ),
        pytest.param(
            {
                "consents": consenting("ann", channel="email"),
                "customers": [ANN | {"email": "ann@example.org"}],
            },
            {"responses": [ANN | {"kind": "bounced", "channel": "email"}]},
            {"channels": ("email",)},
            "bounced",
            id="bounced",
        ),
        pytest.param({}, {"responses": [ANN | {"kind": "bounced"}]}, {}, "bounced", id="bounced somewhere"),
        pytest.param({}, {"responses": [ANN | {"kind": "complained"}]}, {}, "complained", id="complained"),
        pytest.param({}, {}, {"channels": ()}, "no_channel", id="no channel configured"),
        pytest.param({}, {}, {"default_timezone": ""}, "no_timezone", id="no zone"),
        pytest.param(
            {},
            {"contacts": [ANN | {"at": "2017-11-24"}, ANN | {"at": "2017-11-30"}]},
            {},
            "frequency_cap",
            id="cap reached",
        ),
        pytest.param({}, {}, {"cap_contacts": 0}, "frequency_cap", id="cap of none"),
    ],
)
def test_a_rule_says_why_a_customer_hears_nothing(
    tables: dict[str, Rows],
    changes: dict[str, Rows],
    inputs: dict[str, Rows],
    config: dict[str, Any],
    reason: str,
) -> None:
    assert verdict(tables | changes, inputs, changed(**config)) == ("silent", reason)


@pytest.mark.parametrize(
    ("changes", "inputs", "config"),
    [
        pytest.param(
            {
                "consents": [{**c, "granted": False} for c in consenting("ann")]
                + [{**c, "recorded_at": "2017-06-01"} for c in consenting("ann")]
            },
            {},
            {},
            id="consent given later",
        ),
        pytest.param(
            {}, {"contacts": [ANN | {"at": "2017-11-23T23:59:59"}] * 5}, {}, id="heard eight days ago"
        ),
        pytest.param({}, {"contacts": [ANN | {"at": "2017-11-24"}]}, {}, id="heard once"),
        pytest.param(
            {}, {"responses": [ANN | {"kind": "bounced", "channel": "email"}]}, {}, id="other channel bounced"
        ),
        pytest.param(
            {"customers": [ANN | {"timezone": "Asia/Tokyo"}]}, {}, {"default_timezone": ""}, id="own zone"
        ),
    ],
)
def test_what_no_rule_forbids_is_proposed(
    changes: dict[str, Rows], inputs: dict[str, Rows], config: dict[str, Any]
) -> None:
    assert verdict(shop("ann") | changes, inputs, changed(**config)) == ("proposed", "money_owed")


@pytest.mark.parametrize(
    ("changes", "inputs", "config", "reason"),
    [
        pytest.param(
            {"consents": consenting("ann", purposes=("service",))}, {}, {}, "no_consent", id="only service"
        ),
        pytest.param({"customers": [ANN | {"minor": True}]}, {}, {}, "minor", id="a minor"),
        pytest.param(
            {}, {"responses": [ANN | {"kind": "unsubscribed"}]}, {}, "unsubscribed", id="unsubscribed"
        ),
        pytest.param({}, {}, {"min_saving_minor": {"default": 51}}, "below_minimum", id="below the minimum"),
    ],
)
def test_some_rules_are_for_advice_only(
    changes: dict[str, Rows], inputs: dict[str, Rows], config: dict[str, Any], reason: str
) -> None:
    assert verdict(advised("ann") | changes, inputs, changed(**config)) == ("silent", reason)
    assert verdict(owed_and_advised("ann") | changes, inputs, changed(**config)) == ("proposed", "money_owed")


def test_a_saving_of_exactly_the_minimum_is_worth_a_message() -> None:
    assert verdict(advised("ann"), {}, changed(min_saving_minor={"default": 50})) == (
        "proposed",
        "could_save",
    )


def test_a_reason_is_the_first_rule_that_blocks() -> None:
    inputs = {"responses": [ANN | {"kind": "complained"}], "contacts": [ANN | {"at": "2017-11-30"}] * 3}
    assert verdict(shop("ann") | {"consents": []}, inputs)[1] == "complained"
    assert [rule.name for rule in RULES][:3] == ["nothing_found", "already_told", "complained"]
    assert all(rule.name in REASONS for rule in RULES)


def test_advice_given_before_is_not_given_again_but_a_deeper_drop_is() -> None:
    everything = decided(owed_and_advised("ann"))
    assert everything.members.height == 2
    here = owed_and_advised("ann")
    told = [{"opportunity_id": one} for one in ids_of(here)]
    assert verdict(advised("ann"), {"told": told}) == ("silent", "already_told")
    assert verdict(here, {"told": told}) == ("proposed", "money_owed")


def ids_of(tables: dict[str, Rows]) -> list[str]:
    return all_found(world(tables))["opportunity_id"].to_list()


def test_service_goes_first_and_carries_no_advice() -> None:
    done = decided(owed_and_advised("ann"))
    assert done.decisions.select("reason", "opportunities", "value_minor").row(0) == ("money_owed", 2, 100)
    assert done.proposals["purpose"].to_list() == ["service"]


def test_amounts_of_different_currencies_never_share_a_message() -> None:
    tables = shop("ann")
    tables["purchases"].append(
        {"order_id": "e", "customer_id": "ann", "currency": "EUR", "line_total_minor": 300}
    )
    tables["prices"] = [p | {"currency": c} for p in FALL for c in ("USD", "EUR")]
    row = decided(tables).decisions.row(0, named=True)
    assert (row["currency"], row["value_minor"], row["opportunities"]) == ("EUR", 150, 1)


def test_accounts_of_one_person_share_one_message_and_one_cap() -> None:
    tables = shop("ann", "ann2") | {
        "customers": [{"customer_id": c, "person_id": "Ann"} for c in ("ann", "ann2")]
    }
    assert decided(tables).decisions["reason"].to_list() == ["money_owed", "other_account"]
    contacts = [{"customer_id": c, "at": "2017-11-29"} for c in ("ann", "ann2")]
    assert decided(tables, {"contacts": contacts}).decisions["reason"].to_list() == ["frequency_cap"] * 2
    complaint = [{"customer_id": "ann2", "kind": "complained"}]
    assert decided(tables, {"responses": complaint}).decisions["reason"].to_list() == ["complained"] * 2


def test_advice_is_held_out_for_the_same_people_every_night_and_money_owed_never() -> None:
    names = [f"c{n}" for n in range(200)]
    half = changed(holdout_share=0.5)
    rows = decided(advised(*names), config=half).decisions
    out = set(rows.filter(pl.col("outcome") == "held_out")["customer_id"])
    assert out == {name for name in names if in_holdout(name, half)}
    assert 70 < len(out) < 130
    assert set(rows.filter(pl.col("outcome") == "held_out")["reason"]) == {"holdout"}
    other = changed(holdout_share=0.5, holdout_salt="another")
    assert out != {name for name in names if in_holdout(name, other)}
    owed = decided(shop(*names), config=changed(holdout_share=1.0)).decisions
    assert set(owed["outcome"]) == {"proposed"}


def test_the_holdout_holds_back_only_what_would_have_gone_out() -> None:
    assert verdict(advised("ann"), {}, changed(holdout_share=1.0)) == ("held_out", "holdout")
    assert verdict(advised("ann") | {"consents": []}, {}, changed(holdout_share=1.0)) == (
        "silent",
        "no_consent",
    )


def test_what_is_held_waits_in_a_notice_of_its_own() -> None:
    done = decided(shop("ann"), held=True)
    assert done.decisions.select("outcome", "reason").row(0) == ("proposed", "held")
    assert done.proposals["held"].to_list() == [True]


@pytest.mark.parametrize(
    ("channels", "preferred", "chosen"),
    [
        (("email", "sms", "file"), None, "email"),
        (("sms", "email"), None, "sms"),
        (("email", "sms"), "sms", "sms"),
        (("email", "file"), "sms", "email"),
        (("email", "file"), "push", "email"),
    ],
)
def test_the_preferred_channel_counts_where_it_is_configured(
    channels: tuple[str, ...], preferred: str | None, chosen: str
) -> None:
    tables = shop("ann") | {
        "customers": [ANN | {"email": "a@b.c", "phone": "+49 30 1", "preferred_channel": preferred}],
        "consents": [
            c for channel in ("email", "sms", "file", "push") for c in consenting("ann", channel=channel)
        ],
    }
    assert decided(tables, config=changed(channels=channels)).decisions["channel"].to_list() == [chosen]


def test_a_preferred_channel_that_cannot_be_used_gives_way() -> None:
    tables = shop("ann") | {"customers": [ANN | {"preferred_channel": "sms"}]}
    assert decided(tables, config=changed(channels=("sms", "file"))).decisions["channel"].to_list() == [
        "file"
    ]


# Whatever the world, one decision and one reason for everybody --------------------------------

NAMES = ("ann", "bob", "cid", "dan")
some = st.sets(st.sampled_from(NAMES))


@settings(max_examples=30, deadline=None)
@given(
    buyers=some,
    coupons=some,
    agreed=some,
    complained=some,
    minors=some,
    family=some,
    heard=st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 10)), max_size=6),
    cap=st.integers(0, 3),
    share=st.sampled_from([0.0, 0.5, 1.0]),
    held=st.booleans(),
)
def test_everybody_gets_exactly_one_decision_with_one_reason(
    buyers: set[str],
    coupons: set[str],
    agreed: set[str],
    complained: set[str],
    minors: set[str],
    family: set[str],
    heard: list[tuple[str, int]],
    cap: int,
    share: float,
    held: bool,
) -> None:
    tables: dict[str, Rows] = owed_and_advised(*sorted(coupons)) | {"consents": consenting(*sorted(agreed))}
    tables["purchases"] += [{"order_id": f"x{c}", "customer_id": c} for c in sorted(buyers)]
    tables["customers"] = [
        {"customer_id": c, "minor": c in minors, "person_id": "family" if c in family else None}
        for c in NAMES
    ]
    inputs: dict[str, Rows] = {
        "contacts": [
            {"customer_id": c, "at": (END - timedelta(days=d, hours=1)).replace(tzinfo=None).isoformat()}
            for c, d in heard
        ],
        "responses": [{"customer_id": c, "kind": "complained"} for c in sorted(complained)],
    }
    done = decided(tables, inputs, changed(cap_contacts=cap, holdout_share=share), held=held)
    assert done.decisions["customer_id"].to_list() == sorted(NAMES)
    assert done.decisions["reason"].is_in(list(REASONS)).all()
    assert done.decisions["notice_id"].drop_nulls().is_unique().all()
    person = {c: "family" if c in family else c for c in NAMES}
    spoken_to = [person[c] for c in done.proposals["customer_id"]]
    assert len(spoken_to) == len(set(spoken_to))
    assert not set(done.proposals["customer_id"]) & complained
    assert set(done.proposals["customer_id"]) <= agreed
    assert set(done.members["notice_id"]) == set(done.proposals["notice_id"])
