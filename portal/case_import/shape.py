"""A section's list of values as a row of its table."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from portal.case_import.convert import canonical
from portal.case_import.fields import Kind
from portal.case_import.mapping import Section

_NOT_COLUMNS = (Kind.PATH, Kind.PLACE)  # references, which the register resolves


class Shape:
    """Made once for a section, used for each of its rows."""

    def __init__(self, section: Section) -> None:
        numbered = list(enumerate(section.specs))
        fields = [(number, spec.field) for number, spec in numbered if not spec.in_bag]
        self._positions = {field.name: number for number, field in fields}
        self._moments = [(field.name, number) for number, field in fields if field.kind is Kind.MOMENT]
        self._plain = [
            (field.name, number) for number, field in fields if field.kind not in (*_NOT_COLUMNS, Kind.MOMENT)
        ]
        self._bag = section.entity.bag
        self._in_bag = [(spec.field.name, number) for number, spec in numbered if spec.in_bag]
        self._title = canonical([[spec.field.name, spec.in_bag] for spec in section.specs])

    def value(self, values: Sequence[object], name: str) -> object:
        """Of the field; None where it is not mapped."""
        number = self._positions.get(name)
        return None if number is None else values[number]

    def columns(self, values: Sequence[object]) -> dict[str, object]:
        """As the database takes them; trees and places are left out."""
        row = {name: values[number] for name, number in self._plain}
        for name, number in self._moments:
            moment = values[number]
            row[name] = datetime.fromisoformat(moment) if isinstance(moment, str) else None
        if self._bag:
            row[self._bag] = {name: values[number] for name, number in self._in_bag if values[number] is not None}
        return row

    def digest(self, payload: str, linked: object = None) -> str:
        """Hex SHA-256 that tells whether a row is unchanged, over fields and values; `payload` is the values' JSON."""
        return hashlib.sha256(f"{self._title}{payload}{linked or ''}".encode()).hexdigest()
