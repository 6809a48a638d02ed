"""Runs a migration script on the connection that `txocpp.storage.central.versions` hands over."""

from alembic import context

from txocpp.storage.central.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite cannot alter most things in place; alembic then copies the table.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
