"""openings: a promise is opened by its own row; its first event and its first posting only repeated that."""

import sqlalchemy as sa
from alembic import op

from outreach.append_only import erasure_statements, statements
from warehouse.errors import SettingsError

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

BOOKS = {"promises": "promise_id", "promise_events": "event_id", "postings": "posting_id"}
MONEY = {
    "ck_promises_above_zero": "amount_minor > 0",
    "ck_promises_whole_money": "(amount_minor IS NULL) = (currency IS NULL)",
}
KNOWN = "debit IN ('open', 'paid', 'voided') AND credit IN ('open', 'paid', 'voided')"
MOVED = {
    "ck_postings_above_zero": "amount_minor > 0",
    "ck_postings_two_accounts": "debit <> credit",
    "ck_postings_known_accounts": KNOWN,
}
OTHERWISE = """
SELECT promises.promise_id FROM promises
LEFT JOIN postings ON postings.promise_id = promises.promise_id AND postings.credit = 'promised'
WHERE COALESCE(postings.amount_minor, 0) <> COALESCE(promises.amount_minor, 0)
ORDER BY promises.promise_id LIMIT 1
"""


def upgrade() -> None:
    connection, dialect = op.get_bind(), op.get_bind().dialect.name
    if (one := connection.scalar(sa.text(OTHERWISE))) is not None:
        raise SettingsError(
            f"promise {one} and the posting that opened it are of different amounts, so the ledger was "
            "changed from outside; nothing was migrated: restore the database from a copy"
        )
    for table in BOOKS:
        for statement in _unlocked(dialect, table):
            op.execute(statement)
    op.execute("DELETE FROM postings WHERE credit = 'promised'")
    op.execute("DELETE FROM promise_events WHERE number = 1")
    op.drop_index("ix_promises_opportunity_id", "promises")
    if dialect == "sqlite":
        for table, checks in {"promises": MONEY, "postings": MOVED}.items():
            rules = tuple(sa.CheckConstraint(rule, name=op.f(name)) for name, rule in checks.items())
            with op.batch_alter_table(table, recreate="always", table_args=rules):
                pass
    else:
        op.drop_constraint("ck_postings_known_accounts", "postings")
        op.create_check_constraint(op.f("ck_postings_known_accounts"), "postings", KNOWN)
        for name, rule in MONEY.items():
            op.create_check_constraint(op.f(name), "promises", rule)
    for statement in (*statements(dialect, BOOKS), *erasure_statements(dialect, BOOKS)):
        op.execute(statement)


def _unlocked(dialect: str, table: str) -> list[str]:
    if dialect == "sqlite":
        return [f"DROP TRIGGER {table}_{what}" for what in ("no_update", "no_delete", "no_replace")]
    return [f"DROP TRIGGER {table}_{what} ON {table}" for what in ("rows_stay", "stays")]


def downgrade() -> None:
    raise RuntimeError("a promise is opened by its row from here on; restore the database from a copy")
