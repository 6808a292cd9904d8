"""Whole nights: on other databases and lakes, on thin feeds, and when one half breaks."""

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import outreach.export
import recs.export
from advocate.database import upgrade
from advocate.night import run_night
from features.feeds.folder import read_folder
from features.importing import bring_in
from features.live import Event, record
from recs.world import load
from tests.worlds import DAY, END, write_feed
from warehouse.settings import Settings, load_settings

pytestmark = pytest.mark.slow


def fed(home: Path, feed: Path, **flags: str | None) -> Settings:
    settings = load_settings(home=home, **flags)
    upgrade(settings)
    bring_in(settings, read_folder(feed))
    return settings


def tables(settings: Settings) -> dict[str, pl.DataFrame]:
    return {
        "recommendations": recs.export.recommendations(settings, DAY).collect(),
        "opportunities": outreach.export.opportunities(settings, DAY).collect(),
        "decisions": outreach.export.decisions(settings, DAY).collect(),
        "notices": outreach.export.notices(settings, DAY).collect(),
    }


@pytest.fixture
def elsewhere(request: pytest.FixtureRequest) -> dict[str, str]:
    """A database or a lake that is not in the home."""
    return {
        request.param: request.getfixturevalue({"database_url": "postgres_url", "lake": "s3"}[request.param])
    }


@pytest.mark.postgres
@pytest.mark.parametrize("elsewhere", ["database_url", "lake"], indirect=True)
def test_a_night_on_postgresql_or_s3_is_the_night_on_sqlite_and_a_folder(
    elsewhere: dict[str, str], tmp_path: Path
) -> None:
    feed = write_feed(tmp_path / "feed")
    plain, other = fed(tmp_path / "plain", feed), fed(tmp_path / "other", feed, **elsewhere)
    for settings in (plain, other):
        assert run_night(settings, DAY).failed == {}
    expected = tables(plain)
    for name, frame in tables(other).items():
        assert_frame_equal(frame, expected[name])
        assert frame.height


def test_a_night_brings_in_what_the_shop_told_live_and_learns_from_it(tmp_path: Path) -> None:
    settings = fed(tmp_path / "home", write_feed(tmp_path / "feed"))
    assert "import_live" not in [receipt.step for receipt in run_night(settings, DAY).receipts]
    record(settings, [Event("c1", "p9", "cart", END - timedelta(hours=1))])
    night = run_night(settings, DAY)
    assert night.failed == {}
    assert [receipt.step for receipt in night.receipts][:2] == ["import_live", "features"]
    assert night.receipts[0].rows_out == {"views": 1}
    assert load(settings, DAY).history.views.height == 1


def test_a_feed_without_prices_runs_a_night_that_claims_nothing(tmp_path: Path) -> None:
    settings = fed(tmp_path / "home", write_feed(tmp_path / "feed", prices=False))
    night = run_night(settings, DAY)
    assert night.failed == {}
    assert tables(settings)["opportunities"].filter(kind="price_drop").is_empty()
    assert tables(settings)["decisions"].height == 30


def test_a_feed_of_purchases_alone_runs_a_night_that_contacts_nobody(tmp_path: Path) -> None:
    feed = write_feed(tmp_path / "feed")
    for file in feed.glob("*.csv"):
        if file.stem not in ("purchases", "prices"):
            file.unlink()
    settings = fed(tmp_path / "home", feed)
    assert run_night(settings, DAY).failed == {}
    decided = tables(settings)["decisions"]
    assert set(decided["outcome"]) == {"silent"}
    assert decided.filter(customer_id="c0")["reason"].to_list() == ["no_consent"]


def test_a_night_before_anything_was_bought_publishes_empty_slates_and_is_silent(tmp_path: Path) -> None:
    settings = fed(tmp_path / "home", write_feed(tmp_path / "feed"))
    early = DAY.replace(year=2016)
    assert run_night(settings, early).failed == {}
    assert recs.export.recommendations(settings, early).collect().is_empty()
    assert outreach.export.opportunities(settings, early).collect().is_empty()


@pytest.mark.parametrize(
    ("broken", "half", "stands"),
    [
        ("bundles", "recommendations", outreach.export.notices),
        ("lake/nights/2017-11-30/opportunities.parquet/in-the-way", "outreach", recs.export.recommendations),
    ],
)
def test_when_one_half_breaks_the_other_completes_and_the_broken_one_is_named(
    tmp_path: Path, broken: str, half: str, stands: object, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = fed(tmp_path / "home", write_feed(tmp_path / "feed"))
    obstacle = settings.home / broken
    obstacle.parent.mkdir(parents=True, exist_ok=True)
    obstacle.write_text("a file where a folder should be, or the other way round")
    night = run_night(settings, DAY)
    assert list(night.failed) == [half]
    assert "Traceback" in capsys.readouterr().err
    assert callable(stands)
    assert stands(settings, DAY).collect().height
