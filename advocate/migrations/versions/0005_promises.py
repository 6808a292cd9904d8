"""promises: double entry, without money or notice too; payouts; what the opportunities of notices mean."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from outreach.append_only import statements
from warehouse.ids import content_id

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

APPEND_ONLY = {
    "promises": "promise_id",
    "promise_events": "event_id",
    "postings": "posting_id",
    "payouts": "payout_id",
}
SUBJECT = ("product_id", "order_id", "line_id", "entitlement_id", "incident_id")
ACCOUNTS = "('promised', 'open', 'paid', 'voided')"


def upgrade() -> None:
    with op.batch_alter_table("notices") as notices:
        notices.alter_column("send_after", existing_type=sa.DateTime(timezone=True), nullable=True)
    for column in SUBJECT:
        op.add_column("notice_opportunities", sa.Column(column, sa.String(length=200), nullable=True))
    _create_promises()
    _create_events_and_postings()
    _create_payouts()
    _carry_over()
    op.drop_table("ledger")
    for statement in statements(op.get_bind().dialect.name, APPEND_ONLY):
        op.execute(statement)


def _create_promises() -> None:
    op.create_table(
        "promises",
        sa.Column("promise_id", sa.String(length=36), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("opened_by", sa.String(length=200), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opportunity_id", sa.String(length=36), nullable=True),
        sa.Column("notice_id", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(
            ["notice_id"], ["notices.notice_id"], name=op.f("fk_promises_notice_id_notices")
        ),
        sa.PrimaryKeyConstraint("promise_id", name=op.f("pk_promises")),
    )
    for column in ("customer_id", "opportunity_id", "notice_id"):
        op.create_index(op.f(f"ix_promises_{column}"), "promises", [column])


def _create_events_and_postings() -> None:
    op.create_table(
        "promise_events",
        sa.Column("event_id", sa.String(length=36), nullable=False),
        sa.Column("promise_id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["promise_id"], ["promises.promise_id"], name=op.f("fk_promise_events_promise_id_promises")
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_promise_events")),
    )
    op.create_index(
        "ix_promise_events_promise_number", "promise_events", ["promise_id", "number"], unique=True
    )
    op.create_table(
        "postings",
        sa.Column("posting_id", sa.String(length=36), nullable=False),
        sa.Column("promise_id", sa.String(length=36), nullable=False),
        sa.Column("debit", sa.String(length=16), nullable=False),
        sa.Column("credit", sa.String(length=16), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.String(length=200), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_postings_above_zero")),
        sa.CheckConstraint("debit <> credit", name=op.f("ck_postings_two_accounts")),
        sa.CheckConstraint(
            f"debit IN {ACCOUNTS} AND credit IN {ACCOUNTS}", name=op.f("ck_postings_known_accounts")
        ),
        sa.ForeignKeyConstraint(
            ["promise_id"], ["promises.promise_id"], name=op.f("fk_postings_promise_id_promises")
        ),
        sa.PrimaryKeyConstraint("posting_id", name=op.f("pk_postings")),
    )
    op.create_index(op.f("ix_postings_promise_id"), "postings", ["promise_id"])


def _create_payouts() -> None:
    op.create_table(
        "payouts",
        sa.Column("payout_id", sa.String(length=36), nullable=False),
        sa.Column("export_id", sa.String(length=36), nullable=False),
        sa.Column("promise_id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["promise_id"], ["promises.promise_id"], name=op.f("fk_payouts_promise_id_promises")
        ),
        sa.PrimaryKeyConstraint("payout_id", name=op.f("pk_payouts")),
    )
    for column in ("export_id", "promise_id"):
        op.create_index(op.f(f"ix_payouts_{column}"), "payouts", [column])


def _carry_over() -> None:
    """Every entry of the old ledger becomes a posting of the promise it was about."""
    metadata = sa.MetaData()
    connection = op.get_bind()
    metadata.reflect(
        connection,
        only=("ledger", "notices", "notice_opportunities", "promises", "promise_events", "postings"),
    )
    ledger, notices, told = (metadata.tables[n] for n in ("ledger", "notices", "notice_opportunities"))
    same = (told.c.notice_id == ledger.c.notice_id) & (told.c.opportunity_id == ledger.c.opportunity_id)
    query = (
        sa.select(ledger, notices.c.subject, told.c.kind.label("found"))
        .join(notices, notices.c.notice_id == ledger.c.notice_id)
        .join(told, same)
        .order_by(ledger.c.at, ledger.c.entry_id)
    )
    entries: dict[str, list[Any]] = {}
    for row in connection.execute(query):
        promise_id = content_id("promise", "notice", row.notice_id, row.opportunity_id)
        entries.setdefault(promise_id, []).append(row)
    for table, carried in (
        ("promises", (_promise(one, rows) for one, rows in entries.items())),
        ("promise_events", (event for one, rows in entries.items() for event in _events(one, rows))),
        ("postings", (_posting(one, row) for one, rows in entries.items() for row in rows)),
    ):
        _insert(connection, metadata.tables[table], carried)


def _insert(connection: sa.Connection, table: sa.Table, rows: Iterable[dict[str, Any]]) -> None:
    if kept := list(rows):
        connection.execute(sa.insert(table), kept)


def _moment(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _promise(promise_id: str, rows: list[Any]) -> dict[str, Any]:
    first = next(row for row in rows if row.kind == "promised")
    return {
        "promise_id": promise_id,
        "customer_id": first.customer_id,
        "kind": first.found,
        "currency": first.currency,
        "amount_minor": first.amount_minor,
        "said": first.subject,
        "why": "",
        "opened_by": first.by,
        "opened_at": _moment(first.at),
        "opportunity_id": first.opportunity_id,
        "notice_id": first.notice_id,
    }


def _events(promise_id: str, rows: list[Any]) -> Iterable[dict[str, Any]]:
    left = sum(row.amount_minor if row.kind == "promised" else -row.amount_minor for row in rows)
    first = next(row for row in rows if row.kind == "promised")
    states = [("open", first)]
    if left == 0:
        states.append(("kept" if rows[-1].kind == "paid" else "voided", rows[-1]))
    for number, (state, row) in enumerate(states, 1):
        yield {
            "event_id": content_id("promise event", promise_id, str(number)),
            "promise_id": promise_id,
            "number": number,
            "state": state,
            "by": row.by,
            "at": _moment(row.at),
            "why": "",
        }


def _posting(promise_id: str, row: Any) -> dict[str, Any]:
    reference = row.entry_id if row.kind == "paid" else ""
    ids = {"promised": ("opening", promise_id), "paid": ("payment", reference)}
    debit, credit = ("open", "promised") if row.kind == "promised" else (row.kind, "open")
    return {
        "posting_id": content_id(*ids.get(row.kind, ("void", promise_id, "1"))),
        "promise_id": promise_id,
        "debit": debit,
        "credit": credit,
        "amount_minor": row.amount_minor,
        "reference": reference,
        "happened_at": _moment(row.at),
        "by": row.by,
        "at": _moment(row.at),
    }


def downgrade() -> None:
    raise RuntimeError(
        "the older ledger has no place for promises without a notice; restore the database from a copy"
    )
