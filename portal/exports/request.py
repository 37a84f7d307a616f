"""One export as it was asked for: frozen into a run's configuration, so that a repeat makes the same file."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from portal.exports.catalogue import CatalogueError, check_format, columns_for
from portal.exports.columns import Column
from portal.exports.file_types import FILE_TYPES, ZIP, FileType
from portal.exports.limits import check_table
from portal.exports.scope import Person
from portal.exports.tag_rules import TagError
from portal.exports.tagged_fields import Tag, tags_of_type
from portal.exports.writers import ExportLimit
from portal.zones import zone

DELIMITERS = (",", ";")
_CSV_OPTIONS = ("delimiter", "bom", "header_labels")
_ZIP = "zip"


@dataclass(frozen=True)
class ExportRequest:
    """What, for whom and when. Instants are aware UTC; `zone` is an IANA name; the rest is JSON as stored."""

    organization_id: uuid.UUID
    export_type: str
    format: str
    filters: Mapping[str, Any]
    start: datetime | None
    """First instant of the period; without one it reaches back to the first case."""
    end: datetime
    """First instant after the period."""
    planned_for: datetime
    zone: str
    format_options: Mapping[str, Any] = field(default_factory=dict)
    """{"zip": bool}; CSV: {"delimiter": "," or ";", "bom": bool, "header_labels": bool} too; all optional."""
    column_config: Mapping[str, Any] = field(default_factory=dict)
    title: str = "Export"
    """The schedule's name, for the cover and the document's title."""
    own_filters: Mapping[str, Any] | None = None
    """What the recipients of this file have beside `filters`; both must fit."""
    seen_by: tuple[Person, ...] = ()
    """Who will see it: what any of them is kept from is not in it. Nobody named: nothing is withheld."""
    masking: Mapping[str, Any] = field(default_factory=dict)
    """{"profile": …, "columns": {key: "MASK" or "OMIT"}} as `portal.exports.masking` made it; empty: all is shown."""
    only_changes: bool = False
    """Only cases new or changed since `changes_since`, and a column that says which; None: all of them are new."""
    changes_since: datetime | None = None
    tags: tuple[Mapping[str, Any], ...] = ()
    """The field tags as they were, in the order of their slots; JSON as `portal.exports.tagged_fields` reads it."""

    @property
    def zipped(self) -> bool:
        """Whether the file is the only entry of a zip archive, which then is what is kept and sent."""
        return bool(self.format_options.get(_ZIP))

    @property
    def file_type(self) -> FileType:
        """Of the file that is kept and sent."""
        return ZIP if self.zipped else FILE_TYPES[self.format]

    @property
    def writer_options(self) -> dict[str, Any]:
        """`format_options` that concern the format's writer."""
        return {key: value for key, value in self.format_options.items() if key != _ZIP}

    def columns(self) -> list[Column]:
        """The columns of the file. Raises CatalogueError."""
        try:
            tagged = tuple(tag.column() for tag in self.tags_of_type())
        except TagError as problem:
            raise CatalogueError("tags", f"A tagged field cannot be read. {problem}") from problem
        return columns_for(self.export_type, self.column_config, tagged, only_changes=self.only_changes)

    def tags_of_type(self) -> tuple[Tag, ...]:
        """The tags that this type of export can have as columns, in the order of their slots."""
        return tags_of_type(self.export_type, map(Tag.from_json, self.tags))

    def check(self) -> None:
        """Raises CatalogueError or ZoneError where the type, format, options, columns or zone cannot be had."""
        check_format(self.export_type, self.format)
        check_format_options(self.format, self.format_options)
        check_width(self.format, self.columns())
        zone(self.zone)

    def to_json(self) -> dict[str, Any]:
        """JSON values only; `from_json` gives the same request back."""
        return {
            "organization_id": str(self.organization_id),
            "export_type": str(self.export_type),
            "format": str(self.format),
            "filters": dict(self.filters),
            "start": _stamp(self.start) if self.start else None,
            "end": _stamp(self.end),
            "planned_for": _stamp(self.planned_for),
            "zone": self.zone,
            "format_options": dict(self.format_options),
            "column_config": dict(self.column_config),
            "title": self.title,
            "own_filters": dict(self.own_filters) if self.own_filters else None,
            "seen_by": [person.to_json() for person in self.seen_by],
            "masking": dict(self.masking),
            "only_changes": self.only_changes,
            "changes_since": _stamp(self.changes_since) if self.changes_since else None,
            "tags": [dict(tag) for tag in self.tags],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The request that `to_json` wrote. Raises KeyError or ValueError where it is not one."""
        return cls(
            organization_id=uuid.UUID(data["organization_id"]),
            export_type=data["export_type"],
            format=data["format"],
            filters=data["filters"],
            start=_instant(data["start"]) if data["start"] else None,
            end=_instant(data["end"]),
            planned_for=_instant(data["planned_for"]),
            zone=data["zone"],
            format_options=data["format_options"],
            column_config=data["column_config"],
            title=data["title"],
            # what runs frozen by earlier versions do not have
            own_filters=data.get("own_filters"),
            seen_by=tuple(Person.from_json(each) for each in data.get("seen_by", ())),
            masking=data.get("masking", {}),
            only_changes=data.get("only_changes", False),
            changes_since=_instant(data["changes_since"]) if data.get("changes_since") else None,
            tags=tuple(data.get("tags", ())),
        )


def check_format_options(format_name: str, options: Mapping[str, Any]) -> None:
    """Raises CatalogueError naming the option at fault."""
    for key, value in options.items():
        if key != _ZIP and (key not in _CSV_OPTIONS or format_name != "CSV"):
            raise CatalogueError(str(key)[:60], f"{str(key)[:60]!r} is not an option of {format_name}.")
        if key == "delimiter" and value not in DELIMITERS:
            raise CatalogueError(key, 'The delimiter must be "," or ";".')
        if key != "delimiter" and not isinstance(value, bool):
            raise CatalogueError(key, f"{key} must be true or false.")


def check_width(format_name: str, columns: Sequence[Column]) -> None:
    """Raises CatalogueError where the format has no room for so many columns."""
    try:
        check_table(format_name, len(columns))
    except ExportLimit as problem:
        raise CatalogueError("columns", str(problem)) from problem


def _stamp(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="microseconds")


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
