"""The pause switch: while it is on, nothing is sent."""

import pytest

from tests.conftest import at
from warehouse.database import engine_for, reading, writing
from warehouse.errors import PausedError
from warehouse.settings import Settings
from warehouse.switches import PAUSE, is_on, refuse_if_paused, turn


def test_a_switch_nobody_has_turned_is_off(any_settings: Settings) -> None:
    with reading(engine_for(any_settings)) as session:
        assert not is_on(session, PAUSE)
        refuse_if_paused(session)


def test_while_paused_it_says_who_paused_and_since_when(any_settings: Settings) -> None:
    with writing(engine_for(any_settings)) as session:
        turn(session, PAUSE, on=True, by="maria", at=at("2017-12-01 09:30"))
    with reading(engine_for(any_settings)) as session:
        assert is_on(session, PAUSE)
        with pytest.raises(PausedError, match=r"paused by maria since 2017-12-01 09:30 UTC.*advocate resume"):
            refuse_if_paused(session)


def test_turning_it_off_ends_the_pause(any_settings: Settings) -> None:
    for on in (True, False):
        with writing(engine_for(any_settings)) as session:
            turn(session, PAUSE, on=on, by="maria", at=at("2017-12-01"))
    with reading(engine_for(any_settings)) as session:
        assert not is_on(session, PAUSE)
        refuse_if_paused(session)
