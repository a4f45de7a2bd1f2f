"""Curation: drafts, row edits, journal"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "drafts",
        sa.Column("dataset", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("overlay", sa.String(length=64), nullable=True),
        sa.Column("saved_as", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("dataset", "version"),
    )
    op.create_table(
        "journal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dataset", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("who", sa.String(length=128), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("row_id", sa.BigInteger(), nullable=True),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("after", sa.JSON(), nullable=True),
        sa.Column("predicate", sa.JSON(), nullable=True),
        sa.Column("file", sa.String(length=64), nullable=True),
        sa.Column("kept", sa.JSON(), nullable=True),
        sa.Column("reverts", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("dataset", "version", "seq", name="one_entry_a_number"),
    )
    with op.batch_alter_table("journal", schema=None) as batch_op:
        batch_op.create_index("journal_of_a_row", ["dataset", "row_id"], unique=False)

    op.create_table(
        "row_edits",
        sa.Column("dataset", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("row_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("state", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("dataset", "version", "row_id"),
    )


def downgrade() -> None:
    op.drop_table("row_edits")
    with op.batch_alter_table("journal", schema=None) as batch_op:
        batch_op.drop_index("journal_of_a_row")

    op.drop_table("journal")
    op.drop_table("drafts")
