"""Columns of values turned into columns of finished cells, fast: what all text formats share."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from portal.exports.columns import ColumnType
from portal.exports.writers.base import Value
from portal.exports.writers.local_hours import at_wall, utc_text

CellsOf = Callable[[Sequence[Value]], list[str]]
"""Turns one column of a page into cells as they stand in the file."""

_MOST_REMEMBERED = 4_096
_MOST_MISSES = 1_000
_BEYOND_INTEGERS = 10**18


@dataclass(slots=True)
class Tally:
    """What had to be done to cells so far."""

    changed: int = 0
    cut: int = 0


class Remembered(dict[Value, str]):
    """Cells by their value, each made once by `make`: registers repeat themselves.

    A cell that was changed or cut is made anew each time, so that the tally counts every one. Only values of `kinds`
    are kept: 1, 1.0 and True are one key but not one cell.
    """

    def __init__(self, make: Callable[[Value], str], tally: Tally, kinds: tuple[type, ...]) -> None:
        super().__init__()
        self._make = make
        self._tally = tally
        self._kinds = kinds
        self.misses = 0

    def __missing__(self, value: Value) -> str:
        self.misses += 1
        before = (self._tally.changed, self._tally.cut)
        cell = self._make(value)
        if type(value) in self._kinds and before == (self._tally.changed, self._tally.cut):
            if len(self) >= _MOST_REMEMBERED:
                self.clear()
            self[value] = cell
        return cell

    def cells(self, column: Sequence[Value]) -> list[str]:
        return list(map(self.__getitem__, column))


class TextCells:
    """Cells of a text column: remembered while values repeat, and when they do not, a column at a time."""

    def __init__(self, remembered: Remembered, by_column: CellsOf) -> None:
        self._remembered = remembered
        self._by_column = by_column
        self._seen = 0
        self._repeats = True

    def __call__(self, column: Sequence[Value]) -> list[str]:
        if not self._repeats:
            return self._by_column(column)
        cells = self._remembered.cells(column)
        self._seen += len(column)
        if self._remembered.misses > _MOST_MISSES + self._seen // 8:
            self._repeats = False
            self._remembered.clear()
        return cells


def exact_integer(value: Value) -> int | None:
    """The whole number a value is, whatever type carries it; None when it is none."""
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float | Decimal) and -_BEYOND_INTEGERS < value < _BEYOND_INTEGERS and value == int(value):
        return int(value)
    return None


class TypedCells(ABC):
    """The function for each type of column; a format says how a value, a column of texts and one of instants stand."""

    def __init__(self, zone: ZoneInfo, tally: Tally) -> None:
        self.zone = zone
        self.tally = tally

    def of(self, kind: ColumnType) -> CellsOf:
        """The function for a column of that type, made once per column and file."""
        match kind:
            case ColumnType.TEXT:
                return TextCells(self.remembered(self.value, str), self.text_column)
            case ColumnType.JSON:
                return self.json_cells()
            case ColumnType.DATETIME:
                return self.instants
            case ColumnType.NUMBER:
                return lambda column: [self.value(value) for value in column]
            case ColumnType.INTEGER:
                return self.remembered(self.integer, int, bool).cells
            case ColumnType.BOOLEAN:
                return self.remembered(self.boolean, bool, int).cells
            case ColumnType.DATE:
                return self.remembered(self.day, str, date).cells

    @abstractmethod
    def value(self, value: Value) -> str:
        """A cell by the value's own type."""

    @abstractmethod
    def text_column(self, column: Sequence[Value]) -> list[str]:
        """Cells of texts that do not repeat: looked at together, so that most need no look of their own."""

    @abstractmethod
    def instants(self, column: Sequence[Value]) -> list[str]:
        """Cells of a column of instants."""

    def json_cells(self) -> CellsOf:
        """As text, unless the format has JSON of its own."""
        return self.of(ColumnType.TEXT)

    def remembered(self, make: Callable[[Value], str], *kinds: type) -> Remembered:
        return Remembered(make, self.tally, (*kinds, type(None)))

    def integer(self, value: Value) -> str:
        whole = exact_integer(value)
        return self.value(value if whole is None else whole)

    def boolean(self, value: Value) -> str:
        return self.value(bool(value) if exact_integer(value) in (0, 1) else value)

    def day(self, value: Value) -> str:
        return self.value(at_wall(utc_text(value), self.zone).date() if isinstance(value, datetime) else value)
