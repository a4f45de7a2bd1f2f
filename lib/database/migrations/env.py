"""Alembic's entry: it runs on the connection that `lib.database.session` hands over."""

from alembic import context

from lib.database.models import Base

context.configure(
    connection=context.config.attributes["connection"], target_metadata=Base.metadata, render_as_batch=True
)
with context.begin_transaction():
    context.run_migrations()
