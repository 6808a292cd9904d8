"""Live events reach the lake exactly once, through the wall, and are forgotten when nobody needs them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from features import live_import
from features.contract import CONTRACTS
from features.importing import take_in
from features.live import TABLE, Event, record, since
from features.steps import import_live
from tests.conftest import at
from tests.recs.worlds import fill, purchase
from warehouse import clock
from warehouse.database import engine_for, writing
from warehouse.lake import Lake
from warehouse.receipts import Receipt
from warehouse.settings import Settings

NOW = at("2017-12-01 12:00")
LATER = NOW + timedelta(hours=49)
LOOK = ("c1", "p1", NOW, "view")


@pytest.fixture
def shop(any_settings: Settings) -> Settings:
    """A home that knows one purchase, of `c1` and `p1`, once on each database."""
    fill(any_settings, purchases=[purchase("c1", "p1", "2017-11-01")])
    return any_settings


def tell(settings: Settings, *events: Event, now: datetime = NOW) -> None:
    with clock.at(now):
        record(settings, events)


def imported(settings: Settings, now: datetime = NOW) -> Receipt:
    with clock.at(now):
        receipt = import_live(settings)
    assert receipt is not None
    return receipt


def put(settings: Settings, *rows: dict[str, Any]) -> None:
    """Stores what `record` would refuse, as another program could."""
    told = {"customer_id": "c1", "product_id": "p1", "kind": "view", "at": NOW, "received_at": NOW}
    with writing(engine_for(settings)) as session:
        for row in rows:
            session.execute(insert(TABLE).values(**(told | row)))


def views(settings: Settings) -> list[tuple[Any, ...]]:
    """Customer, product, moment and kind of what the lake holds."""
    return Lake.of(settings).scan(CONTRACTS["views"].table).collect().sort("viewed_at", "kind").rows()


def left(settings: Settings) -> list[str]:
    """The products of the events that are still in the database."""
    return [row.event.product_id for row in since(settings, 0)]


def names(settings: Settings, table: str) -> Sequence[str]:
    return Lake.of(settings).scan(CONTRACTS[table].table).collect().to_series().sort().to_list()


def test_where_nothing_happened_nothing_is_done(shop: Settings) -> None:
    version = Lake.of(shop).version
    assert import_live(shop) is None
    assert Lake.of(shop).version == version


def test_looks_reach_the_lake_and_purchases_do_not(shop: Settings) -> None:
    moment = NOW.replace(microsecond=123456)
    tell(
        shop,
        Event("c1", "p1", "view", NOW),
        Event("new", "new", "cart", moment),
        Event("c1", "p1", "wishlist", NOW),
        Event("c1", "p1", "buy", NOW),
        now=NOW + timedelta(minutes=1),
    )
    receipt = imported(shop)
    assert views(shop) == [LOOK, ("c1", "p1", NOW, "wishlist"), ("new", "new", moment, "cart")]
    assert Lake.of(shop).scan(CONTRACTS["purchases"].table).collect().height == 1
    assert (names(shop, "customers"), names(shop, "products")) == (["c1", "new"], ["new", "p1"])
    assert receipt.step == "import_live"
    assert receipt.rows_in == {"views": 3}
    assert receipt.rows_out["views"] == 3
    assert receipt.numbers["purchases for live answers"] == 1
    assert receipt.numbers["created from references"] == {"customers": 2, "products": 2}, "c1, p1 too"


def test_importing_twice_changes_nothing(shop: Settings) -> None:
    tell(shop, Event("c1", "p1", "view", NOW), Event("c1", "p1", "view", NOW))
    imported(shop)
    version = Lake.of(shop).version
    assert imported(shop).notes == ["everything in this feed was there already; nothing has changed"]
    assert (views(shop), Lake.of(shop).version) == ([LOOK], version)
    assert left(shop) == ["p1", "p1"], "they still count live"


def test_only_what_was_told_longer_ago_than_the_live_hours_is_forgotten(shop: Settings) -> None:
    tell(shop, Event("c1", "p1", "view", NOW), Event("c1", "bought", "buy", NOW))
    edge, inside = LATER - timedelta(hours=48), LATER - timedelta(hours=48, microseconds=-1)
    tell(shop, Event("c1", "late news", "view", NOW), now=inside)
    receipt = imported(shop, edge + timedelta(hours=48))
    assert receipt.numbers["forgotten"] == 2
    assert left(shop) == ["late news"]
    assert {row[1] for row in views(shop)} == {"p1", "late news"}


def test_only_purchases_are_forgotten_too_and_leave_the_lake_alone(shop: Settings) -> None:
    version = Lake.of(shop).version
    tell(shop, Event("c1", "p1", "buy", NOW))
    assert imported(shop, LATER).numbers["forgotten"] == 1
    assert (left(shop), Lake.of(shop).version) == ([], version)


def test_what_is_told_while_the_lake_takes_the_others_is_not_forgotten_with_them(
    shop: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slowly(*arguments: Any, **options: Any) -> None:
        put(shop, {"event_id": 2, "product_id": "number was given out before"}, {"product_id": "newest"})
        take_in(*arguments, **options)

    put(shop, {"event_id": 1, "product_id": "a"}, {"event_id": 3, "product_id": "b"})
    with writing(engine_for(shop)) as session:
        if session.get_bind().dialect.name == "postgresql":
            session.connection().exec_driver_sql("SELECT setval('live_events_event_id_seq', 3)")
    monkeypatch.setattr(live_import, "take_in", slowly)
    assert imported(shop, LATER).numbers["forgotten"] == 2
    assert left(shop) == ["number was given out before", "newest"]
    monkeypatch.undo()
    imported(shop, LATER)
    assert left(shop) == []
    assert {row[1] for row in views(shop)} == {"a", "b", "number was given out before", "newest"}


def test_many_events_are_forgotten_in_pieces(shop: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_import, "_FORGOTTEN_AT_ONCE", 3)
    tell(shop, *(Event("c1", f"p{number}", "view", NOW) for number in range(10)))
    tell(shop, Event("c1", "young", "view", NOW), now=LATER)
    assert imported(shop, LATER).numbers["forgotten"] == 10
    assert left(shop) == ["young"]


def test_what_breaks_the_contract_is_refused_with_reasons_and_the_rest_gets_in(shop: Settings) -> None:
    put(shop, {}, {"kind": "stare"}, {"at": NOW + timedelta(days=2)}, {"customer_id": " "})
    receipt = imported(shop)
    assert views(shop) == [LOOK]
    assert receipt.rejected == {
        "views: customer_id: missing": 1,
        "views: kind: not one of the known words": 1,
        "views: viewed_at: in the future": 1,
    }
    assert "quarantine" in receipt.artifacts


def test_a_nul_that_sqlite_would_keep_is_refused(settings: Settings) -> None:
    fill(settings, purchases=[purchase("c1", "p1", "2017-11-01")])
    put(settings, {"product_id": "a\x00b"})
    assert imported(settings).rejected == {"views: product_id: has control characters": 1}


def test_refused_events_alone_stop_no_night_and_are_forgotten_in_their_time(shop: Settings) -> None:
    version = Lake.of(shop).version
    put(shop, {"kind": "stare"})
    receipt = imported(shop)
    assert receipt.rejected == {"views: kind: not one of the known words": 1}
    assert receipt.notes == []
    assert imported(shop, LATER).numbers["forgotten"] == 1
    assert (left(shop), Lake.of(shop).version) == ([], version)


def test_before_the_first_purchases_events_wait_and_a_warning_says_so(any_settings: Settings) -> None:
    tell(any_settings, Event("c1", "p1", "view", NOW))
    (warning,) = imported(any_settings, LATER).warnings
    assert warning.startswith("1 live events wait in the database: a first import needs purchases")
    assert (left(any_settings), views(any_settings)) == (["p1"], [])
    fill(any_settings, purchases=[purchase("c1", "p1", "2017-11-01")])
    assert imported(any_settings, LATER).warnings == []
    assert (left(any_settings), views(any_settings)) == ([], [LOOK])
