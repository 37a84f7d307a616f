"""What a column of an export is."""

from dataclasses import dataclass
from enum import Enum


class ColumnType(Enum):
    """How a column's values are written; JSON is compact JSON given as text."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    DATE = "date"
    DATETIME = "datetime"
    BOOLEAN = "boolean"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: the key BI tools read by, the label people read, and the type of its values."""

    key: str
    label: str
    type: ColumnType
