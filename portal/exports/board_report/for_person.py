"""A board report made at once for the person who asks for it, with a line in the audit log."""

from __future__ import annotations

import hashlib
import tempfile
import threading
from datetime import datetime
from pathlib import Path

from portal import audit
from portal.exports.errors import ExportError
from portal.exports.make_file import make_file
from portal.exports.request import ExportRequest
from portal.models import write_session

PATIENCE_SECONDS = 5
_one_at_a_time = threading.Lock()
"""Of one process: what draws a report takes memory, and the pages are others' too."""


def make_for_person(request: ExportRequest, *, actor: audit.Actor, address: str, now: datetime) -> bytes:
    """The file, of what `request.seen_by` may see, with the audit event `board_report.downloaded`.

    Raises ExportError.
    """
    if not _one_at_a_time.acquire(timeout=PATIENCE_SECONDS):
        raise ExportError("Other reports are being made at the moment: try again in a minute.", permanent=False)
    try:
        content = _made(request)
    finally:
        _one_at_a_time.release()
    with write_session() as session:
        audit.record(
            session,
            organization_id=request.organization_id,
            at=now,
            actor=actor,
            action="board_report.downloaded",
            subject=("organization", request.organization_id),
            body={
                "format": request.format,
                "start": request.start.isoformat() if request.start else None,
                "end": request.end.isoformat(),
                "filters": dict(request.filters),
                "sha256": hashlib.sha256(content).hexdigest(),
                "address": address[:64],
            },
        )
    return content


def _made(request: ExportRequest) -> bytes:
    with tempfile.TemporaryDirectory(prefix="duepost-") as folder:
        path = Path(folder) / "report"
        make_file(request, path)
        return path.read_bytes()
