"""erased: tombstones of customers, and the one change of books that an erasure may make."""

import sqlalchemy as sa
from alembic import op

from outreach.append_only import erasure_statements

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

BOOKS = ("promises", "promise_events", "postings", "notice_events")


def upgrade() -> None:
    op.create_table(
        "erased",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("audit", sa.Integer(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_erased")),
    )
    op.create_table(
        "erased_keys",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_erased_keys")),
    )
    for statement in erasure_statements(op.get_bind().dialect.name, BOOKS):
        op.execute(statement)


def downgrade() -> None:
    raise RuntimeError("without its tombstones the next import would bring erased customers back")
