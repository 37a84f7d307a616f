"""From a request to a file: rows streamed from one snapshot into the format's writer, counted and hashed on the way."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from portal.config import settings
from portal.exports.board_report import make as board_report
from portal.exports.case_filters import FilterError
from portal.exports.catalogue import CatalogueError, offer
from portal.exports.columns import Column
from portal.exports.cover import Cover
from portal.exports.errors import ExportError
from portal.exports.file_names import file_name
from portal.exports.file_types import FILE_TYPES
from portal.exports.owner import owner_of
from portal.exports.request import ExportRequest
from portal.exports.rows import RowStream, open_rows
from portal.exports.snapshot import snapshot
from portal.exports.writers import ByteSink, ExportLimit, HashingFile, WriteOptions, writer_for
from portal.exports.writers.zip_stream import ZipStream
from portal.extensions import db
from portal.models import ExportType
from portal.zones import ZoneError, zone

_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
_ZIP_TOO_LARGE = "The file passes 4 GB, which a zip file cannot hold: leave out the zip, or choose a shorter period."
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True)
class MadeFile:
    """What came of it; `bytes` and `sha256` are of exactly what was written."""

    rows: int
    bytes: int
    sha256: str
    cells_changed: int
    columns: tuple[Column, ...]
    notes: tuple[str, ...]
    """One sentence for each thing that a reader of the file must know."""
    register_as_of: datetime | None


def make_file(
    request: ExportRequest,
    path: Path,
    *,
    on_rows: Callable[[int, int], None] = lambda _written, _expected: None,
    run_reference: str = "",
) -> MadeFile:
    """Writes the export to `path`, which only its owner may read.

    `on_rows` is called after each page with the rows written and expected; what it raises ends the work and passes
    through, but for errors of the database and the disk, which count as ours. `run_reference` is the run's id, for the
    cover. Raises ExportError; then there is no file.
    """
    with in_words():
        request.check()
        try:
            with os.fdopen(os.open(path, _NEW, 0o600), "wb") as file:
                if request.export_type == ExportType.BOARD_REPORT:
                    return _write_report(request, HashingFile(file), run_reference)
                with open_rows(request) as stream:
                    return _write(request, stream, HashingFile(file), on_rows, run_reference)
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def _write(
    request: ExportRequest,
    stream: RowStream,
    out: HashingFile,
    on_rows: Callable[[int, int], None],
    run_reference: str,
) -> MadeFile:
    owner = owner_of(request.organization_id)
    cover = Cover(request, stream, run_reference)
    options = WriteOptions(
        zone=zone(request.zone),
        title=request.title,
        stamped_at=request.planned_for,
        page_words=cover.page_words(owner.name),
        sheet_name=f"{offer(request.export_type).rows_are.value.capitalize()}s",
        locale=owner.locale,
        expected=stream.expected,
        cover=cover,
        guarded=settings().csv_guard,
        **request.writer_options,
    )
    with _maybe_zipped(request, out) as sink:
        written = writer_for(request.format).write(
            stream.columns, stream.pages, sink, options, lambda rows: on_rows(rows, stream.expected)
        )
    return MadeFile(
        rows=written.rows,
        bytes=out.size,
        sha256=out.sha256,
        cells_changed=written.cells_changed,
        columns=tuple(stream.columns),
        notes=(*written.notes, *stream.notes()),
        register_as_of=stream.register_as_of,
    )


def _write_report(request: ExportRequest, out: HashingFile, run_reference: str) -> MadeFile:
    with snapshot() as connection, _maybe_zipped(request, out) as sink:
        made = board_report.make(request, connection, sink, run_reference=run_reference)
    return MadeFile(
        rows=made.rows,
        bytes=out.size,
        sha256=out.sha256,
        cells_changed=0,
        columns=(),
        notes=made.notes,
        register_as_of=made.register_as_of,
    )


@contextmanager
def _maybe_zipped(request: ExportRequest, out: HashingFile) -> Iterator[ByteSink]:
    """Where the format's bytes go: the file itself, or the one entry of the archive that it is to be."""
    if not request.zipped:
        yield out
        return
    # the place's own wall time, as archives are read
    local = request.planned_for.astimezone(zone(request.zone))
    archive = ZipStream(out, local, _ZIP_TOO_LARGE)
    entry = archive.open(file_name(request.title, local.date(), FILE_TYPES[request.format].extension))
    yield entry
    entry.close()
    archive.close()


def _driver_error() -> type[Exception]:
    """What the database's driver raises where its own cursors are used."""
    raised: type[Exception] = db.engine.dialect.loaded_dbapi.Error
    return raised


@contextmanager
def in_words() -> Iterator[None]:
    """Turns what may go wrong into ExportError, which says whether trying again helps."""
    try:
        yield
    except (CatalogueError, FilterError, ZoneError, ExportLimit) as problem:
        raise ExportError(str(problem), permanent=True) from problem
    except (SQLAlchemyError, _driver_error()) as problem:
        raise ExportError("The register could not be read from the database.", permanent=False) from problem
    except OSError as problem:
        if problem.errno in _NO_ROOM:
            raise ExportError("There is no room left on the disk for the file.", permanent=False) from problem
        reason = problem.strerror or type(problem).__name__
        raise ExportError(f"The file could not be written to disk: {reason}.", permanent=False) from problem
