import time
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from outreach import export, review, steps
from outreach.choosing import Which
from outreach.explain import explain
from tests.conftest import once
from tests.outreach.worlds import DAY, END, EVERYTHING, MORNING, at, consenting, fill, night, shop
from warehouse import clock
from warehouse.errors import ConflictError, NotFoundError
from warehouse.settings import Settings

NEXT = DAY + timedelta(days=1)
DECISIONS = (
    "customer_id, outcome, reason, channel, notice_id, send_after, opportunities, value_minor, currency"
)
NOTICES = "notice_id, batch_id, customer_id, channel, purpose, amount_minor, currency, subject, text, state"


def open_shop(home: Settings) -> None:
    fill(home, shop("ann", "bob"))


def first_night(home: Settings) -> None:
    open_shop(home)
    night(home)


@pytest.fixture
def town(any_home: Settings) -> Settings:
    """Ann and Bob, each owed fifty cents."""
    open_shop(any_home)
    return any_home


@pytest.fixture
def slept(any_home: Settings) -> Settings:
    """The same town after its first night."""
    return once(any_home, first_night)


def bytes_of(home: Settings) -> dict[str, bytes]:
    folder = Path(home.lake_location) / "nights"
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.glob("*/*.parquet"))}


def test_a_night_ends_with_a_draft_batch_of_proposed_notices(slept: Settings) -> None:
    assert export.opportunities(slept, DAY).collect()["amount_minor"].to_list() == [50, 50]
    decisions = export.decisions(slept, DAY).collect()
    assert ", ".join(decisions.columns) == DECISIONS
    assert decisions["send_after"].to_list() == [END.replace(hour=9)] * 2
    notices = export.notices(slept, DAY).collect()
    assert ", ".join(notices.columns[:10]) == NOTICES
    assert notices["state"].to_list() == ["proposed", "proposed"]
    assert sorted(notices["notice_id"]) == sorted(decisions["notice_id"])
    batch = review.list_batches(slept)[0]
    assert (batch["state"], batch["notices"], batch["states"]) == ("draft", 2, {"proposed": 2})
    shown = review.show_batch(slept, DAY.isoformat())
    assert [len(notice["opportunities"]) for notice in shown["notices"]] == [1, 1]


def test_the_same_night_twice_is_byte_identical_and_one_batch(slept: Settings) -> None:
    first = bytes_of(slept)
    night(slept)
    assert bytes_of(slept) == first
    assert len(review.list_batches(slept)) == 1
    assert {f"{DAY}/{name}.parquet" for name in ("opportunities", "decisions", "notices")} <= set(first)


def test_a_rerun_replaces_a_draft_with_what_the_lake_says_now(slept: Settings) -> None:
    fill(slept, shop("cid"))
    night(slept)
    assert export.notices(slept, DAY).collect().height == 3
    assert review.list_batches(slept)[0]["notices"] == 3


def test_a_rerun_of_a_batch_in_review_changes_nothing_and_says_what_would_differ(slept: Settings) -> None:
    chosen = export.notices(slept, DAY).collect()["notice_id"][0]
    review.hold(slept, "latest", by="eve", reason="look", which=Which([chosen]))
    before, shown = bytes_of(slept), review.show_batch(slept)
    fill(slept, shop("cid") | {"returns": [{"order_id": "order of bob", "returned_at": "2017-11-29"}]})
    steps.find(slept, DAY)
    steps.decide(slept, DAY)
    receipt = steps.prepare_batch(slept, DAY)
    assert receipt.numbers["would_differ"] == {"added": 1, "removed": 1, "changed": 0}
    assert any("1 more, 1 fewer and 0 other notices" in warning for warning in receipt.warnings)
    after = bytes_of(slept)
    assert {name: after[name] for name in before} == before
    assert review.show_batch(slept) == shown


def test_a_rerun_after_sending_and_promising_gives_the_same_opportunities(slept: Settings) -> None:
    first = export.opportunities(slept, DAY).collect()
    review.approve(slept, "latest", by="eve")
    receipt = steps.find(slept, DAY)
    assert receipt.rows_out["opportunities"] == 2
    assert export.opportunities(slept, DAY).collect().equals(first)
    steps.decide(slept, DAY)
    assert steps.prepare_batch(slept, DAY).numbers["would_differ"] == {"added": 0, "removed": 0, "changed": 0}


def test_the_next_night_claims_only_the_difference_of_a_deeper_drop(slept: Settings) -> None:
    ann = export.notices(slept, DAY).filter(pl.col("customer_id") == "ann").collect()["notice_id"].to_list()
    review.approve(slept, "latest", by="eve", which=Which(ann))
    fill(slept, {"prices": [{"price": "1.20", "effective_at": "2017-12-01 12:00"}]})
    night(slept, NEXT)
    claimed = export.opportunities(slept, NEXT).collect().sort("customer_id")
    assert claimed.select("customer_id", "amount_minor").rows() == [("ann", 30), ("bob", 80)]
    assert sorted(export.opportunities(slept, DAY).collect()["opportunity_id"]) == sorted(
        claimed["opportunity_id"]
    )
    text = export.notices(slept, NEXT).filter(pl.col("customer_id") == "ann").collect()["text"][0]
    assert "We promised you $0.50 of it before, and now you get another $0.30 back." in text


def test_the_next_night_is_silent_about_an_unchanged_drop(slept: Settings) -> None:
    review.approve(slept, "latest", by="eve")
    night(slept, NEXT)
    assert export.opportunities(slept, NEXT).collect().is_empty()
    assert set(export.decisions(slept, NEXT).collect()["reason"]) == {"nothing_found"}


def test_what_was_rejected_or_never_decided_was_not_promised(slept: Settings) -> None:
    review.reject(slept, "latest", by="eve", reason="no")
    night(slept, NEXT)
    assert export.opportunities(slept, NEXT).collect()["amount_minor"].to_list() == [50, 50]


def test_our_own_notices_count_for_the_cap(town: Settings) -> None:
    capped = town.model_copy(update={"outreach": EVERYTHING.model_copy(update={"cap_contacts": 1})})
    night(capped)
    review.approve(capped, "latest", by="eve")
    fill(capped, {"prices": [{"price": "1.20", "effective_at": "2017-12-01 12:00"}]})
    night(capped, NEXT)
    assert set(export.decisions(capped, NEXT).collect()["reason"]) == {"frequency_cap"}
    later = DAY + timedelta(days=9)
    night(capped, later)
    assert set(export.decisions(capped, later).collect()["reason"]) == {"money_owed"}


def test_a_kind_that_claims_too_many_lines_is_held_for_a_person(any_home: Settings) -> None:
    tables = shop("ann", "bob")
    tables["purchases"] += [
        {"order_id": f"oil {n}", "product_id": "oil", "customer_id": f"cid {n}"} for n in range(38)
    ]
    fill(any_home, tables)
    careful = any_home.model_copy(update={"outreach": EVERYTHING.model_copy(update={"hold_share": 0.05})})
    assert steps.find(careful, DAY).warnings == []  # 2 of 40 lines are exactly 5 %
    fill(any_home, shop("dan"))
    receipt = steps.find(careful, DAY)
    assert "price_drop would claim 3 of 41 lines" in receipt.warnings[0]
    assert export.opportunities(careful, DAY).collect()["held"].to_list() == [True] * 3
    steps.decide(careful, DAY)
    steps.prepare_batch(careful, DAY)
    assert review.list_batches(careful)[0]["states"] == {"held": 3}
    with pytest.raises(ConflictError, match="nothing that is proposed, only 3 held"):
        review.approve(careful, "latest", by="eve")


def test_a_day_whose_feed_is_short_gets_no_batch(slept: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "shortfalls", lambda *_: ["purchases of the day: 0 rows, usual are 10"])
    receipt = steps.prepare_batch(slept, DAY)
    assert receipt.warnings[0] == "purchases of the day: 0 rows, usual are 10"
    assert "no batch was made" in receipt.warnings[1]
    assert review.list_batches(slept) == []
    assert export.notices(slept, DAY).collect().is_empty()
    assert export.decisions(slept, DAY).collect().height == 2


@pytest.mark.parametrize(
    "tables", [{}, {"purchases": [{"order_id": "1"}]}], ids=["nothing at all", "only purchases"]
)
def test_a_feed_without_prices_and_consents_runs_and_everybody_is_silent(
    any_home: Settings, tables: dict
) -> None:  # type: ignore[type-arg]
    if tables:
        fill(any_home, tables)
    night(any_home)
    assert export.opportunities(any_home, DAY).collect().is_empty()
    assert set(export.decisions(any_home, DAY).collect()["reason"]) <= {"nothing_found"}
    assert export.notices(any_home, DAY).collect().is_empty()


def test_nothing_after_the_day_changes_what_is_found_or_decided(home: Settings) -> None:
    fill(home, shop("ann"))
    night(home)
    before = bytes_of(home)
    later = {
        "purchases": [{"order_id": "later", "customer_id": "zoe", "purchased_at": "2017-12-01"}],
        "prices": [{"price": "0.10", "effective_at": "2017-12-01"}],
        "returns": [{"order_id": "order of ann", "returned_at": "2017-12-01"}],
        "consents": [c | {"granted": False, "recorded_at": "2017-12-01"} for c in consenting("ann")],
        "contacts": [{"contact_id": str(n), "customer_id": "ann", "sent_at": "2017-12-01"} for n in range(5)],
        "responses": [{"response_id": "1", "customer_id": "ann", "kind": "complained", "at": "2017-12-01"}],
        "customers": [{"customer_id": "new", "created_at": at("2017-12-01")}],
    }
    fill(home, later)
    for frozen in Path(home.lake_location).glob("nights/*/outreach_*.parquet"):
        frozen.unlink()  # as a first run on the fuller lake would be
    night(home)
    assert bytes_of(home) == before


def test_a_batch_made_long_after_its_day_is_a_backfill(home: Settings) -> None:
    fill(home, shop("ann"))
    for now, backfill in ((END, False), (END + timedelta(days=3), False), (END + timedelta(days=4), True)):
        with clock.at(now):
            night(home)
        assert review.list_batches(home)[0]["backfill"] is backfill


def test_bounces_of_our_own_notices_are_known_by_their_channel(any_home: Settings) -> None:
    tables = shop("ann") | {
        "customers": [{"customer_id": "ann", "email": "ann@example.org"}],
        "consents": [*consenting("ann"), *consenting("ann", channel="email")],
    }
    fill(any_home, tables)
    both = any_home.model_copy(
        update={"outreach": EVERYTHING.model_copy(update={"channels": ("email", "file")})}
    )
    night(both)
    notice = export.notices(both, DAY).collect().row(0, named=True)
    assert notice["channel"] == "email"
    bounced = {"response_id": "1", "customer_id": "ann", "kind": "bounced", "notice_id": notice["notice_id"]}
    fill(both, {"responses": [bounced | {"at": "2017-12-01 12:00"}]})
    night(both, NEXT)
    assert export.decisions(both, NEXT).collect()["channel"].to_list() == ["file"]


def test_explaining_shows_the_reason_every_rule_and_the_evidence(town: Settings) -> None:
    fill(town, {"customers": [{"customer_id": "zoe"}]})
    night(town)
    with clock.at(MORNING):
        review.approve(town, "latest", by="eve", reason="looks right")
    told = explain(town, "ann", DAY)
    assert (told["outcome"], told["reason"]) == ("proposed", "money_owed")
    assert told["messages"][0]["rules"]["no_consent"]["blocks"] is False
    assert told["opportunities"][0]["evidence"]["lowest_list_price"] == "1.5"
    assert told["notice"]["state"] == "approved"
    assert told["notice"]["history"][0]["by"] == "eve"
    silent = explain(town, "zoe", DAY)
    assert (silent["outcome"], silent["notice"], silent["opportunities"]) == ("silent", None, [])
    with pytest.raises(NotFoundError, match="nobody"):
        explain(town, "nobody", DAY)


def test_receipts_hold_no_personal_data(home: Settings) -> None:
    fill(home, shop("ann") | {"customers": [{"customer_id": "ann", "email": "ann@example.org"}]})
    receipts = [step(home, DAY) for step in (steps.find, steps.decide, steps.prepare_batch)]
    assert not any("ann" in str(receipt.as_json()).replace("channel", "") for receipt in receipts)


@pytest.mark.slow
def test_a_batch_of_many_notices_is_stored_and_approved_in_seconds(any_home: Settings) -> None:
    fill(any_home, shop(*(f"c{n}" for n in range(3_000))))
    night(any_home)
    started = time.perf_counter()
    assert review.approve(any_home, "latest", by="eve").changed == 3_000
    assert time.perf_counter() - started < 5
