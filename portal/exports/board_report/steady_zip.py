"""Office files whose bytes say nothing of when they were zipped: the same contents, the same file."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import datetime

_STAMP = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_OLDEST = (1980, 1, 1, 0, 0, 0)


def steady(data: bytes, moment: datetime) -> bytes:
    """The archive packed anew with one date for all its entries, and for the workbooks within."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as given, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name in given.namelist():
            content = given.read(name)
            if name.endswith(".xlsx"):
                content = steady(content, moment)
            elif name == "docProps/core.xml":
                content = _STAMP.sub(moment.strftime("%Y-%m-%dT%H:%M:%SZ").encode(), content)
            entry = zipfile.ZipInfo(name, _OLDEST)
            entry.compress_type = zipfile.ZIP_DEFLATED
            made.writestr(entry, content)
    return out.getvalue()
