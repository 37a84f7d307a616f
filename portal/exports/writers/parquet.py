"""Parquet: typed columns for BI tools, by pyarrow, a group of rows at a time.

Instants are UTC with the zone's name beside them, as Parquet has them; JSON is text. A value that does not fit its
column's type cannot stand in it: the cell is empty, and a note says how many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

from portal.exports.columns import Column, ColumnType
from portal.exports.text_guard import clean, joined, may_need_clean
from portal.exports.writers.base import ByteSink, Page, Value, WriteOptions, Written, check_columns
from portal.exports.writers.cells import exact_integer
from portal.exports.writers.local_hours import at_wall, utc_text

GROUP_ROWS = 10_000
"""Rows of a group, all of which are in memory, as Arrow has them, before it is written; readers skip whole groups."""
_I64 = 1 << 63
_UNFIT = (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, TypeError, ValueError, OverflowError)


class ParquetWriter:
    """Writes `WriteOptions` of Parquet: zone, title."""

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
        arrays = _Arrays(options)
        schema = pa.schema(
            [
                pa.field(clean(each.key), arrays.type_of(each.type), metadata={"label": clean(each.label)})
                for each in columns
            ],
            metadata={"title": clean(options.title), "zone": options.zone.key},
        )
        rows = 0
        with pq.ParquetWriter(cast("IO[bytes]", _Sink(out)), schema, compression="zstd") as writer:
            held = schema.empty_table()
            for page in pages:
                if page:
                    by_column = zip(columns, zip(*page, strict=True), strict=True)
                    made = [arrays.make(column.type, values) for column, values in by_column]
                    held = pa.concat_tables([held, pa.Table.from_arrays(made, schema=schema)])
                    rows += len(page)
                while held.num_rows >= GROUP_ROWS:
                    _write_group(writer, held.slice(0, GROUP_ROWS))
                    held = held.slice(GROUP_ROWS)
                on_rows(rows)
            if held.num_rows:
                _write_group(writer, held)
        return Written(rows=rows, cells_changed=arrays.changed, notes=arrays.notes())


def _write_group(writer: pq.ParquetWriter, rows: pa.Table) -> None:
    """As one piece, so that the bytes do not tell how the rows were paged."""
    writer.write_table(rows.combine_chunks(), row_group_size=rows.num_rows)


class _Sink:
    """A ByteSink as pyarrow wants a file: it writes on and never goes back."""

    closed = False

    def __init__(self, out: ByteSink) -> None:
        self._out = out
        self._size = 0

    def write(self, data: Any) -> int:
        self._size += self._out.write(bytes(data))
        return len(data)

    def tell(self) -> int:
        return self._size

    def flush(self) -> None:
        """Whoever opened the file does that."""

    def close(self) -> None:
        self.closed = True


class _Arrays:
    """Makes Arrow arrays of columns of values."""

    def __init__(self, options: WriteOptions) -> None:
        self._zone = options.zone
        self._instants = pa.timestamp("us", tz=options.zone.key)
        self.changed = 0
        self._misfits = 0

    def type_of(self, kind: ColumnType) -> pa.DataType:
        match kind:
            case ColumnType.TEXT | ColumnType.JSON:
                return pa.string()
            case ColumnType.INTEGER:
                return pa.int64()
            case ColumnType.NUMBER:
                return pa.float64()
            case ColumnType.DATE:
                return pa.date32()
            case ColumnType.DATETIME:
                return self._instants
            case ColumnType.BOOLEAN:
                return pa.bool_()

    def make(self, kind: ColumnType, values: Sequence[Value]) -> pa.Array[Any]:
        """The array; where all values are of the type, as almost always, without looking at each in Python."""
        try:
            return self._whole(kind, values)
        except _UNFIT:
            fit = self._fits(kind)
            fitted = [None if value is None else self._fitted(fit, value) for value in values]
            return pa.array(fitted, self.type_of(kind))

    def _whole(self, kind: ColumnType, values: Sequence[Value]) -> pa.Array[Any]:
        if kind in (ColumnType.TEXT, ColumnType.JSON):
            if may_need_clean(joined(cast("list[str]", ["" if value is None else value for value in values]))):
                raise ValueError("a text needs cleaning")
            return pa.array(values, pa.string())
        if kind is ColumnType.DATETIME:
            # as text, so that Arrow reads them; to the second, as in every other format
            stamps = [
                value
                if value is None
                else value[:19]
                if isinstance(value, str)
                else utc_text(cast("datetime", value))[:19]
                for value in values
            ]
            naive = pa.array(stamps, pa.string()).cast(pa.timestamp("us"))
            return naive.cast(pa.timestamp("us", "UTC")).cast(self._instants)
        if kind is ColumnType.DATE and any(isinstance(value, str) for value in values):
            return pa.array(values, pa.string()).cast(pa.date32())
        if kind is ColumnType.NUMBER:
            return pa.array([float(value) if isinstance(value, Decimal) else value for value in values], pa.float64())
        return pa.array(values, self.type_of(kind))

    def _fitted(self, fit: Callable[[Any], Any], value: Value) -> Any:
        try:
            return fit(value)
        except (ValueError, TypeError, OverflowError):
            self._misfits += 1
            return None

    def _fits(self, kind: ColumnType) -> Callable[[Any], Any]:
        match kind:
            case ColumnType.TEXT | ColumnType.JSON:
                return self._text
            case ColumnType.INTEGER:
                return _integer
            case ColumnType.NUMBER:
                return _number
            case ColumnType.DATE:
                return self._date
            case ColumnType.DATETIME:
                return lambda value: at_wall(value if isinstance(value, str) else utc_text(value), self._zone)
            case ColumnType.BOOLEAN:
                return _boolean

    def _text(self, value: Any) -> str:
        text = value if isinstance(value, str) else str(value)
        safe = clean(text)
        self.changed += safe != text
        return safe

    def _date(self, value: Any) -> date:
        if isinstance(value, datetime):
            return at_wall(utc_text(value), self._zone).date()
        return value if isinstance(value, date) else date.fromisoformat(value)

    def notes(self) -> tuple[str, ...]:
        if not self._misfits:
            return ()
        verb = "value did" if self._misfits == 1 else "values did"
        return (f"{self._misfits:,} {verb} not fit the type of the column, so the cell is empty.",)


def _integer(value: Any) -> int:
    whole = exact_integer(value)
    if whole is None or not -_I64 <= whole < _I64:
        raise ValueError(value)
    return whole


def _number(value: Any) -> float:
    if isinstance(value, bool | str):
        raise TypeError(value)
    return float(value)


def _boolean(value: Any) -> bool:
    if exact_integer(value) not in (0, 1):
        raise ValueError(value)
    return bool(value)
