"""A home of the earlier version keeps every promise when it is brought up to date."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import text

from advocate.database import migrations, upgrade
from outreach.promises import checking, desk
from outreach.promises.accounts import balances, listed
from tests.conftest import at
from warehouse import clock
from warehouse.database import engine_for, reading, writing
from warehouse.errors import SettingsError
from warehouse.ids import content_id
from warehouse.settings import Settings, load_settings

NIGHT = at("2017-12-01")
ENTRIES = {
    ("paid", "o1"): 300,
    ("promised", "o1"): 300,
    ("promised", "o2"): 200,
    ("voided", "o2"): 200,
    ("promised", "o3"): 100,
}
NOTICE = """INSERT INTO notices (notice_id, batch_id, customer_id, person, channel, purpose, recipient,
timezone, subject, text, html, template, content_hash, state, version, send_after)
VALUES ('n', 'b', 'ann', 'ann', 'file', 'service', 'ann',
'UTC', 'We give back', 't', 'h', 'v1', 'x', 'sent', 3, :at)"""
BATCH = """INSERT INTO batches (batch_id, day, state, created_at, backfill, notices, held)
VALUES ('b', '2017-11-30', 'closed', :at, false, 1, 0)"""
TOLD = """INSERT INTO notice_opportunities
(notice_id, opportunity_id, kind, owed, promised_before_minor, evidence, amount_minor, currency)
VALUES ('n', :o, 'price_drop', 'policy', 0, '{}', :amount, 'USD')"""
ENTRY = """INSERT INTO ledger
(entry_id, kind, customer_id, currency, amount_minor, opportunity_id, notice_id, by, at)
VALUES (:id, :kind, 'ann', 'USD', :amount, :o, 'n', 'eve', :at)"""


def moment(home: Settings, when: datetime) -> Any:
    """SQLite keeps moments as text without a zone."""
    return when if home.database_url else f"{when:%Y-%m-%d %H:%M:%S.%f}"


def upgrade_to(home: Settings, revision: str) -> None:
    """Brings a home to an earlier version; on SQLite tables are replaced that others refer to."""
    config = migrations()
    with engine_for(home).connect() as connection:
        if not home.database_url:
            connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        connection.commit()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def earlier(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """A home of the version before, with promises that were paid, taken back, and left open."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    home = load_settings(home=tmp_path / "home", database_url=url)
    upgrade_to(home, "0004")
    with writing(engine_for(home)) as session:
        session.execute(text(BATCH), {"at": moment(home, NIGHT)})
        session.execute(text(NOTICE), {"at": moment(home, NIGHT)})
        for told in ("o1", "o2", "o3"):
            session.execute(text(TOLD), {"o": told, "amount": ENTRIES["promised", told]})
        for (kind, told), amount in ENTRIES.items():
            when = NIGHT.replace(hour=1 if kind == "promised" else 2)
            row = {"id": f"{kind} {told}", "kind": kind, "o": told, "amount": amount}
            session.execute(text(ENTRY), row | {"at": moment(home, when)})
    return home


def test_every_entry_of_the_old_ledger_is_a_posting_of_its_promise(earlier: Settings) -> None:
    upgrade(earlier)
    with reading(engine_for(earlier)) as session:
        (balance,) = balances(session)
        promises = {promise.opportunity_id: promise for promise in listed(session)}
    assert (balance.promised_minor, balance.paid_minor, balance.voided_minor) == (600, 300, 200)
    assert {told: promise.state for told, promise in promises.items()} == {
        "o1": "kept",
        "o2": "voided",
        "o3": "open",
    }
    one = promises["o3"]
    assert (one.promise_id, one.kind) == (content_id("promise", "notice", "n", "o3"), "price_drop")
    assert (one.said, one.opened_by, one.opened_at) == ("We give back", "eve", NIGHT.replace(hour=1))
    with clock.at(NIGHT):
        assert checking.check(earlier).findings == []
    assert desk.pay(earlier, one.promise_id, reference="bank 1", by="fin")[0].state == "kept"


def test_tables_that_were_replaced_are_still_referred_to(earlier: Settings) -> None:
    upgrade(earlier)
    with pytest.raises(Exception, match=r"(?i)foreign key"), writing(engine_for(earlier)) as session:
        session.execute(text(TOLD.replace("'n'", "'nobody'")), {"o": "o9", "amount": 1})
    with writing(engine_for(earlier)) as session:
        session.execute(text("UPDATE notices SET send_after = NULL"))


def test_a_database_with_lost_references_is_not_migrated(earlier: Settings) -> None:
    if earlier.database_url:
        pytest.skip("PostgreSQL loses none")
    with engine_for(earlier).connect() as connection:
        driver = connection.connection.cursor()
        driver.execute("PRAGMA foreign_keys=OFF")
        driver.execute("DELETE FROM batches")
        driver.close()
    with pytest.raises(SettingsError, match="refers to rows it does not have"):
        upgrade(earlier)
    with reading(engine_for(earlier)) as session:
        assert session.execute(text("SELECT count(*) FROM ledger")).scalar() == 5


def test_a_ledger_that_contradicts_itself_is_not_migrated(earlier: Settings) -> None:
    upgrade_to(earlier, "0010")
    with writing(engine_for(earlier)) as session:
        trigger = "DROP TRIGGER promises_rows_stay ON promises"
        session.execute(text(trigger if earlier.database_url else "DROP TRIGGER promises_no_update"))
        session.execute(text("UPDATE promises SET amount_minor = 999 WHERE opportunity_id = 'o1'"))
    with pytest.raises(SettingsError, match="of different amounts"):
        upgrade(earlier)
    with reading(engine_for(earlier)) as session:
        assert session.execute(text("SELECT count(*) FROM postings")).scalar() == 5
