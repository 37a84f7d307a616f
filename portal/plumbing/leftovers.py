"""What killed processes leave on the disk: temporary folders, and files that were never finished. Ours alone."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

# as `tempfile` names what is asked for with our prefix; the embedded Redis' own folder has another form
_TEMPORARY = re.compile(r"duepost-(import-)?[a-z0-9_]{8}")
# as obstore names a file while it writes it beside its place
_HALF_WRITTEN = re.compile(r".+#\d+")


def remove_temporary(before: datetime) -> int:
    """Delete our own temporary files and folders in which nothing changed since `before`; returns how many."""
    with os.scandir(tempfile.gettempdir()) as entries:
        ours = [Path(entry.path) for entry in entries if _TEMPORARY.fullmatch(entry.name) and not entry.is_symlink()]
    return sum(_remove(path) for path in ours if _untouched_since(path, before))


def remove_half_written(folder: Path, before: datetime) -> int:
    """Delete files below `folder` whose writing began before `before` and never ended; returns how many."""
    return sum(_remove(path) for path in _half_written(folder) if _untouched_since(path, before))


def _half_written(folder: Path) -> Iterator[Path]:
    for place, _, names in os.walk(folder):
        yield from (Path(place) / name for name in names if _HALF_WRITTEN.fullmatch(name))


def _untouched_since(path: Path, before: datetime) -> bool:
    """Nobody else's, and neither it nor what lies in it was written to since."""
    try:
        found = path.lstat()
        newest = max([found.st_mtime, *(each.lstat().st_mtime for each in _inside(path))])
    except OSError:
        return False  # it is going away while we look, or is not ours to look into
    return found.st_uid == os.getuid() and newest <= before.timestamp()


def _inside(path: Path) -> Iterator[Path]:
    return path.rglob("*") if path.is_dir() and not path.is_symlink() else iter(())


def _remove(path: Path) -> bool:
    with contextlib.suppress(OSError):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
        return True
    return False
