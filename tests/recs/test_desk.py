"""A desk bounds what waits, and at the end writes its log first."""

import asyncio

import pytest

from features.live import Event
from recs import archive
from recs.api.desk import MOST_WAITING, TAKE_THREADS, Desk
from recs.scoring import Scorer
from recs.steps import recommend
from tests.recs.conftest import lines
from tests.recs.worlds import DAY, fill
from warehouse import clock
from warehouse.database import engine_for, writing
from warehouse.errors import UnavailableError
from warehouse.settings import Settings


class Uncounted:
    """Counts nothing."""

    def answered(self, call: str, source: str, arm: str) -> None:
        """Not counted."""

    def stored(self, events: int) -> None:
        """Not counted."""


def test_events_that_wait_for_the_database_are_bounded(settings: Settings) -> None:
    async def crowd() -> list[int | BaseException]:
        desk = Desk(settings, Uncounted())
        with writing(engine_for(settings)):
            asked = [
                asyncio.create_task(desk.take([Event("c", "milk", "view", clock.now(), f"{number}")]))
                for number in range(TAKE_THREADS + MOST_WAITING + 5)
            ]
            await asyncio.sleep(0.3)
        return await asyncio.gather(*asked, return_exceptions=True)

    told = asyncio.run(crowd())
    refused = [one for one in told if isinstance(one, UnavailableError)]
    assert len(refused) == 5
    assert "wait to be stored; ask again" in str(refused[0])
    assert told.count(1) == len(told) - 5


def test_the_log_is_written_before_the_scorer_is_waited_for(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = opened(settings)
    written: list[int] = []
    monkeypatch.setattr(Scorer, "close", lambda _scorer: written.append(desk.log.written if desk.log else -1))
    scorer = desk.open()
    desk.shown("recommend", "r", "c00", "for_you", scorer.recommend("c00"))
    assert desk.close(10)
    assert written == [1]
    today = clock.now().date()
    assert archive.read(settings, today, today).collect()["request_id"].to_list() == ["r"]
    monkeypatch.undo()
    scorer.close()


def test_a_desk_that_is_being_opened_is_not_waited_for_beyond_the_time(settings: Settings) -> None:
    desk = Desk(settings, Uncounted())
    with desk._opening:
        assert not desk.close(0.05)
    with pytest.raises(UnavailableError, match="shutting down"):
        desk.open()


def opened(settings: Settings) -> Desk:
    """A desk in a home with a bundle."""
    few = {"depth": 5, "min_judged_customers": 10, "als_factors": 4, "tune_seconds": 0}
    small = settings.model_copy(update={"recs": settings.recs.model_copy(update=few)})
    fill(
        small,
        purchases=lines(),
        products=[{"product_id": "milk", "title": "Milk", "category": "dairy", "available": True}],
    )
    recommend(small, DAY)
    return Desk(settings, Uncounted())
