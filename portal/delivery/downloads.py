"""Files handed out of the storage: whole and unchanged, or not at all, and each time written down."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import IO

from portal import audit
from portal.delivery.links import LinkedFile, LinkState, use_link
from portal.delivery.stored_file import DELETED, FileGone, StoredFile, checked_copy
from portal.models import Artifact, write_session


def open_artifact(artifact: Artifact, *, actor: audit.Actor, address: str, now: datetime) -> IO[bytes]:
    """A checked copy for a signed-in person, with the audit event `artifact.downloaded`. Raises NotServed."""
    if artifact.deleted_at is not None:
        raise FileGone(DELETED, permanent=True)
    copy = checked_copy(StoredFile.of(artifact))
    with _closed_on_error(copy), write_session() as session:
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
    file: LinkedFile, *, address: str, user_agent: str, now: datetime
) -> tuple[LinkedFile, IO[bytes] | None]:
    """The file behind a link, as it was just read, and a checked copy of it, counted as one download.

    Without a copy the link is no longer good, as its state says. A file that is not served is not counted.
    Raises NotServed.
    """
    copy = None
    if file.state is LinkState.GOOD:
        copy = checked_copy(
            StoredFile(file.artifact_id, file.organization_id, file.storage_key, file.sha256, file.bytes)
        )
    with _closed_on_error(copy):
        used = use_link(file.link_id, address=address, user_agent=user_agent, now=now)
    if copy is not None and (used is None or used.state is not LinkState.GOOD):
        copy.close()
        copy = None
    return (used or file), copy


@contextmanager
def _closed_on_error(copy: IO[bytes] | None) -> Iterator[None]:
    """What cannot be written down is not handed out."""
    try:
        yield
    except BaseException:
        if copy is not None:
            copy.close()
        raise
