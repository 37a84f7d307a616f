"""Files behind one interface (obstore): the artifacts, and the folder that schedules deliver into."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, PermissionDeniedError
from obstore.store import LocalStore, ObjectStore

from portal.config import settings

CHUNK = 1 << 20


class StorageError(Exception):
    """A file could not be kept or fetched; `permanent` says that trying again does not help."""

    def __init__(self, sentence: str, *, permanent: bool = False) -> None:
        super().__init__(sentence)
        self.permanent = permanent


@dataclass(frozen=True)
class Stored:
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Listed:
    """A file as the storage tells of it; `modified` by the storage's own clock."""

    key: str
    modified: datetime
    bytes: int


def artifact_folder() -> Path:
    """The folder of the artifacts (STORAGE_URL)."""
    return Path(unquote(urlsplit(settings().effective_storage_url).path))


def artifact_store() -> ObjectStore:
    """Where artifacts live (STORAGE_URL)."""
    return _local_store(artifact_folder())


def folder_store() -> ObjectStore:
    """The root of the folders that schedules deliver into (DUEPOST_EXPORT_FOLDER)."""
    return _local_store(settings().effective_export_folder)


def keep_to_folder(key: str) -> None:
    """Raises StorageError where a symbolic link below the export folder would lead the file somewhere else."""
    place = settings().effective_export_folder.resolve() / key
    if place.resolve() != place:
        raise StorageError("The folder leads out of its place by a link, so nothing was stored.", permanent=True)


def put_new(store: ObjectStore, key: str, path: Path) -> None:
    """Keep the file at `path` under `key`, which must be free. Raises StorageError; FileExistsError if it is taken."""
    try:
        obstore.put(store, key, path, mode="create")
    except AlreadyExistsError as error:
        raise FileExistsError(key) from error
    except PermissionDeniedError as error:
        raise StorageError("The storage refused to write: no permission.", permanent=True) from error
    except (OSError, obstore.exceptions.BaseError) as error:
        raise StorageError(f"The storage could not keep the file: {_brief(error)}") from error


def chunks(store: ObjectStore, key: str) -> Iterator[bytes]:
    """The file's bytes, a megabyte at a time. Raises StorageError where it is not there or cannot be read."""
    try:
        for part in obstore.get(store, key).stream(min_chunk_size=CHUNK):
            yield bytes(part)
    except FileNotFoundError as error:
        raise StorageError("The file is no longer in the storage.", permanent=True) from error
    except (OSError, obstore.exceptions.BaseError) as error:
        raise StorageError(f"The storage could not give the file: {_brief(error)}") from error


def measure(store: ObjectStore, key: str) -> Stored:
    """Size and SHA-256 of what the storage really holds, read back from it."""
    size, digest = 0, hashlib.sha256()
    for part in chunks(store, key):
        size += len(part)
        digest.update(part)
    return Stored(size, digest.hexdigest())


def size_of(store: ObjectStore, key: str) -> int:
    """Its bytes as the storage counts them, without reading it. Raises StorageError where it is not there."""
    try:
        return int(obstore.head(store, key)["size"])
    except FileNotFoundError as error:
        raise StorageError("The file is no longer in the storage.", permanent=True) from error
    except (OSError, obstore.exceptions.BaseError) as error:
        raise StorageError(f"The storage could not give the file: {_brief(error)}") from error


def listed(store: ObjectStore, many: int) -> Iterator[list[Listed]]:
    """Every file, `many` at a time, read as they are asked for. Raises StorageError."""
    try:
        for chunk in obstore.list(store, chunk_size=many):
            yield [Listed(each["path"], each["last_modified"], each["size"]) for each in chunk]
    except (OSError, obstore.exceptions.BaseError) as error:
        raise StorageError(f"The storage could not say what it holds: {_brief(error)}") from error


def remove(store: ObjectStore, key: str) -> None:
    """Delete the file; that it is gone already is no error."""
    try:
        obstore.delete(store, key)
    except FileNotFoundError:
        return
    except (OSError, obstore.exceptions.BaseError) as error:
        raise StorageError(f"The storage could not delete the file: {_brief(error)}") from error


def _local_store(root: Path) -> ObjectStore:
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"The storage's folder cannot be used: {error.strerror}.") from error
    return LocalStore(prefix=root)


def _brief(error: BaseException) -> str:
    return str(error).splitlines()[0][:300] if str(error) else type(error).__name__
