"""A board report made at once for the person who asks for it, with a line in the audit log."""

from __future__ import annotations

import hashlib
import tempfile
from datetime import datetime
from pathlib import Path

from portal import audit
from portal.exports.make_file import make_file
from portal.exports.request import ExportRequest
from portal.models import write_session


def make_for_person(request: ExportRequest, *, actor: audit.Actor, address: str, now: datetime) -> bytes:
    """The file, of what `request.seen_by` may see, with the audit event `board_report.downloaded`.

    Raises ExportError.
    """
    with tempfile.TemporaryDirectory(prefix="duepost-") as folder:
        path = Path(folder) / "report"
        make_file(request, path)
        content = path.read_bytes()
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
