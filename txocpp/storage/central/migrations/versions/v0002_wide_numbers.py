"""Whole numbers of stations fit on PostgreSQL too; logs are indexed as they are asked for.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_message_log_at", table_name="message_log")
    op.drop_index("ix_status_change_received_at", table_name="status_change")
    op.drop_index("ix_status_change_station_id_received_at", table_name="status_change")
    op.create_index("ix_status_change_station_id_id", "status_change", ["station_id", "id"])
    if op.get_bind().dialect.name == "postgresql":
        _widen()


def _widen() -> None:
    """OCPP does not limit integers, and a station's number must not be what cannot be stored."""
    found = op.get_bind().execute(
        sa.text(
            "SELECT c.table_name, c.column_name FROM information_schema.columns AS c "
            "JOIN information_schema.tables AS t USING (table_schema, table_name) "
            "WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE' "
            "AND c.data_type = 'integer' ORDER BY c.table_name, c.ordinal_position"
        )
    )
    for table, column in found.all():
        op.alter_column(table, column, type_=sa.BigInteger(), existing_type=sa.Integer())
        if column == "version":
            op.alter_column(table, column, server_default="1")
    sequences = op.get_bind().execute(
        sa.text(
            "SELECT sequence_name FROM information_schema.sequences "
            "WHERE sequence_schema = current_schema() AND data_type = 'integer'"
        )
    )
    for (sequence,) in sequences.all():
        op.execute(sa.text(f'ALTER SEQUENCE "{sequence}" AS bigint'))
