"""Evidence: prompt sets, blind votes, notes of comparisons"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("comparisons", schema=None) as batch_op:
        batch_op.add_column(sa.Column("prompt_set", sa.String(64), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("note", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "prompts",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("prompt_set", sa.String(64), nullable=False, index=True),
        sa.Column("messages", sa.JSON(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("origin", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("created_by", sa.String(128), nullable=False),
    )
    op.create_table(
        "ballots",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("comparison_id", sa.Integer(), sa.ForeignKey("comparisons.id"), nullable=False),
        sa.Column("base", sa.String(512), nullable=False),
        sa.Column("tuned", sa.String(512), nullable=False),
        sa.Column("rows", sa.JSON(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("created_by", sa.String(128), nullable=False),
        sa.Column("closed_at", sa.Double(), nullable=True),
    )
    op.create_table(
        "votes",
        sa.Column("ballot_id", sa.String(32), sa.ForeignKey("ballots.id"), primary_key=True),
        sa.Column("rater", sa.String(128), primary_key=True),
        sa.Column("row_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("choice", sa.String(16), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
    )
    op.create_table(
        "vote_changes",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("ballot_id", sa.String(32), sa.ForeignKey("ballots.id"), nullable=False, index=True),
        sa.Column("rater", sa.String(128), nullable=False),
        sa.Column("row_id", sa.BigInteger(), nullable=False),
        sa.Column("choice", sa.String(16), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("left", sa.String(16), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
    )


def downgrade() -> None:
    for table in ("vote_changes", "votes", "ballots", "prompts"):
        op.drop_table(table)
    with op.batch_alter_table("comparisons", schema=None) as batch_op:
        batch_op.drop_column("note")
        batch_op.drop_column("prompt_set")
