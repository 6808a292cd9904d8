"""The audit log: a chain in which no byte changes unnoticed."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from tests.conftest import at
from warehouse.access import audit
from warehouse.access.audit import Head
from warehouse.access.models import AuditRow
from warehouse.database import engine_for, reading, writing
from warehouse.errors import TamperedError
from warehouse.settings import Settings

NOW = at("2017-12-01T10:00:00")
COLUMNS = 'at, "by", action, subject, details, digest'
WORDS = ["batch.approve", "notice.edit", "session.begin"]


@pytest.fixture
def settings(any_settings: Settings) -> Settings:
    return any_settings


def said(settings: Settings, many: int = 3) -> Head:
    for number in range(many):
        with writing(engine_for(settings)) as session:
            audit.record(
                session,
                WORDS[number % len(WORDS)],
                by="maría",
                at=NOW + timedelta(microseconds=number),
                subject=f"notice {number}",
                details={"count": number, "why": "zu spät, 雨"},
            )
    return verified(settings)


def verified(settings: Settings, kept: Head | None = None) -> Head:
    with reading(engine_for(settings)) as session:
        return audit.verify(session, kept)


def forced(settings: Settings, change: Callable[[Session], object]) -> None:
    """A change by somebody who may do anything with the database."""
    with writing(engine_for(settings)) as session:
        if settings.database_url:
            session.execute(text("ALTER TABLE audit DISABLE TRIGGER ALL"))
        else:
            for name in ("update", "delete", "replace"):
                session.execute(text(f"DROP TRIGGER IF EXISTS audit_no_{name}"))
        change(session)


def test_entries_are_chained_and_the_head_can_be_kept(settings: Settings) -> None:
    assert verified(settings) == Head(0, audit.START)
    first, last = said(settings, 1), said(settings, 4)
    assert (first.number, last.number) == (1, 5)
    for kept in (Head(0, audit.START), first, last):
        assert verified(settings, kept) == last
    with pytest.raises(TamperedError, match="written anew"):
        verified(settings, Head(5, "0" * 64))


@pytest.mark.parametrize("word", ["UPDATE audit SET by = 'x'", "DELETE FROM audit"])
def test_entries_are_neither_changed_nor_removed(settings: Settings, word: str) -> None:
    last = said(settings)
    with pytest.raises(DBAPIError, match="append-only"), writing(engine_for(settings)) as session:
        session.execute(text(word))
    assert verified(settings) == last


def test_any_single_byte_that_somebody_changes_is_found(settings: Settings) -> None:
    said(settings)
    forced(settings, lambda _: None)
    with reading(engine_for(settings)) as session:
        rows = [
            {column.key: getattr(row, column.key) for column in inspect(AuditRow).columns}
            for row in session.query(AuditRow).order_by(AuditRow.number)
        ]
    tried = 0
    for row in rows:
        for column, value in row.items():
            for other in one_byte_off(value):
                with pytest.raises(TamperedError):
                    changed_in_view(settings, row["number"], {column: other})
                tried += 1
    assert tried > 350
    assert verified(settings).number == 3


def changed_in_view(settings: Settings, number: int, values: dict[str, object]) -> None:
    """Verifies a view in which an entry is another, and that nobody else ever sees."""
    table = AuditRow.__table__
    with engine_for(settings).connect() as connection:
        connection.execute(table.update().where(table.c.number == number).values(values))
        audit.verify(Session(connection))


def twice(session: Session) -> None:
    """An entry, and another one that cannot be written."""
    for number in (1.0, float("nan")):
        audit.record(session, "batch.hold", by="a", at=NOW, details={"n": number})


def one_byte_off(value: object) -> list[object]:
    if isinstance(value, str):
        return [
            value[:place] + chr(ord(letter) ^ 1) + value[place + 1 :] for place, letter in enumerate(value)
        ]
    if isinstance(value, int):
        return [value + 100]
    return [value + timedelta(microseconds=1)]  # type: ignore[operator]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("DELETE FROM audit WHERE number = 1", id="the first is gone"),
        pytest.param("DELETE FROM audit WHERE number = 2", id="one is gone"),
        pytest.param("DELETE FROM audit WHERE number = 3", id="the last is gone"),
        pytest.param("DELETE FROM audit", id="all are gone"),
        pytest.param("UPDATE audit_head SET number = 2", id="the head is another"),
        *(
            pytest.param(f"INSERT INTO audit SELECT {number}, {COLUMNS} FROM audit WHERE number = 2", id=name)
            for number, name in ((0, "one is added before"), (-1, "one is added"), (4, "one is added after"))
        ),
    ],
)
def test_entries_that_somebody_removes_are_missed(settings: Settings, change: str) -> None:
    said(settings)
    forced(settings, lambda session: session.execute(text(change)))
    with pytest.raises(TamperedError):
        verified(settings)


def test_an_entry_is_there_only_with_what_it_tells_of(settings: Settings) -> None:
    last = said(settings)
    with pytest.raises(ValueError, match="JSON"), writing(engine_for(settings)) as session:
        twice(session)
    assert verified(settings) == last


def test_many_write_at_once_and_the_chain_holds(settings: Settings) -> None:
    people = [threading.Thread(target=said, args=(settings, 5)) for _ in range(4)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert verified(settings).number == 20
