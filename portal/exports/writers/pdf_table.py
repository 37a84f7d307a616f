"""A table as PDF, on ReportLab's canvas: laid out and broken into lines here, in time that grows with the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from itertools import chain
from zoneinfo import ZoneInfo

from portal.exports.columns import Column, ColumnType
from portal.exports.limits import check_table
from portal.exports.locales import prints_on_letter
from portal.exports.writers.base import ByteSink, CoverValue, Page, Value, WriteOptions, Written, check_columns
from portal.exports.writers.cells import CellsOf, Tally, TypedCells
from portal.exports.writers.local_hours import at_wall, utc_text
from portal.exports.writers.pdf_layout import GAP, LARGE_PAPER, Wish, lay_out
from portal.exports.writers.pdf_pages import Cell, TablePages
from portal.exports.writers.pdf_text import Typesetter, Typesetters

_NUMBERS = (ColumnType.INTEGER, ColumnType.NUMBER)
_MOST_REMEMBERED = 2_000


class PdfWriter:
    """Writes `WriteOptions` of PDF: zone, title, page_words, locale, expected, cover."""

    def write(
        self,
        columns: Sequence[Column],
        pages: Iterable[Page],
        out: ByteSink,
        options: WriteOptions,
        on_rows: Callable[[int], None],
    ) -> Written:
        """See `Writer.write`. The same rows, options and cover make the same bytes; the rows' widths are those of the
        first page."""
        check_columns(columns)
        check_table("PDF", len(columns), options.expected or 0)
        pages = iter(pages)
        first = next(pages, ())
        typesetters = Typesetters.load()
        setter = typesetters.text
        cells = _PdfCells(options.zone)
        convert = [cells.of(column.type) for column in columns]
        layout = lay_out(
            [_wish(typesetters, column, texts) for column, texts in zip(columns, _texts(convert, first), strict=True)],
            letter=prints_on_letter(options.locale),
        )
        # a hair more, lest the rounding of a sum breaks a word that fits
        rooms = [(width - 2 * GAP + 0.01) / layout.size * 1000 for width in layout.columns]
        labels = [
            Cell(typesetters.strong.lines(column.label, room), column.type in _NUMBERS)
            for column, room in zip(columns, rooms, strict=True)
        ]
        set_cells = [_SetCells(setter, column, room) for column, room in zip(columns, rooms, strict=True)]
        sheet = TablePages(out, layout, labels, typesetters, options)
        rows = 0
        for page in chain((first,), pages):
            check_table("PDF", len(columns), rows + len(page))
            texts = _texts(convert, page)
            for row in zip(*[each.of(column) for each, column in zip(set_cells, texts, strict=True)], strict=True):
                sheet.add(row)
            rows += len(page)
            on_rows(rows)
        written = Written(rows=rows, cells_changed=cells.tally.changed, notes=_notes(sheet, typesetters, layout.paper))
        notes = [("Note", note) for note in written.notes]
        sheet.close([(label, _told(value)) for label, value in [*options.cover(written), *notes]])
        return written


def _texts(convert: Sequence[CellsOf], page: Page) -> list[list[str]]:
    """The page's columns as texts."""
    columns = zip(*page, strict=True) if page else [()] * len(convert)
    return [make(values) for make, values in zip(convert, columns, strict=True)]


def _wish(typesetters: Typesetters, column: Column, texts: Sequence[str]) -> Wish:
    text, strong = typesetters.text, typesetters.strong
    told = [line for each in set(texts) for line in text.paragraphs(each)]
    label = strong.paragraphs(column.label)
    word = max([*map(text.longest_word, told), *map(strong.longest_word, label)])
    is_moment = column.type in (ColumnType.DATE, ColumnType.DATETIME)
    part = max([*map(text.longest_word if is_moment else text.longest_part, told), *map(strong.longest_part, label)])
    # a label may well stand in two lines
    return Wish(max([word, *[strong.width(each) / 2 for each in label], *map(text.width, told)]), word, part)


def _notes(sheet: TablePages, typesetters: Typesetters, paper: str) -> tuple[str, ...]:
    told = [f"The table is wide, so its pages are {paper}."] if paper.startswith(LARGE_PAPER) else []
    if sheet.rows_continued == 1:
        told.append("1 row is higher than a page and goes on on the next.")
    elif sheet.rows_continued:
        told.append(f"{sheet.rows_continued:,} rows are higher than a page and go on on the next.")
    return (*told, *typesetters.unknown_letters())


def _told(value: CoverValue) -> str:
    return "" if value is None else str(value)


class _SetCells:
    """The lines of one column's cells; registers repeat themselves."""

    def __init__(self, setter: Typesetter, column: Column, room: float) -> None:
        self._setter = setter
        self._room = room
        self._to_the_right = column.type in _NUMBERS
        self._known: dict[str, Cell] = {"": Cell(())}

    def of(self, texts: Sequence[str]) -> list[Cell]:
        return [self._known.get(text) or self._set(text) for text in texts]

    def _set(self, text: str) -> Cell:
        if len(self._known) >= _MOST_REMEMBERED:
            self._known = {"": Cell(())}
        cell = self._known[text] = Cell(self._setter.lines(text, self._room), self._to_the_right)
        return cell


class _PdfCells(TypedCells):
    """Values as people read them."""

    def __init__(self, zone: ZoneInfo) -> None:
        super().__init__(zone, Tally())

    def value(self, value: Value) -> str:
        match value:
            case None:
                return ""
            case str():
                return value
            case bool():
                return "Yes" if value else "No"
            case datetime():
                return _moment(at_wall(utc_text(value), self.zone))
            case date():
                return value.isoformat()
            case _:
                return str(value)

    def text_column(self, column: Sequence[Value]) -> list[str]:
        return [self.value(value) for value in column]

    def instants(self, column: Sequence[Value]) -> list[str]:
        return [self._instant(value) for value in column]

    def _instant(self, value: Value) -> str:
        try:
            return _moment(at_wall(value, self.zone)) if isinstance(value, str) else self.value(value)
        except ValueError:
            return self.value(value)


def _moment(wall: datetime) -> str:
    return wall.replace(tzinfo=None).isoformat(" ", "seconds")
