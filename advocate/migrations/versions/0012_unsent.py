"""batches say whether something of them is left to send, which needs no index on the state of notices."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The next sending looks at all of them, and marks those of which nothing is left.
    op.add_column("batches", sa.Column("unsent", sa.Boolean(), nullable=False, server_default=sa.true()))
    with op.batch_alter_table("batches") as batches:
        batches.alter_column("unsent", server_default=None)
    if op.get_bind().dialect.name == "postgresql":
        op.drop_index("ix_notices_state_batch", "notices")
        op.create_index(op.f("ix_notices_batch_id"), "notices", ["batch_id"])
        # A new version of a row that stays on its page leaves the indexes as they are (HOT): about half of
        # each page is for that, as a decision changes every row of it. Rows that are there already stay.
        op.execute("ALTER TABLE notices SET (fillfactor = 45)")


def downgrade() -> None:
    op.drop_column("batches", "unsent")
    if op.get_bind().dialect.name == "postgresql":
        op.drop_index("ix_notices_batch_id", "notices")
        op.create_index("ix_notices_state_batch", "notices", ["state", "batch_id"])
        op.execute("ALTER TABLE notices RESET (fillfactor)")
