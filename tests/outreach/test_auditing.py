"""Decisions in the audit log, and who may make them."""

import json
from collections.abc import Callable

import pytest
from sqlalchemy import select, text

from outreach import review
from outreach.auditing import check_decisions
from outreach.choosing import Which
from outreach.models import NoticeEventRow
from tests.outreach.test_review import desk, notice_of, proposed, states
from warehouse import clock
from warehouse.access import accounts, audit
from warehouse.access.models import AuditRow
from warehouse.access.roles import Role
from warehouse.database import engine_for, reading, writing
from warehouse.errors import ForbiddenError, TamperedError
from warehouse.settings import Settings

__all__ = ["desk", "proposed"]
WORDS = "seven quiet harbours"
DECISIONS: dict[str, tuple[Role, Callable[..., object]]] = {
    "approve": (Role.APPROVER, review.approve),
    "reject": (Role.REVIEWER, review.reject),
    "hold": (Role.REVIEWER, review.hold),
}


def entries(settings: Settings) -> list[AuditRow]:
    with reading(engine_for(settings)) as session:
        audit.verify(session)
        check_decisions(session)
        return list(session.scalars(select(AuditRow).order_by(AuditRow.number)))


def test_a_decision_is_one_entry_that_each_notice_names(desk: Settings) -> None:
    ann = notice_of(desk, "ann")
    review.hold(desk, "latest", by="eve", reason="odd price", which=Which([ann]))
    review.approve(desk, "latest", by="eve", reason="read a sample")
    review.approve(desk, "latest", by="eve")
    held, approved = entries(desk)
    assert [json.loads(row.details)["moved"] for row in (held, approved)] == [{"held": 1}, {"approved": 1}]
    assert (approved.by, approved.action, json.loads(approved.details)["reason"]) == (
        "eve",
        "batch.decide",
        "read a sample",
    )
    assert {event["audit"] for event in review.history(desk, ann)} == {held.number}
    assert {event["audit"] for event in review.history(desk, notice_of(desk, "bob"))} == {approved.number}


@pytest.mark.parametrize("name", DECISIONS)
def test_whoever_has_not_the_role_decides_nothing(desk: Settings, name: str) -> None:
    needed, decide = DECISIONS[name]
    for role in Role:
        accounts.add(desk, f"{role}-1", role, by="root", password=WORDS)
    before = len(entries(desk))
    for role in Role:
        if role.may(needed):
            continue
        with pytest.raises(ForbiddenError, match=f"takes the role {needed}"):
            decide(desk, "latest", by=f"{role}-1", reason="because")
    with pytest.raises(ForbiddenError, match="no open account"):
        decide(desk, "latest", by="stranger", reason="because")
    assert set(states(desk).values()) == {"proposed"}
    assert len(entries(desk)) == before
    decide(desk, "latest", by=f"{needed}-1", reason="because")
    assert "proposed" not in states(desk).values()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE notice_events SET to_state = 'rejected' WHERE event_id = 1",
        "UPDATE notice_events SET from_state = 'held' WHERE event_id = 1",
        "UPDATE notice_events SET audit = 2 WHERE event_id = 1",
        "UPDATE notice_events SET audit = NULL WHERE event_id = 1",
        "DELETE FROM notice_events WHERE event_id = 1",
        'INSERT INTO notice_events (notice_id, from_state, to_state, "by", at, reason, audit) '
        "SELECT notice_id, 'held', 'approved', \"by\", at, reason, audit FROM notice_events",
    ],
)
def test_a_history_that_somebody_changes_disagrees_with_the_log(desk: Settings, change: str) -> None:
    with clock.at(clock.now()):
        review.approve(desk, "latest", by="eve")
    with writing(engine_for(desk)) as session:
        if desk.database_url:
            session.execute(text("ALTER TABLE notice_events DISABLE TRIGGER ALL"))
        else:
            for name in ("update", "delete"):
                session.execute(text(f"DROP TRIGGER notice_events_no_{name}"))
        session.execute(text(change))
    with reading(engine_for(desk)) as session, pytest.raises(TamperedError, match="are others now"):
        check_decisions(session)


def test_a_decision_that_fails_leaves_no_entry(desk: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(review.ledger, "open_selected", broken)
    with pytest.raises(OSError, match="full"):
        review.approve(desk, "latest", by="eve")
    assert entries(desk) == []
    with reading(engine_for(desk)) as session:
        assert session.scalars(select(NoticeEventRow)).all() == []
    assert set(states(desk).values()) == {"proposed"}
