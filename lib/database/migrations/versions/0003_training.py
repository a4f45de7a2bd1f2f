"""Training: order and device of jobs, tags and note of runs"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_RUNNING = sa.text("status = 'running' AND lane != 'light'")


def upgrade() -> None:
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("position", sa.Double(), nullable=True))
        batch_op.add_column(sa.Column("device", sa.Integer(), nullable=False, server_default="0"))
        batch_op.drop_index("one_running_job_in_a_lane")
        batch_op.create_index(
            "one_running_job_on_a_device",
            ["lane", "device"],
            unique=True,
            sqlite_where=_RUNNING,
            postgresql_where=_RUNNING,
        )
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("tags", sa.JSON(), nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("note", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.drop_column("note")
        batch_op.drop_column("tags")
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.drop_index("one_running_job_on_a_device")
        batch_op.create_index(
            "one_running_job_in_a_lane",
            ["lane"],
            unique=True,
            sqlite_where=_RUNNING,
            postgresql_where=_RUNNING,
        )
        batch_op.drop_column("device")
        batch_op.drop_column("position")
