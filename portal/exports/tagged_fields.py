"""Field tags: a custom field, or an answer of a form, promoted to a named and typed column.

Of several rows that could give a value, the oldest one with the tag's template and a value does: of an intake report by
when it was received, an investigation by its start, an interview by when it was held, a disclosure by when it was
submitted; those without a date last. A value that does not fit the type stays empty and is counted.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from portal.exports.columns import Column, ColumnType, Sensitivity
from portal.exports.tag_rules import NumberRule, Rule, TagError, rule_of
from portal.models import ExportType, FieldTag, TagDataType, TagSource

ROOTS: Mapping[TagSource, str] = {
    TagSource.CASE: "custom_fields",
    TagSource.INVESTIGATION: "custom_fields",
    TagSource.INTERVIEW: "responses",
    TagSource.DISCLOSURE: "form_data",
    TagSource.INTAKE: "details",
}
"""What each source's fields stand in; a path begins with it."""
SOURCE_WORDS: Mapping[TagSource, str] = {
    TagSource.CASE: "the case",
    TagSource.INVESTIGATION: "the oldest investigation that has it",
    TagSource.INTERVIEW: "the oldest interview that has it",
    TagSource.DISCLOSURE: "the oldest disclosure that has it",
    TagSource.INTAKE: "the oldest intake report that has it",
}
WITH_TEMPLATES = frozenset({TagSource.INTERVIEW, TagSource.DISCLOSURE})
LONGEST_PATH = 200

_COLUMN_TYPES = {
    TagDataType.TEXT: ColumnType.TEXT,
    TagDataType.DATE: ColumnType.DATE,
    TagDataType.BOOLEAN: ColumnType.BOOLEAN,
}
_OF_TYPE: Mapping[str, frozenset[TagSource]] = {
    ExportType.FLAT_FILE: frozenset(TagSource),
    ExportType.CUSTOM: frozenset(TagSource),
    ExportType.INVESTIGATIONS_ONLY: frozenset({TagSource.INVESTIGATION, TagSource.INTERVIEW}),
    ExportType.DISCLOSURES_ONLY: frozenset({TagSource.DISCLOSURE}),
}
_ARE_NOT: Mapping[TagDataType, tuple[str, str]] = {
    TagDataType.TEXT: ("is not a single text", "are not single texts"),
    TagDataType.NUMBER: ("is not a number", "are not numbers"),
    TagDataType.DATE: ("is not a date", "are not dates"),
    TagDataType.BOOLEAN: ("is not yes or no", "are not yes or no"),
    TagDataType.CURRENCY: ("is not an amount", "are not amounts"),
    TagDataType.PERCENTAGE: ("is not a share", "are not shares"),
}
_SEGMENT = re.compile(r'"((?:[^"]|"")+)"|([^".]+)')
_INDEX = re.compile("[0-9]{1,6}")


class PathError(TagError):
    """A path that leads nowhere."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag as an export needs it; `to_json` is what stands in `ExportRequest.tags`."""

    slot: int
    source: TagSource
    field_path: str
    template: str | None
    column_name: str
    label: str
    data_type: TagDataType
    format_pattern: str | None
    sensitivity: Sensitivity = Sensitivity.FREE_TEXT

    @classmethod
    def of(cls, row: FieldTag | sa.Row[Any]) -> Self:
        """The tag that a row of the database says."""
        return cls(
            row.slot,
            row.source,
            row.field_path,
            row.template,
            row.column_name,
            row.label,
            row.data_type,
            row.format_pattern,
            Sensitivity(row.sensitivity),
        )

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The tag that `to_json` wrote. Raises KeyError or ValueError where it is not one."""
        return cls(
            data["slot"],
            TagSource(data["source"]),
            data["field_path"],
            data["template"],
            data["column_name"],
            data["label"],
            TagDataType(data["data_type"]),
            data["format_pattern"],
            Sensitivity(data["sensitivity"]),
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "slot": self.slot,
            "source": self.source.value,
            "field_path": self.field_path,
            "template": self.template,
            "column_name": self.column_name,
            "label": self.label,
            "data_type": self.data_type.value,
            "format_pattern": self.format_pattern,
            "sensitivity": self.sensitivity.value,
        }

    @property
    def keys(self) -> tuple[str, ...]:
        """The path's keys below its root. Raises PathError."""
        return path_keys(self.source, self.field_path)

    @property
    def rule(self) -> Rule:
        """How its values are read. Raises PatternError."""
        return rule_of(self.data_type, self.format_pattern)

    def column(self) -> Column:
        """The column of a file. Raises TagError where no value can be read by the tag."""
        path, rule = path_of(self.source, self.keys), self.rule
        template = f", template {self.template}" if self.template else ""
        return Column(
            self.column_name,
            self.label,
            _COLUMN_TYPES.get(self.data_type, ColumnType.NUMBER),
            self.sensitivity,
            f"Tagged field of {SOURCE_WORDS[self.source]}{template}: {path}.",
            number_format=rule.picture if isinstance(rule, NumberRule) else "",
        )

    def left_empty(self, count: int) -> str:
        """ "12 values of “Amount” are not numbers and were left empty." """
        one, many = _ARE_NOT[self.data_type]
        if count == 1:
            return f"1 value of “{self.label}” {one} and was left empty."
        return f"{count:,} values of “{self.label}” {many} and were left empty."


def tags_of_type(export_type: str, tags: Iterable[Tag]) -> tuple[Tag, ...]:
    """Those that a type can have as columns, in the order of their slots."""
    sources = _OF_TYPE.get(export_type, frozenset())
    return tuple(sorted((tag for tag in tags if tag.source in sources), key=lambda tag: tag.slot))


def load_tags(connection: Connection, organization_id: uuid.UUID) -> tuple[Tag, ...]:
    """The organization's tags as they are now, in the order of their slots."""
    return load_all_tags(connection, [organization_id]).get(organization_id, ())


def load_all_tags(connection: Connection, organization_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, tuple[Tag, ...]]:
    """The tags of several organizations by one query."""
    table: Any = FieldTag.__table__
    statement = sa.select(table).where(table.c.organization_id.in_(organization_ids)).order_by(table.c.slot)
    found: dict[uuid.UUID, tuple[Tag, ...]] = {}
    for row in connection.execute(statement):
        found[row.organization_id] = (*found.get(row.organization_id, ()), Tag.of(row))
    return found


# Paths


def path_keys(source: TagSource, path: str) -> tuple[str, ...]:
    """The keys of a path such as `custom_fields.amount`, without its root.

    A key with a dot in it stands in quotes: `form_data."a.b".c`. Digits count the answers of a list, from 0. Raises
    PathError.
    """
    root = ROOTS[source]
    if len(path) > LONGEST_PATH or not path.isprintable():
        raise PathError(f"A path is one line of at most {LONGEST_PATH} characters.")
    keys, position = [], 0
    while found := _SEGMENT.match(path, position):
        keys.append(found[1].replace('""', '"') if found[1] else found[2])
        position = found.end()
        if path[position : position + 1] != ".":
            break
        position += 1
    if position != len(path) or len(keys) < 2 or keys[0] != root or path.endswith("."):
        raise PathError(
            f"A path of this source begins with {root}., such as {root}.amount; a key with a dot in quotes."
        )
    return tuple(keys[1:])


def path_of(source: TagSource, keys: Iterable[str]) -> str:
    """The path that `path_keys` reads as these keys."""
    quoted = (f'"{key.replace(chr(34), chr(34) * 2)}"' if "." in key or '"' in key else key for key in keys)
    return ".".join((ROOTS[source], *quoted))


def value_at(document: Any, keys: Iterable[str]) -> Any:
    """What stands there in a document; None where nothing does."""
    for key in keys:
        if isinstance(document, dict):
            document = document.get(key)
        elif isinstance(document, list) and _INDEX.fullmatch(key) and int(key) < len(document):
            document = document[int(key)]
        else:
            return document if document is UNREADABLE else None
    return document


# JSON as databases keep it

_BEYOND_NUMBERS = 400


class Unreadable:
    """In the place of a document or value that is no JSON a program can hold: it fits no type."""


UNREADABLE = Unreadable()


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) < _BEYOND_NUMBERS else float("inf")


_DECODER = json.JSONDecoder(parse_int=_integer)


def parsed(text: str | None) -> Any:
    """The value of JSON text; UNREADABLE where it is none, or nested without end."""
    if text is None:
        return None
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError):
        return UNREADABLE
