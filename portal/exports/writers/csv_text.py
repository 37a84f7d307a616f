"""CSV by RFC 4180: CRLF, UTF-8, cells quoted where they must be, text guarded against spreadsheets.

One function per column, made once per file, turns a page's values into finished cells; rows are then two joins.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import cast
from zoneinfo import ZoneInfo

from portal.exports.columns import Column
from portal.exports.text_guard import clean, guard, joined, may_need_clean, may_need_guard
from portal.exports.writers.base import ByteSink, Page, Value, WriteOptions, Written, check_columns
from portal.exports.writers.cells import Tally, TypedCells
from portal.exports.writers.local_hours import LocalTimes, at_wall, utc_text

# Both delimiters and TAB whatever the file's own is: spreadsheets are often set to split at all three, and only
# quoting keeps `a;=1` one cell there.
_QUOTED = '",;\t\r\n'


class CsvWriter:
    """Writes `WriteOptions` of CSV: delimiter, bom, header_labels, guarded, zone."""

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


class _CsvCells(TypedCells):
    """Cells of CSV."""

    def __init__(self, zone: ZoneInfo, *, lone: bool, guarded: bool) -> None:
        super().__init__(zone, Tally())
        self._guarded = guarded
        # A line of one empty cell would read as no row at all.
        self._nothing = '""' if lone else ""
        self._times = LocalTimes(zone, nothing=self._nothing, quote="", odd=self.value)

    def text(self, text: str) -> str:
        """Cleaned, guarded, quoted."""
        if not text:
            return self._nothing
        safe = guard(clean(text)) if self._guarded else clean(text)
        self.tally.changed += safe != text
        return _quote(safe) if any(mark in safe for mark in _QUOTED) else safe

    def value(self, value: Value) -> str:
        if value is None:
            return self._nothing
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, datetime):
            return at_wall(utc_text(value), self.zone).isoformat()
        return value.isoformat() if isinstance(value, date) else str(value)

    def instants(self, column: Sequence[Value]) -> list[str]:
        return self._times.cells(column)

    def text_column(self, column: Sequence[Value]) -> list[str]:
        texts = cast("list[str]", ["" if value is None else value for value in column])
        try:
            cells = joined(texts)
        except TypeError:
            return [self.value(value) for value in column]
        if may_need_clean(cells) or (self._guarded and may_need_guard(cells)):
            return [self.value(value) for value in column]
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
