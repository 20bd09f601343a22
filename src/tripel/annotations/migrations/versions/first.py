"""The first tables."""

from alembic import op

from tripel.annotations.schema import ONLY_ADDED, metadata

revision = "first"
down_revision = None


def upgrade() -> None:
    """Make them."""
    connection = op.get_bind()
    metadata.create_all(connection)
    for statement in ONLY_ADDED[connection.dialect.name]:
        connection.exec_driver_sql(statement)
