"""What a column of an export is."""

from dataclasses import dataclass
from enum import Enum, StrEnum


class ColumnType(Enum):
    """How a column's values are written; JSON is compact JSON given as text."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    DATE = "date"
    DATETIME = "datetime"
    BOOLEAN = "boolean"
    JSON = "json"


class Sensitivity(StrEnum):
    """What may be learned from a column's values; masking goes by it."""

    OPEN = "OPEN"
    """Nothing about a person: statuses, kinds, counts, days."""
    IDENTIFIER = "IDENTIFIER"
    """Which case or row it is."""
    PERSON = "PERSON"
    """Who somebody is."""
    PLACE = "PLACE"
    """Where it was: together with others it may tell who reported."""
    FREE_TEXT = "FREE_TEXT"
    """Written by people: may name anybody."""
    EVERYTHING = "EVERYTHING"
    """Whole records as JSON."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: the key BI tools read by, the label people read, the type of its values, and what they give away."""

    key: str
    label: str
    type: ColumnType
    sensitivity: Sensitivity = Sensitivity.OPEN
    about: str = ""
    """What it means, for people: one or two sentences."""
    number_format: str = ""
    """How a workbook shows its numbers ("#,##0.00"), in English signs; empty for the usual way."""
