"""How long files are kept: an artifact's file is deleted when its time is over, the record of it stays.

And what nobody's record names is cleared away: the file of a try that was lost, the folder of a worker that was killed.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import audit
from portal.extensions import db as database
from portal.models import IS_OPEN, Artifact, Run, RunState, write_session
from portal.plumbing import leftovers, storage
from portal.plumbing.logs import log
from portal.plumbing.storage import Listed
from portal.schedules.clock_watch import held_back

BATCH = 100
MOST_ORPHANS = 5_000
"""Of one pass; the rest is found by the next."""
ORPHAN_AGE = timedelta(days=1)
"""Longer than any run is made: a younger file may be one whose record is about to be written."""
_KEY = re.compile(r"(?P<organization>[0-9a-f-]{36})/(?P<run>[0-9a-f-]{36})/\d+-[\w-]+\.\w+")
logger = log(__name__)


@dataclass(frozen=True)
class Cleared:
    """What one pass did away with: files whose time was over, files without a record, and leftovers of lost work."""

    expired: int
    orphans: int
    leftovers: int


def keep_house(now: datetime) -> Cleared:
    """One pass of everything. Safe at any time, any number at once.

    Of a clock that has just leapt ahead nothing is believed: by it every file may be too old at once.
    """
    if held_back(now):
        logger.warning("nothing is cleared away: the clock has leapt ahead")
        return Cleared(0, 0, 0)
    expired, orphans = delete_expired_files(now), 0
    try:
        orphans = delete_orphans(now)
    except storage.StorageError:
        logger.warning("files without a record were not looked for", exc_info=True)
    before = now - ORPHAN_AGE
    found = leftovers.remove_temporary(before) + leftovers.remove_half_written(storage.artifact_folder(), before)
    return Cleared(expired, orphans, found)


def delete_expired_files(now: datetime) -> int:
    """Delete the files whose time is over and that nobody holds; returns how many.

    The record first: a file that is promised and gone is worse than one that lies a day too long. What the storage
    refuses to delete is tried again by each pass.
    """
    expired = 0
    while marked := _mark_expired(now):
        expired += marked
    _delete_marked_files(now)
    return expired


def _mark_expired(now: datetime) -> int:
    """Up to a batch of records, each with its event. A file that is still being handed over is needed until then."""
    handed_over = ~sa.exists().where(Run.id == Artifact.run_id, IS_OPEN)
    due = sa.and_(Artifact.expires_at <= now, Artifact.deleted_at.is_(None), Artifact.hold.is_(False), handed_over)
    with write_session() as db:
        rows = db.execute(
            sa.update(Artifact)
            .where(Artifact.id.in_(sa.select(Artifact.id).where(due).limit(BATCH)), due)
            .values(deleted_at=now)
            .returning(Artifact.id, Artifact.organization_id, Artifact.file_name, Artifact.sha256)
            .execution_options(synchronize_session=False)
        ).all()
        for row in rows:
            audit.record(
                db,
                organization_id=row.organization_id,
                at=now,
                actor=audit.system,
                action="artifact.deleted",
                subject=("artifact", row.id),
                body={"file": row.file_name, "sha256": row.sha256, "reason": "its time was over"},
            )
    return len(rows)


def _delete_marked_files(now: datetime) -> None:
    for rows in _marked():
        deleted = [row.id for row in rows if _removed(row.id, row.storage_key)]
        with write_session() as db:
            db.execute(
                sa.update(Artifact)
                .where(Artifact.id.in_(deleted), Artifact.file_deleted_at.is_(None))
                .values(file_deleted_at=now)
                .execution_options(synchronize_session=False)
            )


def _marked() -> Iterator[Sequence[sa.Row[uuid.UUID, str]]]:
    """Records whose file is to be deleted and may still be there, each once."""
    last = uuid.UUID(int=0)
    while True:
        with Session(database.engine) as session:
            rows = session.execute(
                sa.select(Artifact.id, Artifact.storage_key)
                .where(Artifact.deleted_at.is_not(None), Artifact.file_deleted_at.is_(None), Artifact.id > last)
                .order_by(Artifact.id)
                .limit(BATCH)
            ).all()
        if not rows:
            return
        yield rows
        last = rows[-1].id


def _removed(artifact_id: uuid.UUID, key: str) -> bool:
    try:
        storage.remove(storage.artifact_store(), key)
    except storage.StorageError:
        logger.warning("a file could not be deleted; it is tried again", artifact_id=str(artifact_id), exc_info=True)
        return False
    return True


def delete_orphans(now: datetime) -> int:
    """Delete stored files of runs that no artifact names and that are older than a day; returns how many.

    Such a file was kept by a try whose record was never written: the worker was lost, or the run was cancelled in
    between. Files of other kinds in the same place are not ours to judge. Raises StorageError.
    """
    store, deleted = storage.artifact_store(), 0
    for files in storage.listed(store, BATCH):
        old = [each for each in files if each.modified <= now - ORPHAN_AGE and _KEY.fullmatch(each.key)]
        for orphan, organization_id in _without_record(old):
            if deleted >= MOST_ORPHANS:
                return deleted
            storage.remove(store, orphan.key)
            _note_orphan(orphan, organization_id, now)
            deleted += 1
    return deleted


def _without_record(files: Sequence[Listed]) -> list[tuple[Listed, uuid.UUID | None]]:
    """Those that no artifact names and whose run nobody is making, each with its organization where that is known."""
    if not files:
        return []
    run_ids = {each.key: _run_of(each.key) for each in files}
    with Session(database.engine) as session:
        keys = [each.key for each in files]
        named = set(session.scalars(sa.select(Artifact.storage_key).where(Artifact.storage_key.in_(keys))))
        statement = sa.select(Run.id, Run.organization_id, Run.state).where(Run.id.in_(set(run_ids.values())))
        runs = {row.id: row for row in session.execute(statement)}
    found: list[tuple[Listed, uuid.UUID | None]] = []
    for each in files:
        run = runs.get(run_ids[each.key])
        if each.key in named or (run is not None and run.state is RunState.RUNNING):
            continue
        found.append((each, run.organization_id if run is not None else None))
    return found


def _run_of(key: str) -> uuid.UUID:
    return uuid.UUID(cast("re.Match[str]", _KEY.fullmatch(key))["run"])


def _note_orphan(orphan: Listed, organization_id: uuid.UUID | None, now: datetime) -> None:
    with write_session() as db:
        audit.record(
            db,
            organization_id=organization_id,
            at=now,
            actor=audit.system,
            action="orphan_file.deleted",
            subject=("run", _run_of(orphan.key)),
            body={
                "file": orphan.key,
                "bytes": orphan.bytes,
                "reason": "no artifact names it: the try that made it was lost",
            },
        )
