"""How long files are kept: an artifact's file is deleted when its time is over, the record of it stays."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import audit
from portal.extensions import db as database
from portal.models import Artifact, write_session
from portal.plumbing import storage
from portal.plumbing.logs import log

BATCH = 500
logger = log(__name__)


def delete_expired_files(now: datetime) -> int:
    """Delete the files whose time is over and that nobody holds; returns how many."""
    deleted = 0
    while expired := _expired(now):
        deleted += sum(_delete(row.id, row.storage_key, now) for row in expired)
    return deleted


def _expired(now: datetime) -> Sequence[sa.Row[uuid.UUID, str]]:
    with Session(database.engine) as session:
        return session.execute(
            sa.select(Artifact.id, Artifact.storage_key)
            .where(Artifact.expires_at <= now, Artifact.deleted_at.is_(None), Artifact.hold.is_(False))
            .limit(BATCH)
        ).all()


def _delete(artifact_id: uuid.UUID, key: str, now: datetime) -> bool:
    """The record first: a file that is promised and gone is worse than one that lies a day too long."""
    with write_session() as db:
        row = db.execute(
            sa.update(Artifact)
            .where(Artifact.id == artifact_id, Artifact.deleted_at.is_(None), Artifact.hold.is_(False))
            .values(deleted_at=now)
            .returning(Artifact.organization_id, Artifact.file_name, Artifact.sha256)
        ).one_or_none()
        if row is None:
            return False
        audit.record(
            db,
            organization_id=row.organization_id,
            at=now,
            actor=audit.system,
            action="artifact.deleted",
            subject=("artifact", artifact_id),
            body={"file": row.file_name, "sha256": row.sha256, "reason": "its time was over"},
        )
    try:
        storage.remove(storage.artifact_store(), key)
    except storage.StorageError:
        logger.warning("an expired file could not be deleted", artifact_id=str(artifact_id), exc_info=True)
    return True
