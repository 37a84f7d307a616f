"""Delivery into a folder: put under a name that must be free, then read back and compared."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from obstore.store import ObjectStore

from portal import failpoints
from portal.delivery.ledger import Result
from portal.delivery.stored_file import StoredFile, checked_copy
from portal.models import DeliveryState
from portal.plumbing import storage


@dataclass(frozen=True)
class FileToStore:
    """The artifact and the key (folder and file name) it is to get below the export folder."""

    artifact: StoredFile
    key: str


def store_file(file: FileToStore) -> Result:
    """ACCEPTED only when what was read back has the artifact's size and hash."""
    target = storage.folder_store()
    try:
        storage.keep_to_folder(file.key)
        taken = _copy(file, target)
        failpoints.reach("folder-after-put")
        stored = storage.measure(target, file.key)
    except storage.StorageError as error:
        state = DeliveryState.REJECTED if error.permanent else DeliveryState.PENDING
        return Result(state, str(error))
    if (stored.bytes, stored.sha256) == (file.artifact.bytes, file.artifact.sha256):
        return Result(DeliveryState.ACCEPTED, f"Stored as {file.key} and read back whole.")
    if taken:
        return Result(DeliveryState.REJECTED, f"{file.key} is there already with other contents; nothing was replaced.")
    storage.remove(target, file.key)
    return Result(DeliveryState.PENDING, f"{file.key} came back damaged and was taken away again.")


def _copy(file: FileToStore, target: ObjectStore) -> bool:
    """True where the name was taken: by an earlier attempt of ours, or by somebody else's file."""
    with checked_copy(file.artifact) as copy:
        try:
            storage.put_new(target, file.key, Path(copy.name))
        except FileExistsError:
            return True
    return False


def folder_for(pattern: str, *, schedule: str, planned: date) -> str:
    """The pattern filled in; `schedule` is the file-name form of the schedule's name."""
    return (
        pattern.replace("{year}", f"{planned:%Y}")
        .replace("{month}", f"{planned:%m}")
        .replace("{day}", f"{planned:%d}")
        .replace("{schedule}", schedule)
    )
