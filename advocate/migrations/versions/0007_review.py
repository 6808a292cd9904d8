"""what lists of notices ask for apart from their words; who edited and who agreed; promises known before."""

import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from outreach.digests import digest_of
from outreach.promises.ledger import promise_id_of
from outreach.promises.models import IN_HAND
from outreach.references import subject_of

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
MONEY = ("right", "policy")
ID = sa.String(length=36)
NAME = sa.String(length=200)
HASH = sa.String(length=64)
LISTED: dict[str, tuple[sa.types.TypeEngine[Any], str | int]] = {
    "kinds": (sa.String(length=500), " "),
    "risk": (sa.Integer(), 0),
    "risks": (sa.String(length=100), " "),
    "haystack": (sa.Text(), ""),
}
"""New columns of notices, and what those of earlier versions have in them."""
INDEXED = (
    *("state", "batch_id", "notice_id", "customer_id", "currency", "amount_minor", "channel", "purpose"),
    *("market", "risk", "kinds", "risks", "send_after", "haystack"),
)
SIDE = 1_000


def upgrade() -> None:
    words = op.create_table(
        "notice_words",
        sa.Column("notice_id", ID, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("locale", sa.String(length=64), nullable=False),
        sa.Column("edits", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["notice_id"], ["notices.notice_id"], name=op.f("fk_notice_words_notice_id_notices")
        ),
        sa.PrimaryKeyConstraint("notice_id", name=op.f("pk_notice_words")),
    )
    op.create_table(
        "sign_in_attempts",
        sa.Column("attempt_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("digest", HASH, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("attempt_id", name=op.f("pk_sign_in_attempts")),
    )
    op.create_index(op.f("ix_sign_in_attempts_digest"), "sign_in_attempts", ["digest"])
    _widen()
    notices, batches, told = _tables()
    moved = sa.select(
        notices.c.notice_id, notices.c.text, notices.c.html, sa.literal("en_US"), sa.literal("{}")
    )
    op.execute(words.insert().from_select(["notice_id", "text", "html", "locale", "edits"], moved))
    _fill(notices, batches, told)
    with op.batch_alter_table("notices") as table:
        for column in ("text", "html"):
            table.drop_column(column)
        for name, (kind, _) in LISTED.items():
            table.alter_column(name, existing_type=kind, server_default=None)
    for name in ("ix_notices_batch_state", "ix_notices_state"):
        op.drop_index(name, "notices")
    if op.get_bind().dialect.name == "sqlite":
        op.create_index("ix_notices_listed", "notices", list(INDEXED))
    else:
        op.create_index("ix_notices_state_batch", "notices", ["state", "batch_id"])
    with op.batch_alter_table("batches") as table:
        for name in ("digest", "version", "facets"):
            table.alter_column(name, server_default=None)


def _widen() -> None:
    for name, (kind, empty) in LISTED.items():
        op.add_column("notices", sa.Column(name, kind, nullable=False, server_default=str(empty)))
    for name, kind in {"market": NAME, "fit_for": HASH, "agreed_by": NAME, "agreed_hash": HASH}.items():
        op.add_column("notices", sa.Column(name, kind, nullable=True))
    op.add_column("batches", sa.Column("digest", HASH, nullable=False, server_default=""))
    op.add_column("batches", sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("batches", sa.Column("author", NAME, nullable=True))
    op.add_column("batches", sa.Column("facets", sa.Text(), nullable=False, server_default="{}"))
    op.add_column("notice_opportunities", sa.Column("promise_id", ID, nullable=True))
    op.add_column("notice_opportunities", sa.Column("due_at", MOMENT, nullable=True))


def _tables() -> tuple[sa.TableClause, sa.TableClause, sa.TableClause]:
    def table(name: str, *columns: str) -> sa.TableClause:
        return sa.table(name, *(sa.column(one) for one in columns), sa.column("due_at", MOMENT))

    notices = (
        "notice_id",
        "batch_id",
        "customer_id",
        "subject",
        "text",
        "html",
        "kinds",
        "haystack",
        "template",
    )
    told = ("notice_id", "opportunity_id", "kind", "owed", "evidence", "promise_id")
    return (
        table("notices", *notices, "content_hash"),
        table("batches", "batch_id", "digest"),
        table("notice_opportunities", *told),
    )


def _fill(notices: sa.TableClause, batches: sa.TableClause, told: sa.TableClause) -> None:
    bind = op.get_bind()
    kinds: dict[str, set[str]] = {}
    opened: list[dict[str, Any]] = []
    columns = (told.c.notice_id, told.c.opportunity_id, told.c.kind, told.c.owed, told.c.evidence)
    for notice_id, opportunity_id, kind, owed, evidence in bind.execute(sa.select(*columns)):
        kinds.setdefault(notice_id, set()).add(kind)
        if owed in MONEY:
            promise = promise_id_of(subject_of(notice_id, opportunity_id))
            due = _lapse(evidence) if kind in IN_HAND else None
            opened.append({"n": notice_id, "o": opportunity_id, "promise_id": promise, "due_at": due})
    same = (told.c.notice_id == sa.bindparam("n")) & (told.c.opportunity_id == sa.bindparam("o"))
    _run(sa.update(told).where(same).values(_set("promise_id", "due_at")), opened)
    hashes: dict[str, list[tuple[str, str]]] = {}
    listed: list[dict[str, Any]] = []
    facts = (notices.c.batch_id, notices.c.notice_id, notices.c.content_hash, notices.c.customer_id)
    for batch_id, notice_id, content, customer_id, subject in bind.execute(
        sa.select(*facts, notices.c.subject)
    ):
        hashes.setdefault(batch_id, []).append((notice_id, content))
        words = " ".join(f"{customer_id} {subject}".casefold().split())
        listed.append(
            {"n": notice_id, "kinds": f" {' '.join(sorted(kinds.get(notice_id, ())))} ", "haystack": words}
        )
    mine = notices.c.notice_id == sa.bindparam("n")
    _run(sa.update(notices).where(mine).values(_set("kinds", "haystack")), listed)
    digests = [{"b": one, "digest": digest_of(pairs)} for one, pairs in hashes.items()]
    _run(sa.update(batches).where(batches.c.batch_id == sa.bindparam("b")).values(_set("digest")), digests)


def _lapse(evidence: str) -> datetime | None:
    lapses = json.loads(evidence).get("expires_at")
    return datetime.fromisoformat(lapses) if lapses else None


def _set(*names: str) -> dict[str, sa.BindParameter[Any]]:
    return {name: sa.bindparam(name) for name in names}


def _run(statement: sa.Update, rows: list[dict[str, Any]]) -> None:
    for start in range(0, len(rows), SIDE):
        op.get_bind().execute(statement, rows[start : start + SIDE])


def downgrade() -> None:
    raise RuntimeError("reviewed words are not thrown away; restore the database from a copy")
