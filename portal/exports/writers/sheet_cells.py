"""Values as the cells of a sheet's XML: numbers, dates and booleans typed, text as text whatever it looks like."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, cast
from zoneinfo import ZoneInfo

from portal.exports.columns import ColumnType
from portal.exports.text_guard import clean, joined, may_need_clean
from portal.exports.writers.base import Value
from portal.exports.writers.cells import CellsOf, Tally, TypedCells
from portal.exports.writers.local_hours import MINUTES, LocalHours, at_wall, utc_text

LONGEST_TEXT = 32_767
"""UTF-16 units that a cell can hold."""

ROW = "\0"
"""Stands for the row's number in a finished cell; `clean` leaves it in no text."""

_TEXT_END = "</t></is></c>"
_NUMBER_END = "</v></c>"
_ALWAYS_FITS = LONGEST_TEXT // 2
_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - wall times have no zone in a workbook
# The format believes in 29 February 1900, so days before count differently from program to program.
_FIRST_SAFE = datetime(1900, 3, 1)  # noqa: DTZ001
_DAY = 86_400
_MOST_DIGITS = 15
_FIRST_TOO_LONG = 1_000_000_000_000_000
_LARGEST_NUMBER = 9.99e307
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ESCAPE_LOOKALIKE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")


def fit(text: str) -> str:
    """The text if a cell can hold it, else its beginning and a marker that says how long it was."""
    if len(text) <= _ALWAYS_FITS or len(text.encode("utf-16-le")) <= 2 * LONGEST_TEXT:
        return text
    marker = f"… [cut: {len(text):,} characters in all; CSV holds the whole text]"
    return first_units(text, LONGEST_TEXT - len(marker)) + marker


def first_units(text: str, units: int) -> str:
    """The beginning of a text that fills so many UTF-16 units at most; no character is halved."""
    return text.encode("utf-16-le")[: 2 * units].decode("utf-16-le", errors="ignore")


def literal(text: str) -> str:
    """`_x000D_` as the seven characters that it is: programs would read an escape."""
    return _ESCAPE_LOOKALIKE.sub("_x005F_", text) if "_x" in text else text


def _styled(style: int) -> str:
    return f' s="{style}"' if style else ""


def _escaped(text: str) -> str:
    # A bare CR would come back as LF.
    return literal(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")


@dataclass(slots=True)
class SheetCells:
    """Makes the functions that turn columns of values into cells of one workbook."""

    zone: ZoneInfo
    date_style: int
    datetime_style: int
    tally: Tally = field(default_factory=Tally)
    hours: LocalHours[int] = field(init=False)

    def __post_init__(self) -> None:
        self.hours = LocalHours(self.zone, _seconds)

    def of(self, kind: ColumnType, letters: str, number_style: int = 0) -> CellsOf:
        """The function for a column of that type with those letters; in its cells ROW stands for the row's number."""
        return _ColumnCells(self, letters, number_style=number_style).of(kind)

    def header(self, label: str, letters: str, style: int) -> str:
        """A cell of the header row."""
        return _ColumnCells(self, letters, text_style=style).text(label)


class _ColumnCells(TypedCells):
    """Cells of one column; there is no cell for nothing."""

    def __init__(self, sheet: SheetCells, letters: str, *, text_style: int = 0, number_style: int = 0) -> None:
        super().__init__(sheet.zone, sheet.tally)
        self._sheet = sheet
        self._begin = f'<c r="{letters}{ROW}"'
        self._text_begin = f'{self._begin}{_styled(text_style)} t="inlineStr"><is><t xml:space="preserve">'
        self._serial_begin = f'{self._begin} s="{sheet.datetime_style}"><v>'
        self._number_begin = f"{self._begin}{_styled(number_style)}><v>"

    def text(self, text: str) -> str:
        """Cleaned, cut where a cell cannot hold it, escaped."""
        if not text:
            return ""
        safe = clean(text)
        fitted = fit(safe)
        self.tally.changed += safe != text
        self.tally.cut += fitted != safe
        return f"{self._text_begin}{_escaped(fitted)}{_TEXT_END}"

    def value(self, value: Value) -> str:
        match value:
            case None:
                return ""
            case str():
                return self.text(value)
            case bool():
                return f'{self._begin} t="b"><v>{value:d}{_NUMBER_END}'
            case datetime():
                return self._wall(at_wall(utc_text(value), self.zone))
            case date():
                return self._day_cell(value)
            case _:
                return f"{self._number_begin}{value}{_NUMBER_END}" if _is_exact(value) else self.text(str(value))

    def day(self, value: Value) -> str:
        if isinstance(value, datetime):
            return self._day_cell(at_wall(utc_text(value), self.zone).date())
        if isinstance(value, str) and _ISO_DATE.fullmatch(value):
            try:
                return self._day_cell(date.fromisoformat(value))
            except ValueError:
                return self.text(value)
        return self.value(value)

    def text_column(self, column: Sequence[Value]) -> list[str]:
        texts = cast("list[str]", ["" if value is None else value for value in column])
        try:
            cells = joined(texts)
        except TypeError:
            return [self.value(value) for value in column]
        if may_need_clean(cells) or (len(cells) > _ALWAYS_FITS and max(map(len, texts)) > _ALWAYS_FITS):
            return [self.value(value) for value in column]
        if any(mark in cells for mark in ("&", "<", ">", "\r", "_x")):
            texts = [_escaped(text) for text in texts]
        begin = self._text_begin
        return [f"{begin}{text}{_TEXT_END}" if text else "" for text in texts]

    def instants(self, column: Sequence[Value]) -> list[str]:
        begin, hours = self._serial_begin, self._sheet.hours
        try:
            stamps: list[Any] = [utc_text(value) if isinstance(value, datetime) else value for value in column]
            return [
                ""
                if stamp is None
                else f"{begin}{(hour + MINUTES[stamp[13:19]]) / _DAY}{_NUMBER_END}"
                if (hour := hours[stamp[:13]])
                else self._wall(at_wall(stamp, self.zone))
                for stamp in stamps
            ]
        except (ValueError, TypeError, KeyError):
            return [self._datetime(value) for value in column]

    def _datetime(self, value: Value) -> str:
        try:
            return self._wall(at_wall(value, self.zone)) if isinstance(value, str) else self.value(value)
        except ValueError:
            return self.value(value)

    def _wall(self, wall: datetime) -> str:
        seconds = _seconds(wall) if wall.tzinfo is self.zone else None
        if seconds is None:
            return self.text(wall.isoformat())
        return f"{self._serial_begin}{seconds / _DAY}{_NUMBER_END}"

    def _day_cell(self, day: date) -> str:
        if day < _FIRST_SAFE.date():
            return self.text(day.isoformat())
        return f'{self._begin} s="{self._sheet.date_style}"><v>{(day - _EPOCH.date()).days}{_NUMBER_END}'


def _seconds(wall: datetime) -> int | None:
    """Seconds from the workbook's epoch to a wall time; None where the format's calendar is not to be trusted."""
    naive = wall.replace(tzinfo=None)
    return None if naive < _FIRST_SAFE else (naive - _EPOCH) // timedelta(seconds=1)


def _is_exact(number: int | float | Decimal) -> bool:  # noqa: PYI041 - to the type checker an int is not a float here
    """Whether a workbook's numbers, of 15 digits, hold this one; case numbers and amounts must not lose digits."""
    if isinstance(number, Decimal):
        return number.is_finite() and len(number.as_tuple().digits) <= _MOST_DIGITS and abs(number.adjusted()) < 300
    if isinstance(number, int):
        return abs(number) < _FIRST_TOO_LONG
    return abs(number) < _LARGEST_NUMBER
