"""blackout days, notices, and what a run's whole life needs

Revision ID: 0003
Revises: 0002
"""
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
ADDED = {
    "schedules": (
        sa.Column("on_blackout_since", MOMENT),
        sa.Column("ready_by", sa.String(5)),
        sa.Column("failure_told_at", MOMENT),
        sa.Column("parked_told_at", MOMENT),
    ),
    "runs": (
        sa.Column("taken_at", MOMENT),
        sa.Column("cancel_requested_at", MOMENT),
        sa.Column("cancel_requested_by", sa.String(254)),
        sa.Column("ready_after", MOMENT),
        sa.Column("told_at", MOMENT),
    ),
    "artifacts": (sa.Column("file_deleted_at", MOMENT),),
    "deliveries": (sa.Column("settled_at", MOMENT), sa.Column("settled_by", sa.String(254))),
    "heartbeats": (sa.Column("detail", sa.JSON().with_variant(postgresql.JSONB(), "postgresql")),),
}
PARTIAL_INDEXES = {
    "ix_schedules_failing": ("schedules", ["failure_streak"], "failure_streak > 0"),
    "ix_runs_ended": ("runs", ["finished_at", "state"], "finished_at IS NOT NULL"),
    "ix_runs_awaiting_data": ("runs", ["organization_id"], "ready_after IS NOT NULL"),
    "ix_runs_missed_untold": ("runs", ["organization_id"], "state = 'MISSED' AND told_at IS NULL"),
    "ix_artifacts_to_delete": (
        "artifacts",
        ["deleted_at"],
        "deleted_at IS NOT NULL AND file_deleted_at IS NULL",
    ),
}


def upgrade():
    for table, columns in ADDED.items():
        for column in columns:
            op.add_column(table, column)
    # a CHECK goes with the column here, since SQLite adds none to a table that stands
    op.execute(
        "ALTER TABLE schedules ADD COLUMN on_blackout VARCHAR(32) DEFAULT 'RUN' NOT NULL "
        "CONSTRAINT ck_schedules_on_blackout CHECK (on_blackout IN ('RUN', 'SKIP', 'MOVE'))"
    )
    # what was written before there were such mails needs none
    op.execute("UPDATE runs SET told_at = finished_at WHERE state = 'MISSED'")
    op.execute("UPDATE schedules SET failure_told_at = last_run_at WHERE failure_streak > 0")
    op.execute("UPDATE artifacts SET file_deleted_at = deleted_at")
    for name, (table, columns, condition) in PARTIAL_INDEXES.items():
        op.create_index(
            name, table, columns, sqlite_where=sa.text(condition), postgresql_where=sa.text(condition)
        )
    op.create_table(
        "blackout_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("source", sa.String(120), nullable=False),
        sa.Column("added_at", MOMENT, nullable=False),
        sa.Column("removed_at", MOMENT, nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_blackout_days_organization_id_organizations"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_blackout_days"),
        sa.UniqueConstraint("organization_id", "id", name="uq_blackout_days_organization_id_id"),
    )
    standing = sa.text("removed_at IS NULL")
    op.create_index(
        "uq_blackout_days_one",
        "blackout_days",
        ["organization_id", "day"],
        unique=True,
        sqlite_where=standing,
        postgresql_where=standing,
    )
    op.create_table(
        "notices",
        sa.Column("key", sa.String(300), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("address", sa.String(254), nullable=False),
        sa.Column("subject", sa.String(300), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", MOMENT, nullable=True),
        sa.Column("give_up_at", MOMENT, nullable=False),
        sa.Column("message_id", sa.String(200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("sent_at", MOMENT, nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("state IN ('PENDING', 'SENDING', 'SENT', 'GIVEN_UP')", name="ck_notices_notice_state"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_notices_organization_id_organizations"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "user_id"],
            ["users.organization_id", "users.id"],
            name="fk_notices_organization_id_user_id_users",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_notices"),
        sa.UniqueConstraint("organization_id", "id", name="uq_notices_organization_id_id"),
        sa.UniqueConstraint("key", name="uq_notices_key"),
    )
    op.create_index("ix_notices_told", "notices", ["organization_id", "created_at"])
    due = "state IN ('PENDING', 'SENDING')"
    op.create_index(
        "ix_notices_due", "notices", ["next_attempt_at"], sqlite_where=sa.text(due), postgresql_where=sa.text(due)
    )


def downgrade():
    op.drop_table("notices")
    op.drop_table("blackout_days")
    for name, (table, _, _) in PARTIAL_INDEXES.items():
        op.drop_index(name, table_name=table)
    op.drop_column("schedules", "on_blackout")
    for table, columns in ADDED.items():
        for column in columns:
            op.drop_column(table, column.name)
