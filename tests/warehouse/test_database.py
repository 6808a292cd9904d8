"""The database: the same promises on SQLite and on PostgreSQL."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, ProgrammingError, StatementError

from tests.conftest import at
from tests.warehouse.conftest import Python
from warehouse import database
from warehouse.database import engine_for, reading, writing
from warehouse.errors import NotFoundError, SettingsError, UnavailableError
from warehouse.models import ReceiptRow, SwitchRow
from warehouse.settings import Settings, load_settings

WRITE_MANY = """
import sys
from datetime import UTC, datetime
from warehouse.database import engine_for, writing
from warehouse.models import ReceiptRow
from warehouse.settings import load_settings
settings = load_settings(home=sys.argv[1], database_url=sys.argv[2])
for number in range(20):
    with writing(engine_for(settings)) as session:
        session.query(ReceiptRow).count()  # reads first: a writer that upgrades its lock would fail here
        session.add(ReceiptRow(step=sys.argv[3], day=None, at=datetime.now(UTC), body={"number": number}))
"""

OPEN_NEW = """
import sys
from sqlalchemy import text
from warehouse.database import engine_for, writing
from warehouse.settings import load_settings
with writing(engine_for(load_settings(home=sys.argv[1]))) as session:
    session.execute(text("CREATE TABLE IF NOT EXISTS things (name TEXT)"))
"""


def receipt(step: str, moment: datetime | None = None) -> ReceiptRow:
    return ReceiptRow(step=step, day=None, at=moment or at("2017-12-01"), body={})


def steps(settings: Settings) -> list[str]:
    with reading(engine_for(settings)) as session:
        return list(session.scalars(select(ReceiptRow.step).order_by(ReceiptRow.receipt_id)))


def test_what_is_written_is_there_for_the_next_reader(any_settings: Settings) -> None:
    with writing(engine_for(any_settings)) as session:
        session.add_all([receipt("one"), receipt("two")])
    assert steps(any_settings) == ["one", "two"]


def test_an_error_takes_back_everything_the_block_wrote(any_settings: Settings) -> None:
    def write_and_fail() -> None:
        with writing(engine_for(any_settings)) as session:
            session.add(receipt("one"))
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    assert steps(any_settings) == []


def test_a_broken_constraint_takes_back_everything_the_block_wrote(any_settings: Settings) -> None:
    nobody = SwitchRow(name="pause", on=True, by=None, at=at("2017-12-01"))
    with pytest.raises(IntegrityError), writing(engine_for(any_settings)) as session:
        session.add_all([receipt("one"), nobody])
    assert steps(any_settings) == []


def test_a_reader_keeps_nothing(any_settings: Settings) -> None:
    with reading(engine_for(any_settings)) as session:
        session.add(receipt("one"))
        session.flush()
    assert steps(any_settings) == []


def test_a_reader_does_not_see_what_is_not_committed(any_settings: Settings) -> None:
    with writing(engine_for(any_settings)) as session:
        session.add(receipt("one"))
        session.flush()
        assert steps(any_settings) == []


def test_foreign_keys_are_enforced(any_settings: Settings) -> None:
    with pytest.raises(IntegrityError), writing(engine_for(any_settings)) as session:
        session.execute(
            text(
                "INSERT INTO current_bundle (slot, bundle_id, at, by) "
                "VALUES (1, 'nobody made it', CURRENT_TIMESTAMP, 'test')"
            )
        )


def test_moments_come_back_in_utc_whatever_their_zone_was(any_settings: Settings) -> None:
    there = datetime(2017, 12, 1, 9, 30, 0, 123456, tzinfo=timezone(timedelta(hours=-5)))
    with writing(engine_for(any_settings)) as session:
        session.add(receipt("one", there))
    with reading(engine_for(any_settings)) as session:
        back = session.scalars(select(ReceiptRow.at)).one()
    assert back == there
    assert back.utcoffset() == timedelta(0)


def test_a_moment_without_a_zone_is_refused(any_settings: Settings) -> None:
    with (
        pytest.raises(StatementError, match="has no time zone"),
        writing(engine_for(any_settings)) as session,
    ):
        session.add(receipt("one", datetime(2017, 12, 1)))  # noqa: DTZ001  this is what is refused


def test_two_processes_that_write_at_once_both_succeed(any_settings: Settings, python: Python) -> None:
    arguments = (str(any_settings.home), any_settings.database_url)
    writers = [python(WRITE_MANY, *arguments, step) for step in ("one", "two")]
    for writer in writers:
        _, problems = writer.communicate(timeout=60)
        assert writer.returncode == 0, problems
    assert sorted(steps(any_settings)) == ["one"] * 20 + ["two"] * 20


def test_a_second_writer_waits_for_the_first_on_sqlite(settings: Settings) -> None:
    started, done = threading.Event(), []

    def second() -> None:
        started.set()
        with writing(engine_for(settings)) as session:
            session.merge(SwitchRow(name="pause", on=False, by="second", at=at("2017-12-01")))
        done.append("second")

    with writing(engine_for(settings)) as session:
        session.merge(SwitchRow(name="pause", on=True, by="first", at=at("2017-12-01")))
        session.flush()
        thread = threading.Thread(target=second)
        thread.start()
        started.wait(10)
        thread.join(0.2)
        assert not done
    thread.join(10)
    assert done == ["second"]


def test_sqlite_writes_ahead_waits_when_busy_and_enforces_keys(settings: Settings) -> None:
    with reading(engine_for(settings)) as session:
        found = {
            name: session.execute(text(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "busy_timeout", "foreign_keys", "synchronous")
        }
    assert found == {"journal_mode": "wal", "busy_timeout": 30_000, "foreign_keys": 1, "synchronous": 2}


def test_many_processes_may_open_a_new_sqlite_file_at_once(tmp_path: Path, python: Python) -> None:
    openers = [python(OPEN_NEW, str(tmp_path / "home")) for _ in range(3)]
    for opener in openers:
        _, problems = opener.communicate(timeout=60)
        assert opener.returncode == 0, problems


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://maria:s3cret@db/shop",
        "postgresql+psycopg2://maria:s3cret@db/shop",
        "postgresql+asyncpg://maria:s3cret@db/shop",
        "mysql://maria:s3cret@db/shop",
        "sqlite+aiosqlite:///shop.db",
    ],
)
def test_other_drivers_are_refused_by_name(tmp_path: Path, address: str) -> None:
    with pytest.raises(SettingsError, match="is not supported; use sqlite:///… or postgresql") as refusal:
        engine_for(load_settings(home=tmp_path, database_url=address))
    assert "s3cret" not in str(refusal.value)
    assert address.split(":", maxsplit=1)[0] in str(refusal.value)


@pytest.mark.parametrize(
    "address",
    [
        "s3cret",
        "postgresql+psycopg://maria:s3cret@127.0.0.1:1/shop",
        "postgresql+psycopg://maria:word@s3cret@127.0.0.1:1/shop",
        "postgresql+psycopg://maria:1/s3cret@127.0.0.1/shop",
        "postgresql+psycopg://maria:s3cret/word@127.0.0.1/shop",
        "postgresql+psycopg://maria:wo:s3cret@127.0.0.1:port/shop",
        "postgresql+psycopg://maria@127.0.0.1:1/shop?password=s3cret",
    ],
)
def test_no_message_shows_a_password(tmp_path: Path, address: str) -> None:
    settings = load_settings(home=tmp_path, database_url=address)
    with (
        pytest.raises((SettingsError, UnavailableError)) as refusal,
        reading(engine_for(settings)) as session,
    ):
        session.connection()
    assert "s3cret" not in str(refusal.value)
    assert "database" in str(refusal.value)


def test_now_and_then_are_told_apart_by_utc(any_settings: Settings) -> None:
    with writing(engine_for(any_settings)) as session:
        session.add_all([receipt("early", at("2017-12-01")), receipt("late", datetime.now(UTC))])
    with reading(engine_for(any_settings)) as session:
        query = select(ReceiptRow.step).where(ReceiptRow.at < at("2018-01-01"))
        assert list(session.scalars(query)) == ["early"]


def test_a_home_where_nothing_was_done_says_what_to_do(tmp_path: Path, postgres_url: str) -> None:
    for address in ("", postgres_url):
        empty = load_settings(home=tmp_path / "empty", database_url=address)
        with pytest.raises(NotFoundError, match="advocate nightly"), reading(engine_for(empty)) as session:
            session.execute(text("SELECT * FROM current_bundle"))


def test_a_table_that_alone_is_missing_is_no_empty_home(any_settings: Settings) -> None:
    with (
        pytest.raises((UnavailableError, ProgrammingError), match="no_such_table"),
        reading(engine_for(any_settings)) as session,
    ):
        session.execute(text("SELECT * FROM no_such_table"))


def test_a_missing_table_is_of_an_earlier_version(any_settings: Settings) -> None:
    with writing(engine_for(any_settings)) as session:
        session.execute(text("DROP TABLE receipts"))
    with pytest.raises(UnavailableError, match=r"(?s)earlier version \(.*receipts.*brings it up to date"):
        steps(any_settings)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process as a server, until the end of the test."""
    monkeypatch.setattr(database, "_kept", database._kept)
    database.keep_connections()
    yield
    database._engine.cache_clear()


@pytest.mark.usefixtures("server")
def test_a_server_keeps_its_connections_and_its_promises(any_settings: Settings) -> None:
    engine = engine_for(any_settings)
    for name in ("one", "two"):
        with writing(engine) as session:
            session.add(receipt(name))
    assert (engine.pool.checkedout(), engine.pool.checkedin() in (1, 2)) == (0, True)
    with pytest.raises(ZeroDivisionError):
        _write(any_settings, "three", then=lambda: 1 / 0)
    assert steps(any_settings) == ["one", "two"]
    threads = [
        threading.Thread(target=lambda name=name: _write(any_settings, name)) for name in ("a", "b", "c", "d")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(steps(any_settings)) == ["a", "b", "c", "d", "one", "two"]
    engine.dispose()


def _write(settings: Settings, name: str, then: Callable[[], object] = lambda: None) -> None:
    with writing(engine_for(settings)) as session:
        session.add(receipt(name))
        session.flush()
        then()


def test_a_database_that_is_away_names_itself_to_people_and_to_nobody_else(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path, database_url="postgresql+psycopg://maria:pw@127.0.0.1:1/shop")
    with pytest.raises(UnavailableError, match=r"127\.0\.0\.1:1/shop did not answer") as caught:
        steps(settings)
    assert "127.0.0.1" not in caught.value.told
    assert "does not answer" in caught.value.told


@pytest.mark.usefixtures("server")
def test_a_server_whose_connections_are_all_in_use_says_so(
    any_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_kept", database._kept | {"max_overflow": 0, "pool_timeout": 0.05})
    engine_for(any_settings).dispose()
    database._engine.cache_clear()
    engine = engine_for(any_settings)
    with reading(engine) as one, reading(engine) as two:
        one.connection()
        two.connection()
        with pytest.raises(UnavailableError, match="did not answer: all of this process's connections"):
            steps(any_settings)
    assert steps(any_settings) == []
    engine.dispose()
