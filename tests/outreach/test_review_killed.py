"""Approving all of a batch, killed before any of its statements: all of it happened, or nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from outreach import review
from outreach.auditing import check_decisions
from outreach.models import NoticeEventRow, NoticeRow
from outreach.promises.models import PromiseRow
from tests.conftest import BOTH, copy_of, migrated_on
from tests.outreach.worlds import EVERYTHING, fill, night, shop
from tests.preloaded import Preloaded, preloaded
from warehouse.access import audit
from warehouse.database import engine_for, reading
from warehouse.settings import Settings

pytestmark = pytest.mark.slow
CUSTOMERS = ("ada", "ben", "cleo")
IMPORTS = (
    "from pathlib import Path\nfrom outreach import review\nfrom warehouse.settings import load_settings"
)
DIE = """
import os, signal, sys
from pathlib import Path
from sqlalchemy import event
from sqlalchemy.engine import Engine
from outreach import review
from warehouse.settings import load_settings

left = int(sys.argv[1])

def effect(*_):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

event.listen(Engine, "before_cursor_execute", effect)
event.listen(Engine, "commit", effect)
settings = load_settings(home=Path(sys.argv[2]), database_url=sys.argv[3] or None, outreach={
    "opt_out": "Answer STOP", "postal_address": "Corner Shop, 1 High Street, Springfield"})
review.approve(settings, "latest", by="eve", reason="read")
print("done", left)
"""


@pytest.fixture(scope="module")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Preloaded]:
    with preloaded(IMPORTS, tmp_path_factory.mktemp("forks")) as made:
        yield made


@pytest.fixture(scope="module", params=BOTH)
def proposed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    made = copy_of(migrated_on(request), tmp_path_factory.mktemp("proposed") / "home")
    home = made.model_copy(update={"outreach": EVERYTHING})
    fill(home, shop(*CUSTOMERS))
    night(home)
    return home


def test_a_killed_approval_happened_whole_or_not_at_all(
    proposed: Settings, forks: Preloaded, tmp_path: Path
) -> None:
    for place in range(1, 100):
        home = copy_of(proposed, tmp_path / str(place))
        done = forks.run(DIE, str(place), str(home.home), home.database_url)
        assert_whole(home)
        if done.returncode == 0:
            break
        assert done.returncode == -9, done.stderr
        with reading(engine_for(home)) as session:
            assert session.scalar(select(func.count()).select_from(PromiseRow)) in (0, len(CUSTOMERS))
        again = review.approve(home, "latest", by="bob")
        assert again.changed + again.unchanged == len(CUSTOMERS)
        assert_whole(home)
    else:
        raise AssertionError("the approval has more statements than were tried")
    assert place > 10
    assert set(states(home)) == {"approved"}


def states(home: Settings) -> list[str]:
    with reading(engine_for(home)) as session:
        return list(session.scalars(select(NoticeRow.state)))


def assert_whole(home: Settings) -> None:
    """Each notice is approved with an entry of the audit log that tells of it, or neither."""
    with reading(engine_for(home)) as session:
        head = audit.verify(session)
        decisions = check_decisions(session)
        approved = set(session.scalars(select(NoticeRow.notice_id).where(NoticeRow.state == "approved")))
        told = set(
            session.scalars(
                select(NoticeEventRow.notice_id).where(
                    NoticeEventRow.to_state == "approved", NoticeEventRow.audit.is_not(None)
                )
            )
        )
    assert approved == told
    assert len(approved) in (0, len(CUSTOMERS))
    assert decisions == head.number == bool(approved)
