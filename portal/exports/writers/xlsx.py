"""XLSX: openpyxl makes the workbook, and the rows, as many as there are, are streamed into its data sheets."""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain

from openpyxl.utils import get_column_letter

from portal.exports.columns import Column, ColumnType
from portal.exports.writers.base import ByteSink, Page, WriteOptions, Written, check_columns
from portal.exports.writers.cells import CellsOf
from portal.exports.writers.sheet_cells import LONGEST_TEXT, ROW, SheetCells
from portal.exports.writers.workbook import DataWorkbook
from portal.exports.writers.zip_stream import LARGEST, ZipPart, ZipStream

MOST_COLUMNS = 16_384
MOST_ROWS = 1_048_576
"""Rows of a sheet, the header's with them; what is over goes on to a further sheet."""

_MOST_BYTES = LARGEST - 512 * 1024 * 1024
_TOO_LARGE = "The workbook passes 4 GB: choose CSV, a shorter period or fewer columns."
_AT_ONCE = 500
_WIDTHS = {ColumnType.DATE: 12, ColumnType.DATETIME: 22, ColumnType.BOOLEAN: 8, ColumnType.INTEGER: 8}
_NARROWEST, _WIDEST = 8, 60
_ROOM_FOR_FILTER = 4


class XlsxWriter:
    """Writes `WriteOptions` of XLSX: zone, title, sheet_name, stamped_at, cover."""

    def write(
        self,
        columns: Sequence[Column],
        pages: Iterable[Page],
        out: ByteSink,
        options: WriteOptions,
        on_rows: Callable[[int], None],
    ) -> Written:
        """See `Writer.write`. The same rows, options and cover make the same bytes."""
        check_columns(columns, MOST_COLUMNS)
        pages = iter(pages)
        first = next(pages, ())
        archive = ZipStream(out, options.stamped_at, _TOO_LARGE)
        book = DataWorkbook(columns, _widths(columns, first), options)
        for name, part in book.first_parts().items():
            archive.add(name, part)
        sheets = _DataSheets(archive, book, columns, options)
        rows = 0
        for page in chain((first,), pages):
            sheets.write(page)
            rows += len(page)
            on_rows(rows)
        sheets.close()
        written = sheets.written(rows)
        notes = [("Note", note) for note in written.notes]
        for name, part in book.last_parts([*options.cover(written), *notes]).items():
            archive.add(name, part)
        archive.close()
        return written


class _DataSheets:
    """The data sheets, one open at a time."""

    def __init__(
        self, archive: ZipStream, book: DataWorkbook, columns: Sequence[Column], options: WriteOptions
    ) -> None:
        self._archive = archive
        self._book = book
        self._cells = SheetCells(options.zone, book.date_style, book.datetime_style)
        letters = [get_column_letter(position) for position in range(1, len(columns) + 1)]
        lettered = list(zip(columns, letters, strict=True))
        self._convert: list[CellsOf] = [
            self._cells.of(column.type, letter, style)
            for (column, letter), style in zip(lettered, book.number_styles, strict=True)
        ]
        header = [self._cells.header(column.label, letter, book.header_style) for column, letter in lettered]
        self._header = _row(1, header).encode()
        self._begin()

    def write(self, page: Page) -> None:
        """Some rows; a sheet that is full is closed and another begun."""
        for start in range(0, len(page), _AT_ONCE):
            rows = page[start : start + _AT_ONCE]
            while rows:
                if self._row > MOST_ROWS or self._part.size > _MOST_BYTES:
                    self.close()
                    self._begin()
                room = MOST_ROWS + 1 - self._row
                self._write(rows[:room])
                rows = rows[room:]

    def _begin(self) -> None:
        place, head = self._book.add_sheet()
        self._part: ZipPart = self._archive.open(place)
        self._part.write(head + self._header)
        self._row = 2

    def _write(self, rows: Page) -> None:
        columns = zip(*rows, strict=True)
        cells = [convert(values) for convert, values in zip(self._convert, columns, strict=True)]
        lines = [_row(number, line) for number, line in enumerate(zip(*cells, strict=True), start=self._row)]
        self._part.write("".join(lines).encode())
        self._row += len(rows)

    def close(self) -> None:
        """End the open sheet."""
        self._part.write(self._book.end_sheet(self._row - 1))
        self._part.close()

    def written(self, rows: int) -> Written:
        """What came of it, once closed."""
        tally = self._cells.tally
        notes = []
        if tally.cut:
            notes.append(
                f"{tally.cut:,} {'cell was' if tally.cut == 1 else 'cells were'} longer than the {LONGEST_TEXT:,} "
                "characters that XLSX can hold, and cut; each says so at its end. CSV holds the whole text."
            )
        names = self._book.sheet_names
        if len(names) > 1:
            notes.append(
                f"The rows fill {len(names)} sheets ({names[0]} to {names[-1]}), because a sheet holds no more than "
                f"{MOST_ROWS - 1:,} of them."
            )
        return Written(rows=rows, cells_changed=tally.changed, cells_cut=tally.cut, notes=tuple(notes))


def _row(number: int, cells: Iterable[str]) -> str:
    return f'<row r="{number}">{"".join(cells).replace(ROW, str(number))}</row>'


def _widths(columns: Sequence[Column], sample: Page) -> list[int]:
    """Characters that show a column's label and, of its values in the first rows, all but very long ones."""
    by_column = list(zip(*sample, strict=True)) or [()] * len(columns)
    return [
        min(max(_NARROWEST, len(column.label) + _ROOM_FOR_FILTER, _value_width(column, values)), _WIDEST)
        for column, values in zip(columns, by_column, strict=True)
    ]


def _value_width(column: Column, values: Sequence[object]) -> int:
    if column.type in _WIDTHS:
        return _WIDTHS[column.type]
    return max((len(str(value)) + 2 for value in values if value is not None), default=0)
