"""Files handed out of the storage: whole and unchanged, or not at all, and each time written down."""

from __future__ import annotations

import hashlib
import tempfile
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import IO

from sqlalchemy.orm import Session

from portal import audit
from portal.delivery.links import LinkedFile, LinkState, linked_file, use_link
from portal.models import Artifact, write_session
from portal.plumbing import storage
from portal.plumbing.logs import log

logger = log(__name__)


class NotServed(Exception):  # noqa: N818  # a refusal, said to the person in one sentence
    """The file is not handed out; the text says why."""


class FileGone(NotServed):
    """It was deleted when its time was over, or it is missing."""


class FileChanged(NotServed):
    """What the storage holds is not what was made."""


class StorageAway(NotServed):
    """The storage does not answer now."""


DELETED = "The file was deleted when its time was over. What it held is still on record: rows, size and hash."
MISSING = "The file is missing from the storage. The people who run this installation have been alerted."
CHANGED = (
    "The stored file is no longer the one that was made, so it is not handed out. "
    "The people who run this installation have been alerted."
)
AWAY = "The storage does not answer at the moment. Try again in a few minutes."


@dataclass(frozen=True)
class StoredFile:
    """What is needed to fetch an artifact and to know that it is the one."""

    artifact_id: uuid.UUID
    organization_id: uuid.UUID
    storage_key: str
    sha256: str
    bytes: int


def checked_copy(file: StoredFile) -> IO[bytes]:
    """An open temporary copy whose every byte was checked against the artifact's hash; it vanishes when closed.

    A copy, since a second look at the storage could find something else than the first. Raises NotServed; a missing or
    changed file is an error in the log.
    """
    copy = tempfile.TemporaryFile(prefix="duepost-")  # noqa: SIM115  # the answer closes it
    try:
        digest, size = hashlib.sha256(), 0
        for part in storage.chunks(storage.artifact_store(), file.storage_key):
            digest.update(part)
            size += len(part)
            copy.write(part)
        if (size, digest.hexdigest()) != (file.bytes, file.sha256):
            _alarm(
                "the stored file is not the one that was made", file, found_sha256=digest.hexdigest(), found_bytes=size
            )
            raise FileChanged(CHANGED)
        copy.seek(0)
    except storage.StorageError as error:
        copy.close()
        if error.permanent:
            _alarm("a stored file is missing", file)
            raise FileGone(MISSING) from error
        logger.error("a stored file could not be read", artifact_id=str(file.artifact_id), error=str(error))
        raise StorageAway(AWAY) from error
    except OSError as error:
        copy.close()
        logger.error("no room for a copy of a stored file", artifact_id=str(file.artifact_id), error=str(error))
        raise StorageAway(AWAY) from error
    except NotServed:
        copy.close()
        raise
    return copy


def open_artifact(artifact: Artifact, *, actor: audit.Actor, address: str, now: datetime) -> IO[bytes]:
    """A checked copy for a signed-in person, with the audit event `artifact.downloaded`. Raises NotServed."""
    if artifact.deleted_at is not None:
        raise FileGone(DELETED)
    copy = checked_copy(
        StoredFile(artifact.id, artifact.organization_id, artifact.storage_key, artifact.sha256, artifact.bytes)
    )
    with write_session() as session:
        audit.record(
            session,
            organization_id=artifact.organization_id,
            at=now,
            actor=actor,
            action="artifact.downloaded",
            subject=("artifact", artifact.id),
            body={
                "file": artifact.file_name,
                "sha256": artifact.sha256,
                "run": str(artifact.run_id),
                "address": address[:64],
            },
        )
    return copy


def open_linked(
    db: Session, link_id: uuid.UUID, *, address: str, user_agent: str, now: datetime
) -> tuple[LinkedFile, IO[bytes] | None] | None:
    """The file behind a link and a checked copy of it, counted as one download; None for a link that is not there.

    Without a copy the link is no longer good, as its state says. A file that is not served is not counted.
    Raises NotServed.
    """
    file = linked_file(db, link_id, now)
    if file is None:
        return None
    copy = None
    if file.state is LinkState.GOOD:
        copy = checked_copy(
            StoredFile(file.artifact_id, file.organization_id, file.storage_key, file.sha256, file.bytes)
        )
    used = use_link(link_id, address=address, user_agent=user_agent, now=now)
    if copy is not None and (used is None or used.state is not LinkState.GOOD):
        copy.close()
        copy = None
    return (used or file), copy


def _alarm(event: str, file: StoredFile, **more: object) -> None:
    logger.error(
        event,
        artifact_id=str(file.artifact_id),
        organization_id=str(file.organization_id),
        storage_key=file.storage_key,
        sha256=file.sha256,
        bytes=file.bytes,
        **more,
    )
