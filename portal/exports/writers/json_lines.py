"""JSON lines: one object a line, the columns' keys in their order, values typed, UTF-8.

As the CSV writer: one function per column turns a page's values into finished JSON; a page is then one join.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import chain, islice, repeat
from json.encoder import encode_basestring  # the encoder's own, in C: quotes and escapes a text
from math import isfinite
from typing import cast
from zoneinfo import ZoneInfo

from portal.exports.columns import Column
from portal.exports.text_guard import clean, joined, may_need_clean
from portal.exports.writers.base import ByteSink, Page, Value, WriteOptions, Written, check_columns
from portal.exports.writers.cells import CellsOf, Tally, TypedCells
from portal.exports.writers.local_hours import LocalTimes, at_wall, utc_text

_NOTHING = "null"
_ESCAPED = '"\\\n\r\t'
"""Beside what `clean` replaces."""
_AT_ONCE = 200
"""Rows joined at once: what fits a processor's own memory is joined twice as fast."""


class JsonLinesWriter:
    """Writes `WriteOptions` of JSON lines: zone. Instants are ISO 8601 with offset; what does not fit its column's
    type is a string, so that nothing is lost."""

    def write(
        self,
        columns: Sequence[Column],
        pages: Iterable[Page],
        out: ByteSink,
        options: WriteOptions,
        on_rows: Callable[[int], None],
    ) -> Written:
        """See `Writer.write`. The same rows make the same bytes, however they are paged."""
        check_columns(columns)
        values = _JsonValues(options.zone)
        converters = [values.of(column.type) for column in columns]
        names = [f",{encode_basestring(clean(column.key))}:" for column in columns]
        # what stands before each value, given as often as there are rows
        before = [repeat(name) for name in ("{" + names[0][1:], *names[1:])]
        rows = 0
        for page in pages:
            if page:
                made = [convert(column) for convert, column in zip(converters, zip(*page, strict=True), strict=True)]
                parts = chain.from_iterable(zip(before, made, strict=True))
                lines = zip(*parts, repeat("}\n"))
                while some := "".join(chain.from_iterable(islice(lines, _AT_ONCE))):
                    out.write(some.encode())
                rows += len(page)
            on_rows(rows)
        return Written(rows=rows, cells_changed=values.tally.changed)


class _JsonValues(TypedCells):
    """Values as JSON."""

    def __init__(self, zone: ZoneInfo) -> None:
        super().__init__(zone, Tally())
        self._times = LocalTimes(zone, nothing=_NOTHING, quote='"', odd=self.value)

    def _text(self, value: str) -> str:
        safe = clean(value)
        self.tally.changed += safe != value
        return encode_basestring(safe)

    def value(self, value: Value) -> str:
        match value:
            case None:
                return _NOTHING
            case str():
                return self._text(value)
            case bool():
                return "true" if value else "false"
            case datetime():
                return f'"{at_wall(utc_text(value), self.zone).isoformat()}"'
            case date():
                return f'"{value.isoformat()}"'
            case Decimal() | float() if not isfinite(value):
                return f'"{value}"'  # JSON has no such numbers
            case _:
                return str(value)

    def instants(self, column: Sequence[Value]) -> list[str]:
        return self._times.cells(column)

    def json_cells(self) -> CellsOf:
        return self.remembered(self._json, str).cells

    def _json(self, value: Value) -> str:
        """JSON within JSON stands as it is, not as a text of it, unless it is none."""
        if not isinstance(value, str):
            return self.value(value)
        safe = clean(value)
        try:
            json.loads(safe, parse_constant=_refused)
        except (ValueError, RecursionError):
            return self._text(value)
        self.tally.changed += safe != value
        # between its tokens JSON may hold line ends, within them it cannot
        return safe.replace("\r", " ").replace("\n", " ")

    def text_column(self, column: Sequence[Value]) -> list[str]:
        texts = cast("list[str]", ["" if value is None else value for value in column])
        try:
            together = joined(texts)
        except TypeError:
            return [self.value(value) for value in column]
        if may_need_clean(together):
            return [self.value(value) for value in column]
        if any(mark in together for mark in _ESCAPED):
            return [_NOTHING if value is None else encode_basestring(cast("str", value)) for value in column]
        return [_NOTHING if value is None else f'"{value}"' for value in column]


def _refused(constant: str) -> None:
    raise ValueError(constant)  # NaN and its like are Python's, not JSON's
