"""Leases: one run at a time per room of a home, let go of when the holder dies."""

import contextvars
import os
import signal
import subprocess
from time import monotonic, sleep

import pytest

from tests.conftest import at
from tests.warehouse.conftest import Python
from warehouse import clock
from warehouse.errors import LeaseHeldError
from warehouse.lease import NIGHT, hold
from warehouse.settings import Settings

HOLD = """
import sys
import time
from warehouse.lease import hold
from warehouse.settings import load_settings
with hold(load_settings(home=sys.argv[1], database_url=sys.argv[2]), *sys.argv[3:]):
    print("held", flush=True)
    time.sleep(60)
"""


def holding(python: Python, settings: Settings, room: str) -> "subprocess.Popen[str]":
    """Another process that holds a room by now."""
    process = python(HOLD, str(settings.home), settings.database_url, room)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_refused_while_the_first_holds(any_settings: Settings, python: Python) -> None:
    holding(python, any_settings, "recs")
    with pytest.raises(LeaseHeldError, match="another run is at work on recs"), hold(any_settings, *NIGHT):
        pytest.fail("held twice")
    with hold(any_settings, "features", "outreach"):
        pass  # other rooms are free, and those a refused run had taken are free again


def test_the_refusal_names_the_process_that_holds(settings: Settings, python: Python) -> None:
    holder = holding(python, settings, "send")
    with pytest.raises(LeaseHeldError, match=f"process {holder.pid} on"), hold(settings, "send"):
        pytest.fail("held twice")


def test_a_killed_holder_lets_go_at_once(any_settings: Settings, python: Python) -> None:
    holder = holding(python, any_settings, "recs")
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait(10)
    _until_free(any_settings)


def _until_free(settings: Settings) -> None:
    """A server notices a dead client within moments; ten seconds is far beyond that."""
    end = monotonic() + 10
    while True:
        try:
            with hold(settings, "recs"):
                return
        except LeaseHeldError:
            if monotonic() > end:
                raise
            sleep(0.05)


def test_a_run_that_holds_a_lease_may_take_it_again(any_settings: Settings) -> None:
    with hold(any_settings, *NIGHT), hold(any_settings, "recs"):
        with hold(any_settings, "recs", "features"):
            pass
        _refused_to_others(any_settings, "recs")  # the inner blocks have not let go of it


def _refused_to_others(settings: Settings, room: str) -> None:
    def other_run() -> None:
        with hold(settings, room):  # type: ignore[arg-type]
            pytest.fail("held twice")

    with pytest.raises(LeaseHeldError):
        contextvars.Context().run(other_run)


def test_a_lease_is_free_after_the_block_even_when_it_fails(any_settings: Settings) -> None:
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), hold(any_settings, "features"):
            _ = 1 / 0


def test_two_homes_do_not_know_of_each_other(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory, python: Python
) -> None:
    holding(python, settings, "recs")
    other = settings.model_copy(update={"home": tmp_path_factory.mktemp("other")})
    with hold(other, "recs"):
        pass


def test_the_holder_says_since_when(settings: Settings) -> None:
    with clock.at(at("2017-12-01 09:00")), hold(settings, "recs"):
        said = (settings.home / "leases" / "recs.json").read_text()
    assert "2017-12-01 09:00:00" in said
    assert str(os.getpid()) in said
