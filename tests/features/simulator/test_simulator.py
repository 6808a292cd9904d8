"""The simulator writes feeds that keep the contract, the same for the same seed, in any size."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from features.contract import CONTRACTS
from features.feeds.folder import read_folder
from features.importing import bring_in
from features.simulator import Plan, Simulated, simulate
from features.volume import shortfalls
from tests.features.simulator.conftest import files
from warehouse import clock
from warehouse.errors import AdvocateError
from warehouse.lake import Lake
from warehouse.settings import Settings


def imported(settings: Settings, shop: Simulated) -> Iterator[date]:
    """The day of each night, once everything of it is in the lake; the wall refuses nothing."""
    for night in shop.nights:
        morning = clock.end_of(night["day"]) + timedelta(hours=6)
        for name in night["imports"]:
            with clock.at(morning):
                receipt = bring_in(settings, read_folder(shop.folder / name))
            assert receipt.rejected == {}
            assert "created from references" not in receipt.notes
            assert receipt.numbers["created from references"] == {}
            assert receipt.numbers["copies"] == {}
        yield night["day"]


def test_every_night_passes_the_wall_and_no_day_looks_short(shop: Simulated, settings: Settings) -> None:
    days = list(imported(settings, shop))
    assert days == [date(2025, 6, 30), date(2025, 7, 1), date(2025, 7, 2)]
    assert [shortfalls(Lake.of(settings), day) for day in days] == [[], [], []]


def test_every_table_but_those_of_messages_is_filled(shop: Simulated) -> None:
    tables = {name for rows in shop.rows.values() for name in rows}
    assert tables == set(CONTRACTS) - {"contacts", "responses"}


def test_later_nights_bring_only_what_is_new_or_has_changed(shop: Simulated, settings: Settings) -> None:
    for _ in imported(settings, shop):
        pass
    parts = [
        commit.tables["purchases"] for commit in Lake.of(settings).commits() if "purchases" in commit.tables
    ]
    written = [rows["purchases"] for rows in shop.rows.values() if "purchases" in rows]
    assert sorted(part.rows for part in parts) == sorted(written)
    first, later = shop.rows["night-1"], shop.rows["night-2"]
    assert 0 < later["purchases"] < first["purchases"] / 10
    assert "customers" not in later


def test_tills_know_nothing_of_a_dispatch_and_the_rest_does(shop: Simulated) -> None:
    tills, others = (
        set(read_folder(shop.folder / "feed" / name).tables["purchases"].collect_schema().names())
        for name in ("night-1-tills", "night-1")
    )
    assert others - tills == {"dispatched_at", "delivered_at"}


def test_nothing_is_told_that_happens_after_the_feed_was_written(shop: Simulated) -> None:
    written = datetime.fromisoformat("2025-07-01T06:00:00Z")
    for name in ("night-1", "night-1-tills"):
        for table, rows in read_folder(shop.folder / "feed" / name).tables.items():
            for column, definition in CONTRACTS[table].schema.columns().items():
                names = rows.collect_schema().names()
                if column in names and (definition.metadata or {}).get("observed"):
                    assert (rows.select(pl.col(column).max()).collect().item() or written) <= written


def test_the_same_seed_gives_the_same_bytes_and_another_one_does_not(tmp_path: Path) -> None:
    made = [
        files(simulate(Plan(800, seed=seed, nights=1, each=800), tmp_path / name / "shop").folder)
        for name, seed in (("one", 5), ("same", 5), ("other", 6))
    ]
    assert made[0] == made[1]
    assert made[0].keys() == made[2].keys()
    assert all(made[0][name] != made[2][name] for name in made[0])


def test_a_retailer_has_the_customers_asked_for_and_a_set_of_plants_for_each_thousand_begun(
    tmp_path: Path,
) -> None:
    made = simulate(Plan(1_500, seed=1, nights=2), tmp_path / "shop")
    assert made.rows["night-1"]["customers"] == 1_500
    truth = pl.read_parquet(made.folder / "truth.parquet")
    assert truth["night"].unique().sort().to_list() == [1, 2]
    case = truth.filter(pl.col("case") == "price_drop: first moment of the window", pl.col("night") == 1)
    assert case.select("expected", "amount_minor").rows() == [(True, 200), (True, 200)]
    assert case["order_id"].n_unique() == 2


def test_a_retailer_without_plants_has_an_empty_truth(tmp_path: Path) -> None:
    made = simulate(Plan(50, nights=1, each=0), tmp_path / "shop")
    assert pl.read_parquet(made.folder / "truth.parquet").height == 0
    assert made.rows["night-1"]["customers"] == 50


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        (Plan(100), "100 customers are too few"),
        (Plan(0, each=0), "0 customers are too few"),
        (Plan(1_000, nights=4), "4 nights cannot be simulated; take 1, 2 or 3"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused_and_leaves_nothing(
    plan: Plan, says: str, tmp_path: Path
) -> None:
    with pytest.raises(AdvocateError, match=says):
        simulate(plan, tmp_path / "shop")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(AdvocateError, match="is there already"):
        simulate(Plan(50, each=0), tmp_path)
    assert files(tmp_path) == {"mine.txt": b"mine"}
