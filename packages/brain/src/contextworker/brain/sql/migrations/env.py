"""What Alembic runs: the steps, on the connection that `migrating` locked."""

from alembic import context

from contextworker.brain.sql.migrating import VERSION_TABLE
from contextworker.brain.sql.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
)
context.run_migrations()
