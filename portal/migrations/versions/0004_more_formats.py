"""schedules may make JSON lines and Parquet

Revision ID: 0004
Revises: 0003
"""
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BEFORE = "('CSV', 'XLSX', 'PDF')"
AFTER = "('CSV', 'XLSX', 'PDF', 'JSON_LINES', 'PARQUET')"


def upgrade():
    allow(BEFORE, AFTER)


def downgrade():
    # what an older program cannot make becomes what it can: a table that any tool reads
    op.execute("UPDATE schedules SET format = 'CSV' WHERE format IN ('JSON_LINES', 'PARQUET')")
    allow(AFTER, BEFORE)


def allow(before, after):
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE schedules DROP CONSTRAINT ck_schedules_export_format")
        op.execute(f"ALTER TABLE schedules ADD CONSTRAINT ck_schedules_export_format CHECK (format IN {after})")
        return
    # SQLite alters no CHECK; its own way for a change that touches no row is to write the table's text anew,
    # https://www.sqlite.org/lang_altertable.html#otheralter
    connection = op.get_bind()
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    op.execute("PRAGMA writable_schema=ON")
    changed = connection.exec_driver_sql(
        "UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = 'schedules' AND instr(sql, ?)",
        (f"format IN {before}", f"format IN {after}", f"format IN {before}"),
    ).rowcount
    if changed != 1:
        raise RuntimeError("the table schedules is not as the migration before left it")
    op.execute(f"PRAGMA schema_version={version + 1}")
    op.execute("PRAGMA writable_schema=OFF")
