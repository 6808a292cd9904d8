"""Figures are counted once, whoever asks for them at the same time."""

import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from advocate.serving.measures import Measures
from recs.served import ServedLog
from warehouse.settings import Settings


@pytest.fixture
def log(settings: Settings) -> Iterator[ServedLog]:
    made = MeetingLog(settings)
    yield made
    made.close(10)


class MeetingLog(ServedLog):
    """A log in which two who read it meet, if they are let in together."""

    meeting = threading.Barrier(2)

    @property
    def written(self) -> int:
        with suppress(threading.BrokenBarrierError):
            self.meeting.wait(0.5)
        return 7

    @written.setter
    def written(self, _: int) -> None:
        pass


def test_two_who_take_over_at_once_count_once(log: ServedLog) -> None:
    measures = Measures(lambda: None)
    both = [threading.Thread(target=measures.note, args=(log,)) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert b'advocate_served_lists_total{outcome="written"} 7.0' in measures.page()
