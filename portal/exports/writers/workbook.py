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

from portal.exports.columns import Column
from portal.exports.text_guard import clean
from portal.exports.writers.base import CoverValue, WriteOptions
from portal.exports.writers.local_hours import at_wall, utc_text
from portal.exports.writers.sheet_cells import first_units, fit, literal

CREATOR = "Duepost"
WHERE_THE_HASH_IS = "A file cannot hold its own hash: it stands on the run's page and in the mail."

_ABOUT = "About"
_DATE_FORMAT = "yyyy-mm-dd"
_DATETIME_FORMAT = "yyyy-mm-dd hh:mm:ss"
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
        self._styles()

    def _styles(self) -> None:
        # Styles get their numbers from the cells that bear them, so a sheet that is not kept bears each of them once.
        sheet = self._book.create_sheet()
        header, day, moment = (sheet.cell(1, position) for position in (1, 2, 3))
        header.font = Font(bold=True, color="FFFFFF")
        header.fill = PatternFill("solid", fgColor="1F3A5F")
        header.alignment = Alignment(vertical="center")
        day.number_format, moment.number_format = _DATE_FORMAT, _DATETIME_FORMAT
        self.header_style, self.date_style, self.datetime_style = (cell.style_id for cell in (header, day, moment))
        self._book.remove(sheet)

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
            _put(sheet, row, 2, self._on_the_wall(value))
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


def _put(sheet: Worksheet, row: int, column: int, value: CoverValue) -> None:
    cell = sheet.cell(row, column)
    if isinstance(value, str):
        cell.value = literal(fit(clean(value)))
        # openpyxl reads `=…` as a formula and `#N/A` as an error.
        cell.data_type = "s"
        return
    cell.value = value
    if isinstance(value, datetime):
        cell.number_format = _DATETIME_FORMAT


def _halves(part: bytes) -> tuple[bytes, bytes]:
    """A sheet's XML before and after its rows."""
    head, tail = _SHEET_DATA.split(part, maxsplit=1)
    return head, tail


def _sheet_name(wanted: str, number: int) -> str:
    """A name that a tab may bear, with its number from the second sheet on."""
    suffix = f" ({number})" if number > 1 else ""
    name = _NOT_IN_NAMES.sub(" ", clean(wanted)).strip("' ")
    name = first_units(name, _LONGEST_NAME - len(suffix)).strip("' ") or "Data"
    return f"{name}{suffix}" if name.casefold() not in {_ABOUT.casefold(), "history"} else f"{name} data{suffix}"
