"""changes since the last delivery, masking, conflicts of interest, column sets, slides

Revision ID: 0005
Revises: 0004
"""
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
NO, EMPTY = sa.text("false"), sa.text("'{}'")
BEFORE = "('CSV', 'XLSX', 'PDF', 'JSON_LINES', 'PARQUET')"
AFTER = "('CSV', 'XLSX', 'PDF', 'JSON_LINES', 'PARQUET', 'PPTX')"
ADDED = {
    "organizations": (sa.Column("logo", sa.LargeBinary()),),
    "cases": (sa.Column("first_seen_at", MOMENT), sa.Column("changed_at", MOMENT)),
    "schedules": (
        sa.Column("only_changes", sa.Boolean(), nullable=False, server_default=NO),
        sa.Column("changes_restart_at", MOMENT),
        sa.Column("send_condition", JSON, nullable=False, server_default=EMPTY),
        sa.Column("backup_address", sa.String(254)),
    ),
    "runs": (
        sa.Column("changes_from", MOMENT),
        sa.Column("changes_settled_at", MOMENT),
        sa.Column("data_as_of", MOMENT),
        sa.Column("kept_from", JSON),
    ),
    "artifacts": (
        sa.Column("masking", sa.String(32), nullable=False, server_default="NONE"),
        sa.Column("own_filters", JSON),
        sa.Column("not_sent", sa.Text(), nullable=False, server_default=""),
        sa.Column("only_to_see", sa.Boolean(), nullable=False, server_default=NO),
    ),
    "deliveries": (
        sa.Column("notice_only", sa.Boolean(), nullable=False, server_default=NO),
        sa.Column("backup", sa.Boolean(), nullable=False, server_default=NO),
    ),
    "field_tags": (
        sa.Column("sensitivity", sa.String(32), nullable=False, server_default="FREE_TEXT"),
        sa.Column("updated_at", MOMENT),
    ),
}


def upgrade():
    for table, columns in ADDED.items():
        for column in columns:
            op.add_column(table, column)
    op.create_index("ix_cases_changed", "cases", ["organization_id", "changed_at"])
    lower_email = sa.text("lower(email)")
    op.create_index("ix_subjects_address", "subjects", ["organization_id", lower_email, "case_id"])
    op.create_index("ix_case_restrictions_address", "case_restrictions", ["organization_id", lower_email])
    op.create_index("ix_case_restrictions_user", "case_restrictions", ["organization_id", "user_id"])
    only_named = sa.text("email IS NULL AND user_id IS NULL")
    op.create_index(
        "ix_case_restrictions_only_named",
        "case_restrictions",
        ["organization_id", sa.text("lower(name)")],
        sqlite_where=only_named,
        postgresql_where=only_named,
    )
    allow(BEFORE, AFTER)
    op.create_table(
        "artifact_restrictions",
        sa.Column("artifact_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("withheld", sa.Boolean(), nullable=False),
        sa.Column("reasons", JSON, nullable=False),
        *tenant("artifact_restrictions", ("artifact_id", "artifacts"), ("case_id", "cases")),
        sa.UniqueConstraint("artifact_id", "case_id", name="uq_artifact_restrictions_artifact_id_case_id"),
    )
    op.create_index("ix_artifact_restrictions_case", "artifact_restrictions", ["organization_id", "case_id"])
    op.create_table(
        "column_sets",
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("columns", JSON, nullable=False),
        sa.Column("created_by_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        *tenant("column_sets", ("created_by_id", "users")),
        sa.UniqueConstraint("organization_id", "name", name="uq_column_sets_organization_id_name"),
    )


def downgrade():
    op.drop_table("column_sets")
    op.drop_table("artifact_restrictions")
    op.execute("UPDATE schedules SET format = 'PDF' WHERE format = 'PPTX'")
    allow(AFTER, BEFORE)
    op.drop_index("ix_case_restrictions_only_named", "case_restrictions")
    op.drop_index("ix_case_restrictions_user", "case_restrictions")
    op.drop_index("ix_case_restrictions_address", "case_restrictions")
    op.drop_index("ix_subjects_address", "subjects")
    op.drop_index("ix_cases_changed", "cases")
    for table, columns in ADDED.items():
        for column in columns:
            op.drop_column(table, column.name)


def tenant(table, *references):
    """Id, organization and references, named as the models name them."""
    return (
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=f"fk_{table}_organization_id_organizations"
        ),
        *(
            sa.ForeignKeyConstraint(
                ["organization_id", column],
                [f"{other}.organization_id", f"{other}.id"],
                name=f"fk_{table}_organization_id_{column}_{other}",
            )
            for column, other in references
        ),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("organization_id", "id", name=f"uq_{table}_organization_id_id"),
    )


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
