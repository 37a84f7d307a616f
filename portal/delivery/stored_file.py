"""A stored file as it was made: fetched whole and unchanged, or not at all. No other way leads out of the storage."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from portal.models import Artifact
from portal.plumbing import storage
from portal.plumbing.logs import log

logger = log(__name__)


class NotServed(storage.StorageError):
    """The file is not handed out; the text says why in one sentence."""


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
NO_ROOM = "There is no room on the disk to check the file, so it is not handed out. Try again in a few minutes."


@dataclass(frozen=True)
class StoredFile:
    """What is needed to fetch an artifact and to know that it is the one."""

    artifact_id: uuid.UUID
    organization_id: uuid.UUID
    storage_key: str
    sha256: str
    bytes: int

    @classmethod
    def of(cls, artifact: Artifact) -> StoredFile:
        return cls(artifact.id, artifact.organization_id, artifact.storage_key, artifact.sha256, artifact.bytes)


def checked_copy(file: StoredFile) -> IO[bytes]:
    """An open temporary copy whose every byte was checked against the artifact's hash; it vanishes when closed.

    A copy, since a second look at the storage could find something else than the first. Raises NotServed; a missing or
    changed file is an error in the log.
    """
    try:
        copy = tempfile.NamedTemporaryFile(prefix="duepost-")  # noqa: SIM115  # the caller closes it
    except OSError as error:
        _alarm("no room for a copy of a stored file", file, error=str(error))
        raise StorageAway(NO_ROOM) from error
    try:
        size, sha256 = _fetch(file, copy)
        if (size, sha256) != (file.bytes, file.sha256):
            _alarm("the stored file is not the one that was made", file, found_sha256=sha256, found_bytes=size)
            raise FileChanged(CHANGED, permanent=True)
        copy.seek(0)
    except BaseException:
        with contextlib.suppress(OSError):  # on a full disk closing fails too, and would hide why
            copy.close()
        raise
    return copy


def _fetch(file: StoredFile, copy: IO[bytes]) -> tuple[int, str]:
    """Size and SHA-256 of what was read from the storage and written to `copy`."""
    digest, size = hashlib.sha256(), 0
    try:
        for part in storage.chunks(storage.artifact_store(), file.storage_key):
            digest.update(part)
            size += len(part)
            copy.write(part)
        copy.flush()
    except storage.StorageError as error:
        if error.permanent:
            _alarm("a stored file is missing", file)
            raise FileGone(MISSING, permanent=True) from error
        _alarm("a stored file could not be read", file, error=str(error))
        raise StorageAway(AWAY) from error
    except OSError as error:
        _alarm("no room for a copy of a stored file", file, error=str(error))
        raise StorageAway(NO_ROOM) from error
    return size, digest.hexdigest()


def parts_of(copy: IO[bytes]) -> Iterator[bytes]:
    """A megabyte at a time."""
    return iter(lambda: copy.read(storage.CHUNK), b"")


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
