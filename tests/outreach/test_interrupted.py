"""Sending that fails, is killed, or is run twice: each notice still arrives once, checked again."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from outreach import review
from outreach.channels import FileChannel
from outreach.models import WordsRow
from tests.outreach.test_review import balance, states
from tests.outreach.test_sending import ADVICE, approved, files, ids_of, send_at
from tests.outreach.worlds import END, EVERYTHING, MORNING, consenting, fill
from tests.preloaded import Preloaded, preloaded
from warehouse.database import engine_for, writing
from warehouse.errors import LeaseHeldError, PausedError
from warehouse.lease import hold
from warehouse.settings import Settings
from warehouse.switches import PAUSE, turn


def in_the_way(home: Settings) -> Path:
    """Something where the outbox should be, so that nothing can be delivered."""
    home.outbox_folder.parent.mkdir(parents=True, exist_ok=True)
    home.outbox_folder.write_text("in the way")
    return home.outbox_folder


def test_a_delivery_that_fails_is_approved_again_and_tried_again(any_home: Settings) -> None:
    home = approved(any_home, "ann")
    obstacle = in_the_way(home)
    receipt = send_at(MORNING, home)
    assert receipt.rejected == {"notices: delivery_failed": 1}
    assert states(home) == {"ann": "approved"}
    assert review.history(home, ids_of(home)[0])[-1]["reason"].startswith("delivery_failed: ")
    obstacle.unlink()
    assert send_at(MORNING, home).rows_out["notices"] == 1
    assert states(home) == {"ann": "sent"}


def test_a_delivery_that_failed_is_cleared_as_if_it_had_never_been_tried(home: Settings) -> None:
    approved(home, "ann")
    obstacle = in_the_way(home)
    send_at(MORNING, home)
    obstacle.unlink()
    fill(home, {"consents": WITHDRAWN})
    assert send_at(MORNING, home).rejected == {"notices: no_consent": 1}
    with writing(engine_for(home)) as session:
        session.execute(update(WordsRow).values(text="something else"))
    fill(home, {"consents": [c | {"recorded_at": "2017-12-01 09:00"} for c in consenting("ann")]})
    assert send_at(MORNING, home).rejected == {"notices: content_changed": 1}
    assert files(home) == []


WITHDRAWN = [c | {"granted": False, "recorded_at": "2017-12-01"} for c in consenting("ann")]
COMPLAINT = {"response_id": "1", "customer_id": "ann", "kind": "complained", "at": "2017-12-01"}


def killed(home: Settings, monkeypatch: pytest.MonkeyPatch, *, delivered: bool = False) -> Settings:
    """A home whose run died with a claimed notice, after or before the channel had it."""
    deliver = FileChannel.deliver

    def die(self: FileChannel, delivery: Any) -> None:
        if delivered:
            deliver(self, delivery)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(FileChannel, "deliver", die)
        with pytest.raises(KeyboardInterrupt):
            send_at(MORNING, home)
    assert set(states(home).values()) == {"handed"}
    return home


def test_what_a_killed_run_did_not_deliver_goes_with_the_next_and_does_not_count_against_itself(
    any_home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = any_home.model_copy(update={"outreach": EVERYTHING.model_copy(update={"cap_contacts": 1})})
    home = killed(approved(once, "ann"), monkeypatch)
    assert send_at(MORNING, home).rows_out["notices"] == 1
    assert (states(home), len(files(home))) == ({"ann": "sent"}, 1)
    reached = [event["to_state"] for event in review.history(home, ids_of(home)[0])]
    assert reached == ["approved", "handed", "sent"]


def test_what_a_killed_run_delivered_is_sent_even_if_it_could_not_go_any_more(
    any_home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = killed(approved(any_home, "ann"), monkeypatch, delivered=True)
    fill(home, {"consents": WITHDRAWN})
    content = files(home)[0].stat().st_mtime_ns
    assert send_at(MORNING, home).rows_out["notices"] == 1
    assert states(home) == {"ann": "sent"}
    assert [file.stat().st_mtime_ns for file in files(home)] == [content]


@pytest.mark.parametrize(
    ("moment", "change", "reason", "state"),
    [
        pytest.param(MORNING, {"consents": WITHDRAWN}, "no_consent", "expired", id="consent withdrawn"),
        pytest.param(MORNING, {"responses": [COMPLAINT]}, "complained", "expired", id="complained"),
        pytest.param(END.replace(hour=20), {}, "asleep", "approved", id="after waking hours"),
        pytest.param(END + timedelta(days=3, hours=10), {}, "old_night", "approved", id="too old"),
    ],
)
def test_what_a_killed_run_left_is_checked_again_before_it_is_delivered(
    home: Settings,
    monkeypatch: pytest.MonkeyPatch,
    moment: datetime,
    change: dict[str, Any],
    reason: str,
    state: str,
) -> None:
    killed(approved(home, "ann"), monkeypatch)
    if change:
        fill(home, change)
    assert send_at(moment, home).rejected == {f"notices: {reason}": 1}
    assert (states(home), files(home)) == ({"ann": state}, [])
    assert review.history(home, ids_of(home)[0])[-1]["reason"] == reason
    assert balance(home, "ann") == (50, 0, 50, 0)  # money owed is owed


def test_what_a_killed_run_left_expires_when_it_lapses(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed(approved(home, "ann", **ADVICE), monkeypatch)
    assert send_at(END.replace(hour=12), home).rejected == {"notices: expired": 1}
    assert (states(home), files(home)) == ({"ann": "expired"}, [])


def test_words_that_changed_after_a_run_was_killed_do_not_go(
    any_home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = killed(approved(any_home, "ann"), monkeypatch)
    with writing(engine_for(home)) as session:
        session.execute(update(WordsRow).values(text="something else"))
    for _ in range(2):
        assert send_at(MORNING, home).rejected == {"notices: content_changed": 1}
    assert (states(home), files(home)) == ({"ann": "approved"}, [])


def test_while_paused_what_a_killed_run_left_stays(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    killed(approved(home, "ann"), monkeypatch)
    with writing(engine_for(home)) as session:
        turn(session, PAUSE, on=True, by="eve", at=MORNING)
    with pytest.raises(PausedError, match="paused by eve"):
        send_at(MORNING, home)
    assert (states(home), files(home)) == ({"ann": "handed"}, [])


@pytest.mark.slow
def test_a_second_run_at_the_same_time_is_refused(any_home: Settings) -> None:
    approved(any_home, "ann")
    program = "from outreach.sending import send; from warehouse.settings import load_settings; import sys\n"
    program += (
        "from pathlib import Path\nsend(load_settings(home=Path(sys.argv[1]), database_url=sys.argv[2]))"
    )
    with hold(any_home, "send"):
        done = _python(program, any_home)
    assert done.returncode == 1
    assert LeaseHeldError.__name__ in done.stderr


# Real processes --------------------------------------------------------------------------------

SEND = """
import os, signal, sys
from pathlib import Path
from sqlalchemy import event
from sqlalchemy.engine import Engine

left = int(sys.argv[3])

def effect():
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(lambda name, _: effect() if name == "os.rename" else None)
event.listen(Engine, "commit", lambda _: effect())

from outreach.sending import send
from tests.outreach.worlds import EVERYTHING
from warehouse.errors import LeaseHeldError
from warehouse.settings import load_settings

settings = load_settings(home=Path(sys.argv[1]), database_url=sys.argv[2], outreach=EVERYTHING)
try:
    send(settings)
except LeaseHeldError:
    sys.exit(3)
"""
NOW = {"ADVOCATE_NOW": "2017-12-01T10:00:00Z"}


@pytest.fixture(scope="module")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Preloaded]:
    with preloaded(
        "import outreach.sending, tests.outreach.worlds", tmp_path_factory.mktemp("forks")
    ) as made:
        yield made


def _started(home: Settings, program: str, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", program, str(home.home), home.database_url, *more]
    return subprocess.Popen(command, env=os.environ | NOW, stderr=subprocess.PIPE, text=True)


def _python(program: str, home: Settings) -> subprocess.CompletedProcess[str]:
    process = _started(home, program)
    _, errors = process.communicate(timeout=60)
    return subprocess.CompletedProcess(process.args, process.returncode, None, errors)


@pytest.mark.slow
def test_killed_before_each_effect_in_turn_every_notice_arrives_once(
    any_home: Settings, forks: Preloaded
) -> None:
    home = approved(any_home, "ann", "bob")
    kills, code = 0, -1
    while code != 0:
        words = (str(home.home), home.database_url, str(kills + 1))  # each life gets one effect further
        done = forks.run(SEND, *words, **NOW)
        code = done.returncode
        assert code in (0, -signal.SIGKILL), done.stderr
        kills += code != 0
        assert kills < 20, "sending never ends"
    assert kills >= 4, "fewer kills than effects of one notice: the hook saw nothing"
    assert states(home) == {"ann": "sent", "bob": "sent"}
    assert [file.name for file in files(home)] == [f"{one}.json" for one in sorted(ids_of(home))]
    for notice_id in ids_of(home):
        reached = [event["to_state"] for event in review.history(home, notice_id)]
        assert reached == ["approved", "handed", "sent"]
    assert balance(home, "ann") == (50, 0, 50, 0)


@pytest.mark.slow
def test_two_processes_sending_at_once_send_each_notice_once(any_home: Settings) -> None:
    names = [f"c{n}" for n in range(20)]
    home = approved(any_home, *names)
    both = [_started(home, SEND, "0") for _ in range(2)]
    errors = [process.communicate(timeout=60)[1] for process in both]
    codes = sorted(process.returncode for process in both)
    assert codes in ([0, 0], [0, 3]), errors
    assert set(states(home).values()) == {"sent"}
    assert len(files(home)) == len(names)
    for notice_id in ids_of(home):
        assert len(review.history(home, notice_id)) == 3
