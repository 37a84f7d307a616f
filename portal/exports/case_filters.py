"""Which cases an export holds: filters read from JSON, as SQL conditions, and in words.

Channel and anonymity are those of a case's earliest intake report, as its row in the file shows them.
"""

from __future__ import annotations

import difflib
import functools
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.orm import InstrumentedAttribute

from portal.cases.kept_from import Person, kept_from_any
from portal.exports import tag_sql
from portal.exports.register_names import Place, Tree, load_business_units, load_categories, load_locations
from portal.exports.tag_filters import TagFilter, TagFilterError, parse_tag_filters
from portal.exports.tag_rules import TagError
from portal.exports.tagged_fields import Tag, load_tags
from portal.extensions import db
from portal.models import Case, CaseStatus, IntakeReport, Location, Outcome, Priority, SourceChannel, User

DATE_FIELDS: Mapping[str, InstrumentedAttribute[Any]] = {
    "created_at": Case.created_at,
    "closed_at": Case.closed_at,
    "updated_at": Case.updated_at,
}
DATE_FIELD_WORDS = {"created_at": "opened", "closed_at": "closed", "updated_at": "last changed"}

_ENUMS: Mapping[str, type[StrEnum]] = {
    "status": CaseStatus,
    "priority": Priority,
    "channel": SourceChannel,
    "outcome": Outcome,
}
_WORDS = {
    "status": "status",
    "priority": "priority",
    "category": "category",
    "business_unit": "business unit",
    "location": "location",
    "country": "country",
    "region": "region",
    "channel": "channel",
    "assignee": "assignee",
    "outcome": "outcome",
}
_TREES = ("category", "business_unit")
KEYS = (*_WORDS, "anonymous", "tags", "date_field")
_LONGEST = 300
_MOST_VALUES = 1_000


class FilterError(ValueError):
    """A filter that cannot be used: its key ("filters" for the whole), and one sentence for the person."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field
        self.sentence = sentence


@dataclass(frozen=True)
class CaseFilters:
    """Filters that fit the register; made by `parse_filters` alone."""

    organization_id: uuid.UUID
    values: Mapping[str, tuple[str, ...]]
    """Per key what is looked for, any of, in the register's own spelling."""
    ids: Mapping[str, frozenset[uuid.UUID]]
    """For category and business_unit (children included) and location: the rows that the values mean."""
    spellings: Mapping[str, tuple[str, ...]]
    """For country, region and assignee: all that the register writes for them, such as "US" and "us"."""
    anonymous: bool | None = None
    date_field: str = "created_at"
    tags: tuple[TagFilter, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """JSON as it is stored; `parse_filters` reads it back."""
        data: dict[str, Any] = {key: list(values) for key, values in self.values.items()}
        if self.anonymous is not None:
            data["anonymous"] = self.anonymous
        if self.tags:
            data["tags"] = {each.tag.column_name: each.to_json() for each in self.tags}
        if self.date_field != "created_at":
            data["date_field"] = self.date_field
        return data


def parse_filters(data: Any, organization_id: uuid.UUID, connection: Connection | None = None) -> CaseFilters:
    """Checks filters against the register and its words. Raises FilterError naming the key or value at fault.

    `connection` is where the register's names are read; the reading session's unless told.
    """
    return parse_filters_by(data, KnownNames(organization_id, connection))


def parse_filters_by(data: Any, register: KnownNames) -> CaseFilters:
    """The same with names that several filters share."""
    if not isinstance(data, Mapping):
        raise FilterError("filters", 'Filters must be an object such as {"status": ["OPEN"]}.')
    for key in data:
        if key not in KEYS:
            raise FilterError(str(key)[:60], _unknown("There is no filter", key, KEYS, "filters"))
    wanted = {key: _texts(key, data[key]) for key in _WORDS if key in data}
    values: dict[str, tuple[str, ...]] = {}
    ids: dict[str, frozenset[uuid.UUID]] = {}
    spellings: dict[str, tuple[str, ...]] = {}
    for key, texts in wanted.items():
        if key in _TREES:
            values[key], ids[key] = register.nodes(key, texts)
        elif key in _ENUMS:
            values[key] = _distinct(_one_of(key, text, [each.value for each in _ENUMS[key]]) for text in texts)
        elif key == "location":
            values[key], ids[key] = register.locations(texts)
        else:
            known = register.known(key)
            values[key] = _distinct(_one_of(key, text, known) for text in texts)
            meant = {value.strip().casefold() for value in values[key]}
            spellings[key] = tuple(each for each in known if each.strip().casefold() in meant)
    return CaseFilters(
        register.organization_id, values, ids, spellings, _anonymous(data), _date_field(data), _tags(data, register)
    )


def where(
    filters: CaseFilters, start: datetime | None = None, end: datetime | None = None
) -> list[sa.ColumnElement[bool]]:
    """Conditions on `cases`, the organization first; `start` (included) and `end` (not) bound the date field."""
    conditions: list[sa.ColumnElement[bool]] = [Case.organization_id == filters.organization_id]
    date_field = DATE_FIELDS[filters.date_field]
    if start is not None:
        conditions.append(date_field >= start)
    if end is not None:
        conditions.append(date_field < end)
    conditions += [_CONDITIONS[key](filters) for key in filters.values]
    if filters.anonymous is not None:
        conditions.append(earliest(IntakeReport.is_anonymous).is_(filters.anonymous))
    return conditions + [tag_sql.admits(each) for each in filters.tags]


def filters_in_words(filters: CaseFilters) -> str:
    """ "Status OPEN or ON_HOLD; category Harassment, children included"; "All cases" without any."""
    parts = [
        f"{_WORDS[key]} {' or '.join(values)}{', children included' if key in _TREES else ''}"
        for key, values in filters.values.items()
    ]
    if filters.anonymous is not None:
        parts.append("anonymous reports only" if filters.anonymous else "named reports only")
    parts += [each.in_words() for each in filters.tags]
    if filters.date_field != "created_at":
        parts.append(f"period counted by when the case was {DATE_FIELD_WORDS[filters.date_field]}")
    words = "; ".join(parts) or "all cases"
    return words[0].upper() + words[1:]


class KnownNames:
    """The names that an organization's register knows, read when the first filter needs them and then kept."""

    def __init__(
        self,
        organization_id: uuid.UUID,
        connection: Connection | None = None,
        tags: Sequence[Tag] = (),
        *,
        reader: Person | None = None,
    ) -> None:
        """`tags` where they were frozen; those of the register as they are now without. `reader` is whom refusals are
        shown to, and suggestions: they are told of nobody who is but in cases that they are kept from."""
        self.organization_id = organization_id
        self._given_connection = connection
        self._given_tags = tags
        self._reader = reader

    @property
    def _connection(self) -> Connection:
        return self._given_connection or db.session.connection()

    @functools.cached_property
    def tags(self) -> Sequence[Tag]:
        return self._given_tags or load_tags(self._connection, self.organization_id)

    @functools.cached_property
    def _places(self) -> list[Place]:
        return load_locations(self._connection, self.organization_id)

    @functools.cached_property
    def _categories(self) -> Tree:
        return load_categories(self._connection, self.organization_id)

    @functools.cached_property
    def _business_units(self) -> Tree:
        return load_business_units(self._connection, self.organization_id)

    @functools.cached_property
    def _assignees(self) -> list[str]:
        assigned = sa.select(Case.assignee_email).where(Case.organization_id == self.organization_id)
        if self._reader is not None:
            assigned = assigned.where(~kept_from_any(self.organization_id, [self._reader]))
        users = sa.select(User.email).where(User.organization_id == self.organization_id)
        return sorted(text for text in self._connection.scalars(assigned.union(users)) if text)

    def called(self, key: str, text: str) -> str:
        """The name of the one category or business unit that a filter means by this text; else the text."""
        if key not in _TREES:
            return text
        tree = self._tree(key)
        found = [tree.nodes[each].name for each in tree.named(text)]
        return found[0] if len(found) == 1 else text

    def _tree(self, key: str) -> Tree:
        return self._categories if key == "category" else self._business_units

    def nodes(self, key: str, texts: list[str]) -> tuple[tuple[str, ...], frozenset[uuid.UUID]]:
        tree = self._tree(key)
        chosen: set[uuid.UUID] = set()
        spelled = []
        for text in texts:
            found = tree.named(text)
            if not found:
                raise FilterError(key, _unknown(f"There is no {_WORDS[key]}", text, tree.texts()))
            chosen |= found
            spelled.append(_spelling(tree, text, found))
        return _distinct(spelled), frozenset(tree.with_children(chosen))

    def locations(self, texts: list[str]) -> tuple[tuple[str, ...], frozenset[uuid.UUID]]:
        names = _distinct(_one_of("location", text, [place.name for place in self._places]) for text in texts)
        wanted = {name.casefold() for name in names}
        return names, frozenset(place.id for place in self._places if place.name.casefold() in wanted)

    def known(self, key: str) -> list[str]:
        """The values that the register has for country, region or assignee."""
        if key == "assignee":
            return self._assignees
        return sorted({text for place in self._places if (text := place.country if key == "country" else place.region)})


def _texts(key: str, data: Any) -> list[str]:
    texts = [data] if isinstance(data, str) else data
    if not isinstance(texts, list | tuple) or not all(isinstance(text, str) and text.strip() for text in texts):
        raise FilterError(key, f'{key} must be a list of texts, such as ["{_examples(key)}"].')
    if not texts:
        raise FilterError(key, f"{key} lists nothing: name at least one value, or leave the filter out.")
    if len(texts) > _MOST_VALUES or any(len(text) > _LONGEST for text in texts):
        raise FilterError(key, f"{key} takes at most {_MOST_VALUES:,} values of {_LONGEST} characters.")
    return list(texts)


def _examples(key: str) -> str:
    return next(iter(_ENUMS[key])).value if key in _ENUMS else "…"


def _one_of(key: str, text: str, known: list[str]) -> str:
    """The register's own spelling of `text`, whatever its case; words with blanks or `-` count as those with `_`."""
    wanted = text.strip().casefold()
    if key in _ENUMS:
        wanted = wanted.replace(" ", "_").replace("-", "_")
    for each in known:
        if each.strip().casefold() == wanted:
            return each
    raise FilterError(key, _unknown(f"There is no {_WORDS[key]}", text, known))


def _spelling(tree: Tree, text: str, found: set[uuid.UUID]) -> str:
    """The text as the register spells it; what means several rows stays as it was typed."""
    if len(found) > 1:
        return text.strip()
    return tree.value_of(tree.nodes[next(iter(found))])


def _anonymous(data: Mapping[str, Any]) -> bool | None:
    value = data.get("anonymous")
    if value is not None and not isinstance(value, bool):
        raise FilterError("anonymous", "anonymous must be true or false.")
    return value


def _tags(data: Mapping[str, Any], register: KnownNames) -> tuple[TagFilter, ...]:
    if not data.get("tags"):
        return ()
    try:
        return parse_tag_filters(data["tags"], register.tags)
    except (TagFilterError, TagError) as problem:
        raise FilterError("tags", str(problem)) from problem


def _date_field(data: Mapping[str, Any]) -> str:
    value = data.get("date_field", "created_at")
    if not isinstance(value, str) or value not in DATE_FIELDS:
        raise FilterError("date_field", _unknown("There is no date field", value, tuple(DATE_FIELDS), "date fields"))
    return value


def earliest(column: Any) -> sa.ScalarSelect[Any]:
    """That column of the case's earliest intake report."""
    return (
        sa.select(column)
        .where(IntakeReport.organization_id == Case.organization_id, IntakeReport.case_id == Case.id)
        .order_by(IntakeReport.received_at, IntakeReport.id)
        .limit(1)
        .correlate(Case)
        .scalar_subquery()
    )


def _located(filters: CaseFilters, condition: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    places = sa.select(Location.id).where(Location.organization_id == filters.organization_id, condition)
    return Case.location_id.in_(places)


_CONDITIONS: Mapping[str, Callable[[CaseFilters], sa.ColumnElement[bool]]] = {
    "status": lambda filters: Case.status.in_(filters.values["status"]),
    "priority": lambda filters: Case.priority.in_(filters.values["priority"]),
    "outcome": lambda filters: Case.outcome.in_(filters.values["outcome"]),
    "category": lambda filters: Case.category_id.in_(sorted(filters.ids["category"])),
    "business_unit": lambda filters: Case.business_unit_id.in_(sorted(filters.ids["business_unit"])),
    "location": lambda filters: Case.location_id.in_(sorted(filters.ids["location"])),
    "country": lambda filters: _located(filters, Location.country.in_(filters.spellings["country"])),
    "region": lambda filters: _located(filters, Location.region.in_(filters.spellings["region"])),
    "channel": lambda filters: earliest(IntakeReport.source_channel).in_(filters.values["channel"]),
    "assignee": lambda filters: Case.assignee_email.in_(filters.spellings["assignee"]),
}


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))


def _unknown(what: str, value: object, known: Iterable[str], listed_as: str = "") -> str:
    """ "There is no status "OPNE"; did you mean OPEN?", with the whole list where it is short."""
    names = list(dict.fromkeys(known))
    text = "".join(letter if letter.isprintable() else "\ufffd" for letter in str(value)[:60])
    near = difflib.get_close_matches(text.strip().casefold(), {name.casefold(): name for name in names}, n=1)
    if near:
        meant = next(name for name in names if name.casefold() == near[0])
        return f'{what} "{text}"; did you mean {meant}?'
    if 0 < len(names) <= 12:
        return f'{what} "{text}"; {listed_as or "known"}: {", ".join(names)}.'
    return f'{what} "{text}" in the register.' if not listed_as else f'{what} "{text}".'
