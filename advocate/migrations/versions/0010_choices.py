"""what customers chose at their own links."""

import sqlalchemy as sa
from alembic import op

from outreach.append_only import erasure_statements, statements

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "choices",
        sa.Column(
            "choice_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("what", sa.String(length=64), nullable=False),
        sa.Column("value", sa.String(length=16), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("link_id", sa.String(length=36), nullable=True),
        sa.Column("audit", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("choice_id", name=op.f("pk_choices")),
    )
    op.create_index(op.f("ix_choices_customer_id"), "choices", ["customer_id"])
    op.create_index(op.f("ix_choices_audit"), "choices", ["audit"])
    dialect = op.get_bind().dialect.name
    for statement in (
        *statements(dialect, {"choices": "choice_id"}),
        *erasure_statements(dialect, ["choices"]),
    ):
        op.execute(statement)


def downgrade() -> None:
    raise RuntimeError("what customers chose is not thrown away; restore the database from a copy")
