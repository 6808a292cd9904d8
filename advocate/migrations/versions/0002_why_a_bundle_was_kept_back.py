"""why a bundle was kept back."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("bundles", sa.Column("gate", sa.JSON(), nullable=False, server_default="{}"))
