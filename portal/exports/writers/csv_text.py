"""CSV by RFC 4180: CRLF, UTF-8, cells quoted where they must be, text guarded against spreadsheets.

One function per column, made once per file, turns a page's values into finished cells; rows are then two joins.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import ClassVar, cast
from zoneinfo import ZoneInfo

from portal.exports.columns import Column, ColumnType
from portal.exports.text_guard import clean, guard, joined, may_need_clean, may_need_guard
from portal.exports.writers.base import ByteSink, Page, Value, WriteOptions, Written, check_columns
from portal.exports.writers.cells import CellsOf, Remembered, Tally, TextCells, exact_integer
from portal.exports.writers.local_hours import LocalTimes, at_wall, utc_text

# Both delimiters and TAB whatever the file's own is: spreadsheets are often set to split at all three, and only
# quoting keeps `a;=1` one cell there.
_QUOTED = '",;\t\r\n'


class CsvWriter:
    """Writes `WriteOptions` of CSV: delimiter, bom, header_labels, guarded, zone."""

    extension: ClassVar[str] = "csv"
    media_type: ClassVar[str] = "text/csv; charset=utf-8"

    def write(
        self,
        columns: Sequence[Column],
        pages: Iterable[Page],
        out: ByteSink,
        options: WriteOptions,
        on_rows: Callable[[int], None],
    ) -> Written:
        """See `Writer.write`. The same rows and options make the same bytes, however they are paged."""
        check_columns(columns)
        cells = _CsvCells(options.zone, lone=len(columns) == 1, guarded=options.guarded)
        converters = [cells.of(column.type) for column in columns]
        header = [cells.text(column.label if options.header_labels else column.key) for column in columns]
        out.write(("\ufeff" if options.bom else "").encode() + f"{options.delimiter.join(header)}\r\n".encode())
        rows = 0
        for page in pages:
            if page:
                made = [convert(values) for convert, values in zip(converters, zip(*page, strict=True), strict=True)]
                out.write("".join([f"{options.delimiter.join(row)}\r\n" for row in zip(*made, strict=True)]).encode())
                rows += len(page)
            on_rows(rows)
        return Written(rows=rows, cells_changed=cells.tally.changed)


class _CsvCells:
    """Makes the functions that turn columns of values into CSV cells."""

    def __init__(self, zone: ZoneInfo, *, lone: bool, guarded: bool) -> None:
        self.tally = Tally()
        self._zone = zone
        self._guarded = guarded
        # A line of one empty cell would read as no row at all.
        self._nothing = '""' if lone else ""
        self._times = LocalTimes(zone, nothing=self._nothing, quote="", odd=self._cell)

    def of(self, kind: ColumnType) -> CellsOf:
        """The function for a column of that type."""
        match kind:
            case ColumnType.TEXT | ColumnType.JSON:
                return TextCells(self._remembered(self.text, str), self._text_column)
            case ColumnType.DATETIME:
                return self._times.cells
            case ColumnType.NUMBER:
                return lambda column: [self._cell(value) for value in column]
            case ColumnType.INTEGER:
                return self._remembered(self._integer, int, bool).cells
            case ColumnType.BOOLEAN:
                return self._remembered(self._boolean, bool, int).cells
            case ColumnType.DATE:
                return self._remembered(self._date, str, date).cells

    def _remembered(self, make: Callable[[Value], str], *kinds: type) -> Remembered:
        return Remembered(make, self.tally, (*kinds, type(None)))

    def text(self, value: Value) -> str:
        """A text cell, cleaned, guarded, quoted; what is not text is written by its own type."""
        if not isinstance(value, str):
            return self._cell(value)
        if not value:
            return self._nothing
        safe = guard(clean(value)) if self._guarded else clean(value)
        self.tally.changed += safe != value
        return _quote(safe) if any(mark in safe for mark in _QUOTED) else safe

    def _cell(self, value: Value) -> str:
        if value is None:
            return self._nothing
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, datetime):
            return at_wall(utc_text(value), self._zone).isoformat()
        return value.isoformat() if isinstance(value, date) else str(value)

    def _integer(self, value: Value) -> str:
        whole = exact_integer(value)
        return self._cell(value) if whole is None else str(whole)

    def _boolean(self, value: Value) -> str:
        return self._cell(bool(value) if exact_integer(value) in (0, 1) else value)

    def _date(self, value: Value) -> str:
        return self._cell(at_wall(utc_text(value), self._zone).date() if isinstance(value, datetime) else value)

    def _text_column(self, column: Sequence[Value]) -> list[str]:
        texts = cast("list[str]", ["" if value is None else value for value in column])
        try:
            cells = joined(texts)
        except TypeError:
            return [self.text(value) for value in column]
        if may_need_clean(cells) or (self._guarded and may_need_guard(cells)):
            return [self.text(value) for value in column]
        if any(mark in cells for mark in _QUOTED):
            texts = [
                _quote(text)
                if "," in text or '"' in text or ";" in text or "\n" in text or "\r" in text or "\t" in text
                else text
                for text in texts
            ]
        return [text or self._nothing for text in texts] if self._nothing else texts


def _quote(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
