"""What every format's writer takes and gives back."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol
from zoneinfo import ZoneInfo

from portal.exports.columns import Column

Value = str | int | float | Decimal | bool | date | datetime | None
"""One value of a row.

A DATETIME is an aware datetime, or UTC as databases keep it: text that begins `2026-11-02 13:00:00`. A DATE is a date
or its text `2026-11-02`; a BOOLEAN may be 0 or 1. A value that does not fit its column's type is written as text.
"""

Row = Sequence[Value]
Page = Sequence[Row]
"""Some rows (about 2,000), each as long as the columns: pages let a writer convert a column at a time."""

CoverValue = str | int | float | Decimal | bool | date | datetime | None


class ExportLimit(ValueError):  # noqa: N818 - named for what was met
    """The rows or columns do not fit the format. The text is one sentence for people; trying again does not help."""


@dataclass(frozen=True, slots=True)
class Written:
    """What came of writing one file."""

    rows: int
    cells_changed: int = 0
    """Cells, headers too, whose text was guarded or had characters replaced."""
    cells_cut: int = 0
    """Cells too long for the format, cut with a marker in the cell."""
    notes: tuple[str, ...] = ()
    """One sentence for each thing a reader of the file must know."""


def _no_cover(_: Written) -> Sequence[tuple[str, CoverValue]]:
    return ()


@dataclass(frozen=True, slots=True)
class PageWords:
    """What the pages of a document say of it, beside its title."""

    organization: str = ""
    period: str = ""
    zone: str = ""
    run: str = ""
    lead: tuple[str, ...] = ()
    """Sentences that stand under the title on the first page."""


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How a file is to be written; each format reads what concerns it."""

    zone: ZoneInfo
    """All dates and times in the file are in this zone."""
    stamped_at: datetime
    """Aware. XLSX: the file's own times, given so that the same rows make the same bytes."""
    delimiter: str = ","
    """CSV: `,` or `;`."""
    bom: bool = False
    """CSV: begin with the byte order mark that Excel wants for UTF-8."""
    header_labels: bool = False
    """CSV: labels in the first line, not keys."""
    guarded: bool = True
    """CSV: text that a spreadsheet would run as a formula gets a `'` before it."""
    title: str = "Export"
    """XLSX, PDF: the document's title."""
    page_words: PageWords = PageWords()
    """PDF."""
    locale: str = ""
    """XLSX: how numbers and dates look; PDF: which paper. A name that Babel knows; empty: as all of the world reads."""
    expected: int | None = None
    """How many rows are to come, where that is known: a format that cannot hold them says so before it begins."""
    sheet_name: str = "Cases"
    """XLSX: the data sheet."""
    cover: Callable[[Written], Sequence[tuple[str, CoverValue]]] = field(default=_no_cover)
    """XLSX, PDF: labels and values of the cover, asked for once all rows are written."""


class ByteSink(Protocol):
    """Where a writer's bytes go: an open binary file, or a `HashingFile` around one."""

    def write(self, data: bytes, /) -> int: ...


class Writer(Protocol):
    """One file format."""

    def write(
        self,
        columns: Sequence[Column],
        pages: Iterable[Page],
        out: ByteSink,
        options: WriteOptions,
        on_rows: Callable[[int], None],
    ) -> Written:
        """Write all pages to `out`, holding one page at a time.

        `on_rows` is called after each page with the rows so far; what it raises ends the writing and passes through.
        Raises ExportLimit when the format cannot hold what is asked for.
        """
        ...


class HashingFile:
    """Passes bytes on, counting and hashing them on the way: size and SHA-256 are of exactly what was written.

    Offers no seek: a writer that went back would make the hash a lie.
    """

    def __init__(self, out: ByteSink) -> None:
        self._out = out
        self._hash = hashlib.sha256()
        self.size = 0
        """Bytes so far."""

    def write(self, data: bytes, /) -> int:
        self._out.write(data)
        self._hash.update(data)
        self.size += len(data)
        return len(data)

    @property
    def sha256(self) -> str:
        """SHA-256 of the bytes so far, in hexadecimal."""
        return self._hash.hexdigest()


def check_columns(columns: Sequence[Column], most: int | None = None) -> None:
    """Raises ExportLimit when there is no column, or more than `most`."""
    if not columns:
        raise ExportLimit("There is no column to write: choose at least one.")
    if most is not None and len(columns) > most:
        raise ExportLimit(
            f"{len(columns):,} columns do not fit this format, which holds {most:,}: choose fewer columns, or CSV."
        )
