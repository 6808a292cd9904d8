from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from outreach import review
from outreach.choosing import Which
from outreach.models import NoticeEventRow, NoticeRow
from outreach.promises import accounts
from outreach.promises.models import PostingRow
from outreach.states import TRANSITIONS
from tests.conftest import BOTH, copy_of, migrated_on
from tests.outreach.worlds import DAY, EVERYTHING, MORNING, fill, night, shop
from warehouse import clock
from warehouse.database import engine_for, reading, writing
from warehouse.errors import ConflictError, NotFoundError
from warehouse.settings import Settings

NEXT = DAY + timedelta(days=1)


@pytest.fixture(scope="module", params=BOTH)
def proposed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    made = copy_of(migrated_on(request), tmp_path_factory.mktemp("proposed") / "home")
    home = made.model_copy(update={"outreach": EVERYTHING})
    fill(home, shop("ann", "bob"))
    night(home)
    return home


@pytest.fixture
def desk(proposed: Settings, tmp_path: Path) -> Settings:
    """A batch with a notice each for Ann and Bob."""
    return copy_of(proposed, tmp_path / "home")


def states(home: Settings, batch: str = "latest") -> dict[str, str]:
    return {n["customer_id"]: n["state"] for n in review.show_batch(home, batch)["notices"]}


def notice_of(home: Settings, customer: str, batch: str = "latest") -> str:
    return next(
        str(n["notice_id"]) for n in review.show_batch(home, batch)["notices"] if n["customer_id"] == customer
    )


def balance(home: Settings, customer: str) -> tuple[int, int, int, int]:
    """Promised, paid, open, voided."""
    with reading(engine_for(home)) as session:
        found = accounts.balances(session, customer)
    assert len(found) <= 1
    return next(((b.promised_minor, b.paid_minor, b.open_minor, b.voided_minor) for b in found), (0, 0, 0, 0))


def test_approving_a_batch_promises_its_money_and_closes_it(desk: Settings) -> None:
    with clock.at(MORNING):
        outcome = review.approve(desk, "latest", by="eve", reason="read a sample")
    assert (outcome.changed, outcome.promised_minor) == (2, {"USD": 100})
    assert states(desk) == {"ann": "approved", "bob": "approved"}
    assert review.list_batches(desk)[0]["state"] == "closed"
    assert balance(desk, "ann") == (50, 0, 50, 0)
    event = review.history(desk, notice_of(desk, "ann"))[0]
    assert (event["from_state"], event["to_state"], event["by"]) == ("proposed", "approved", "eve")
    assert (event["at"], event["reason"]) == (MORNING, "read a sample")


def test_a_batch_that_was_replaced_since_it_was_read_is_not_approved(desk: Settings) -> None:
    read = review.show_batch(desk)["digest"]
    assert [batch["digest"] for batch in review.list_batches(desk)] == [read]
    fill(desk, {"prices": [{"price": "1.20", "effective_at": "2017-11-26"}]})
    night(desk)
    with pytest.raises(ConflictError, match="what was read is not what is there"):
        review.approve(desk, "latest", by="eve", digest=read)
    assert states(desk) == {"ann": "proposed", "bob": "proposed"}
    now = review.show_batch(desk)["digest"]
    assert now != read
    assert review.approve(desk, "latest", by="eve", digest=now).promised_minor == {"USD": 160}


def test_a_digest_is_the_same_whatever_was_decided_and_its_beginning_is_enough(desk: Settings) -> None:
    digest = review.show_batch(desk)["digest"]
    review.hold(desk, "latest", by="eve", reason="odd", which=Which([notice_of(desk, "ann")]))
    with pytest.raises(ConflictError, match="at least 8"):
        review.approve(desk, "latest", by="eve", digest=digest[:7])
    outcome = review.approve(desk, DAY.isoformat(), by="eve", digest=digest[:8])
    assert (outcome.changed, outcome.day) == (1, DAY)


def test_approving_twice_changes_nothing(desk: Settings) -> None:
    both = [notice_of(desk, "ann"), notice_of(desk, "bob")]
    review.approve(desk, "latest", by="eve", which=Which(both))
    again = review.approve(desk, "latest", by="bob", which=Which(both))
    assert (again.changed, again.unchanged, again.promised_minor) == (0, 2, {})
    whole = review.approve(desk, "latest", by="bob")
    assert (whole.changed, whole.unchanged, whole.promised_minor) == (0, 2, {})
    assert balance(desk, "ann") == (50, 0, 50, 0)
    assert len(review.history(desk, both[0])) == 1


def test_a_batch_is_in_review_with_the_first_decision_and_closed_with_the_last(desk: Settings) -> None:
    assert review.list_batches(desk)[0]["state"] == "draft"
    review.hold(desk, "latest", by="eve", reason="odd", which=Which([notice_of(desk, "ann")]))
    assert review.list_batches(desk)[0]["state"] == "in_review"
    review.approve(desk, "latest", by="eve")
    assert states(desk) == {"ann": "held", "bob": "approved"}
    assert review.list_batches(desk)[0]["state"] == "in_review"
    review.approve(desk, "latest", by="eve", which=Which([notice_of(desk, "ann")]))
    assert review.list_batches(desk)[0]["state"] == "closed"


def test_rejecting_promises_nothing(desk: Settings) -> None:
    assert review.reject(desk, "latest", by="eve", reason="wrong price").changed == 2
    assert states(desk) == {"ann": "rejected", "bob": "rejected"}
    assert balance(desk, "ann") == (0, 0, 0, 0)


def test_rejecting_what_was_approved_takes_the_promise_back(desk: Settings) -> None:
    review.approve(desk, "latest", by="eve")
    outcome = review.reject(desk, "latest", by="eve", reason="typo", which=Which([notice_of(desk, "ann")]))
    assert (outcome.changed, outcome.voided) == (1, 1)
    assert balance(desk, "ann") == (50, 0, 0, 50)
    assert balance(desk, "bob") == (50, 0, 50, 0)


def test_rejecting_a_batch_undoes_its_approval(desk: Settings) -> None:
    review.hold(desk, "latest", by="eve", reason="odd", which=Which([notice_of(desk, "bob")]))
    review.approve(desk, "latest", by="eve")
    outcome = review.reject(desk, "latest", by="eve", reason="wrong prices")
    assert (outcome.changed, outcome.unchanged, outcome.voided) == (2, 0, 1)
    assert states(desk) == {"ann": "rejected", "bob": "rejected"}
    assert balance(desk, "ann") == (50, 0, 0, 50)
    again = review.reject(desk, "latest", by="bob", reason="wrong prices")
    assert (again.changed, again.unchanged, again.voided) == (0, 2, 0)


def test_a_decision_for_which_a_batch_has_nothing_is_refused(desk: Settings) -> None:
    review.reject(desk, "latest", by="eve", reason="no")
    with pytest.raises(ConflictError, match="nothing that is proposed, only 2 rejected"):
        review.approve(desk, "latest", by="eve")
    with pytest.raises(ConflictError, match="nothing that is proposed, only 2 rejected"):
        review.hold(desk, "latest", by="eve", reason="odd")


@pytest.mark.parametrize("decide", [review.approve, review.hold], ids=["approve", "hold"])
def test_what_is_rejected_stays_rejected(desk: Settings, decide: object) -> None:
    ann = notice_of(desk, "ann")
    review.reject(desk, "latest", by="eve", reason="no", which=Which([ann]))
    with pytest.raises(ConflictError, match="is rejected and cannot become"):
        decide(desk, "latest", by="eve", reason="yes", which=Which([notice_of(desk, "bob"), ann]))  # type: ignore[operator]
    assert states(desk) == {"ann": "rejected", "bob": "proposed"}
    assert balance(desk, "bob") == (0, 0, 0, 0)


def test_unknown_batches_and_notices_are_named(desk: Settings) -> None:
    with pytest.raises(NotFoundError, match="no batch '2001-01-01'"):
        review.show_batch(desk, "2001-01-01")
    with pytest.raises(NotFoundError, match="notice elsewhere is not in the batch"):
        review.approve(desk, "latest", by="eve", which=Which(["elsewhere"]))


def test_the_same_money_cannot_be_promised_in_two_batches(desk: Settings) -> None:
    night(desk, NEXT)  # before anybody decided about the first batch: both tell of the same drops
    review.approve(desk, NEXT.isoformat(), by="eve")
    first = DAY.isoformat()
    with pytest.raises(ConflictError, match="overtaken: another batch"):
        review.approve(desk, first, by="eve", which=Which([notice_of(desk, "ann", first)]))
    assert set(states(desk, first).values()) == {"proposed"}
    outcome = review.approve(desk, first, by="eve")
    assert (outcome.changed, outcome.overtaken, outcome.promised_minor) == (0, 2, {})
    assert set(states(desk, first).values()) == {"rejected"}
    assert balance(desk, "ann") == (50, 0, 50, 0)


def test_an_overtaken_notice_does_not_keep_the_rest_of_its_batch_waiting(desk: Settings) -> None:
    night(desk, NEXT)
    first, second = DAY.isoformat(), NEXT.isoformat()
    review.approve(desk, second, by="eve", which=Which([notice_of(desk, "ann", second)]))
    outcome = review.approve(desk, first, by="eve")
    assert (outcome.changed, outcome.overtaken, outcome.promised_minor) == (1, 1, {"USD": 50})
    assert states(desk, first) == {"ann": "rejected", "bob": "approved"}
    event = review.history(desk, notice_of(desk, "ann", first))[-1]
    assert event["reason"].startswith("overtaken: ")
    assert balance(desk, "ann") == balance(desk, "bob") == (50, 0, 50, 0)


def test_two_people_approving_two_batches_at_once_promise_once(desk: Settings) -> None:
    night(desk, NEXT)

    def approve(day: object) -> tuple[int, int]:
        outcome = review.approve(desk, str(day), by="eve")
        return outcome.changed, outcome.overtaken

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(approve, (DAY, NEXT))) == [(0, 2), (2, 0)]
    assert balance(desk, "ann") == (50, 0, 50, 0)


def test_two_people_approving_one_batch_at_once_approve_it_once(desk: Settings) -> None:
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda who: review.approve(desk, "latest", by=who).changed, "abcd"))
    assert sorted(done) == [0, 0, 0, 2]
    assert balance(desk, "ann") == (50, 0, 50, 0)


def test_the_same_advice_is_not_told_by_two_batches(any_home: Settings) -> None:
    tables = shop("ann") | {
        "purchases": [{"order_id": str(n), "purchased_at": f"2017-11-{20 + n}"} for n in range(2)],
        "prices": [],
        "offers": [{"value_minor": 50, "currency": "USD"}],
        "offer_products": [{}],
        "entitlements": [{"entitlement_id": "e"}],
    }
    fill(any_home, tables)
    night(any_home)
    night(any_home, NEXT)
    assert review.approve(any_home, DAY.isoformat(), by="eve").promised_minor == {}
    outcome = review.approve(any_home, NEXT.isoformat(), by="eve")
    assert (outcome.changed, outcome.overtaken) == (0, 1)


@pytest.mark.parametrize("table", ["promises", "postings", "promise_events", "notice_events"])
@pytest.mark.parametrize("change", ["UPDATE {} SET {} = 'mallory'", "DELETE FROM {}"])
def test_history_and_ledger_only_grow(desk: Settings, table: str, change: str) -> None:
    review.approve(desk, "latest", by="eve")
    review.reject(desk, "latest", by="eve", reason="a mistake")
    with pytest.raises(DBAPIError, match="append-only"), writing(engine_for(desk)) as session:
        session.execute(text(change.format(table, "opened_by" if table == "promises" else "by")))
    with reading(engine_for(desk)) as session:
        assert session.scalar(select(func.count()).select_from(PostingRow)) == 2
        assert set(session.scalars(select(NoticeEventRow.by))) == {"eve"}


def test_replacing_a_ledger_entry_changes_nothing(desk: Settings) -> None:
    review.approve(desk, "latest", by="eve")
    engine = engine_for(desk)
    if engine.dialect.name != "sqlite":
        pytest.skip("REPLACE is SQLite's")
    review.reject(desk, "latest", by="eve", reason="a mistake")
    with writing(engine) as session:
        session.execute(text("REPLACE INTO postings SELECT posting_id, promise_id, debit, credit, 9999, "
                             "reference, happened_at, by, at FROM postings"))  # fmt: skip
    assert balance(desk, "ann") == (50, 0, 0, 50)


def test_every_state_leads_only_to_states_there_are(desk: Settings) -> None:
    assert {target for targets in TRANSITIONS.values() for target in targets} <= set(TRANSITIONS)
    with reading(engine_for(desk)) as session:
        assert set(session.scalars(select(NoticeRow.state))) <= set(TRANSITIONS)
