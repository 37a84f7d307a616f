"""The workbook around the data, made by openpyxl: styles, cover sheet, views, widths, filters, properties.

Everything but the rows of the data sheets, which are too many for it: those go between the two halves of `frame`.
"""

import io
import re
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime

from openpyxl import Workbook
from openpyxl.packaging.core import DocumentProperties
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet
from openpyxl.xml.functions import tostring

from portal.exports.columns import Column, ColumnType
from portal.exports.text_guard import clean
from portal.exports.writers.base import CoverValue, WriteOptions
from portal.exports.writers.local_hours import at_wall, utc_text
from portal.exports.writers.locale_formats import sheet_formats
from portal.exports.writers.sheet_cells import first_units, fit, literal

CREATOR = "Duepost"
WHERE_THE_HASH_IS = "A file cannot hold its own hash: it stands on the run's page and in the mail."

_ABOUT = "About"
_PROPERTIES = "docProps/core.xml"
_LONGEST_NAME = 31
_NOT_IN_NAMES = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
_DIMENSION = re.compile(rb"<dimension [^>]*/>")
_SHEET_DATA = re.compile(rb"<sheetData\s*(?:/>|>.*</sheetData>)", re.DOTALL)


class DataWorkbook:
    """A cover sheet and one or more data sheets that are alike, none of which has its rows."""

    def __init__(self, columns: Sequence[Column], widths: Sequence[int], options: WriteOptions) -> None:
        """`widths` are the columns', in characters."""
        self._columns = columns
        self._widths = widths
        self._options = options
        self._book = Workbook()
        self._about = self._book.worksheets[0]
        self._about.title = _ABOUT
        self._sheets: list[Worksheet] = []
        self._formats = sheet_formats(options.locale)
        self._make_styles()

    def _make_styles(self) -> None:
        # Styles get their numbers from the cells that bear them, so a sheet that is not kept bears each of them once.
        sheet = self._book.create_sheet()
        header = sheet.cell(1, 1)
        header.font = Font(bold=True, color="FFFFFF")
        header.fill = PatternFill("solid", fgColor="1F3A5F")
        header.alignment = Alignment(vertical="center")
        self.header_style = header.style_id
        self.date_style, self.datetime_style = (
            _style(sheet, number_format) for number_format in (self._formats.day, self._formats.moment)
        )
        self.number_styles = [_style(sheet, self._number_format(column)) for column in self._columns]
        self._book.remove(sheet)

    def _number_format(self, column: Column) -> str:
        if column.number_format:
            return self._formats.number(column.number_format)
        return self._formats.whole if column.type is ColumnType.INTEGER else ""

    def add_sheet(self) -> tuple[str, bytes]:
        """One more data sheet: its place in the archive, and its XML up to and with `<sheetData>`."""
        number = len(self._sheets) + 1
        sheet = self._book.create_sheet(_sheet_name(self._options.sheet_name, number))
        sheet.freeze_panes = "A2"
        for position, width in enumerate(self._widths, start=1):
            sheet.column_dimensions[get_column_letter(position)].width = width
        self._sheets.append(sheet)
        place = f"xl/worksheets/sheet{number + 1}.xml"
        head, _ = _halves(self._parts()[place])
        return place, _DIMENSION.sub(b"", head) + b"<sheetData>"

    @property
    def sheet_names(self) -> list[str]:
        """Of the data sheets so far."""
        return [sheet.title for sheet in self._sheets]

    def end_sheet(self, rows: int) -> bytes:
        """The newest data sheet's XML from `</sheetData>` on, once it has so many rows, the header's with them."""
        sheet = self._sheets[-1]
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(self._columns))}{rows}"
        _, tail = _halves(self._parts()[f"xl/worksheets/sheet{len(self._sheets) + 1}.xml"])
        return b"</sheetData>" + tail

    def first_parts(self) -> dict[str, bytes]:
        """Parts that do not depend on the rows and tell programs that look at a file's beginning what it is."""
        parts = self._parts()
        return {name: parts[name] for name in ("_rels/.rels", "docProps/app.xml")} | {_PROPERTIES: self._properties()}

    def last_parts(self, cover: Sequence[tuple[str, CoverValue]]) -> dict[str, bytes]:
        """All remaining parts but the data sheets, with the cover sheet's labels and values."""
        self._write_cover(cover)
        data = {f"xl/worksheets/sheet{number + 2}.xml" for number in range(len(self._sheets))}
        written = data | {"_rels/.rels", "docProps/app.xml", _PROPERTIES}
        return {name: part for name, part in self._parts().items() if name not in written}

    def _parts(self) -> dict[str, bytes]:
        saved = io.BytesIO()
        self._book.save(saved)
        with zipfile.ZipFile(saved) as archive:
            return {name: archive.read(name) for name in archive.namelist()}

    def _properties(self) -> bytes:
        # openpyxl would stamp the moment of saving.
        at = self._options.stamped_at.astimezone(UTC).replace(tzinfo=None)
        title = clean(self._options.title)
        properties = DocumentProperties(creator=CREATOR, title=title, created=at, modified=at)
        xml: bytes | str = tostring(properties.to_tree())
        return xml if isinstance(xml, bytes) else xml.encode()

    def _write_cover(self, cover: Sequence[tuple[str, CoverValue]]) -> None:
        sheet = self._about
        _put(sheet, 1, 1, self._options.title)
        sheet.cell(1, 1).font = Font(bold=True, size=16)
        for row, (label, value) in enumerate(cover, start=3):
            _put(sheet, row, 1, label)
            _put(sheet, row, 2, self._on_the_wall(value), self._formats.moment)
            sheet.cell(row, 1).font = Font(bold=True)
            sheet.cell(row, 1).alignment = Alignment(vertical="top")
            sheet.cell(row, 2).alignment = Alignment(horizontal="left", vertical="top", wrap_text=True)
        _put(sheet, len(cover) + 4, 1, WHERE_THE_HASH_IS)
        sheet.cell(len(cover) + 4, 1).font = Font(italic=True)
        sheet.column_dimensions["A"].width = 26
        sheet.column_dimensions["B"].width = 90

    def _on_the_wall(self, value: CoverValue) -> CoverValue:
        if not isinstance(value, datetime):
            return value
        return at_wall(utc_text(value), self._options.zone).replace(tzinfo=None)


def _style(sheet: Worksheet, number_format: str) -> int:
    """The number of the style that shows numbers in that way; 0 for the usual one."""
    if not number_format:
        return 0
    cell = sheet.cell(1, sheet.max_column + 1)
    cell.number_format = number_format
    style: int = cell.style_id
    return style


def _put(sheet: Worksheet, row: int, column: int, value: CoverValue, moment_format: str = "") -> None:
    cell = sheet.cell(row, column)
    if isinstance(value, str):
        cell.value = literal(fit(clean(value)))
        # openpyxl reads `=…` as a formula and `#N/A` as an error.
        cell.data_type = "s"
        return
    cell.value = value
    if isinstance(value, datetime):
        cell.number_format = moment_format


def _halves(part: bytes) -> tuple[bytes, bytes]:
    """A sheet's XML before and after its rows."""
    head, tail = _SHEET_DATA.split(part, maxsplit=1)
    return head, tail


def _sheet_name(wanted: str, number: int) -> str:
    """A name that a tab may bear, with its number from the second sheet on."""
    suffix = f" {number}" if number > 1 else ""
    name = _NOT_IN_NAMES.sub(" ", clean(wanted)).strip("' ")
    name = first_units(name, _LONGEST_NAME - len(suffix)).strip("' ") or "Data"
    return f"{name}{suffix}" if name.casefold() not in {_ABOUT.casefold(), "history"} else f"{name} data{suffix}"
