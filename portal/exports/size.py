"""About how large a file will be, by what its first rows take in its format."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from io import BytesIO

from portal.exports.columns import Column
from portal.exports.request import ExportRequest
from portal.exports.writers import Row, WriteOptions, writer_for
from portal.zones import zone


def about_bytes(request: ExportRequest, columns: Sequence[Column], first_rows: Sequence[Row], count: int) -> int:
    """Bytes of a file of `count` rows, without its cover; exact where there are no more than the first ones."""
    some = _size(request, columns, first_rows)
    if len(first_rows) >= count:
        return some
    none = _size(request, columns, ())
    return none + (some - none) * count // len(first_rows)


def _size(request: ExportRequest, columns: Sequence[Column], rows: Sequence[Row]) -> int:
    out = BytesIO()
    options = WriteOptions(
        zone=zone(request.zone), stamped_at=request.planned_for, title=request.title, **request.writer_options
    )
    writer_for(request.format).write(columns, [list(rows)] if rows else [], out, options, lambda _: None)
    return len(zlib.compress(out.getvalue(), 1)) if request.zipped else len(out.getvalue())
