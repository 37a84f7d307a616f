"""A look at the register for whoever sets up a field tag: which fields there are, and what a tag would show.

Bounded in rows and in time, from the newest cases on; nothing is told of cases that the person is kept from.
"""

from __future__ import annotations

import json
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from portal.cases.kept_from import Person, kept_from_any
from portal.exports.row_values import dashed
from portal.exports.tag_cells import OF_INVESTIGATION, TABLES, TagCells
from portal.exports.tag_rules import UNFIT, is_nothing, rule_of
from portal.exports.tagged_fields import LONGEST_PATH, WITH_TEMPLATES, Tag, Unreadable, parsed, path_of
from portal.models import Case, Investigation, TagDataType, TagSource

CASES_LOOKED_AT = 500
"""The newest cases whose fields are offered."""
CASES_COUNTED = 10_000
SECONDS = 1.0
_PAGE = 1_000
_ROWS = 2_000
_DEEPEST = 4
_MOST_PATHS = 200
_LONGEST_SHOWN = 80
_EXAMPLES = 6


@dataclass(frozen=True)
class FoundField:
    """A path that exists: in how many of the rows looked at it has a value, and what stands in the newest."""

    source: TagSource
    path: str
    template: str | None
    count: int
    example: str
    looks_like: TagDataType
    """The type that fits the value of the example."""

    @property
    def name(self) -> str:
        """The path without its root, which all fields of the source share."""
        return self.path.partition(".")[2]


@dataclass(frozen=True)
class Shown:
    """One case's value as it stands in the form, and as the file will show it; `fits` or stays empty."""

    case_number: str
    raw: str
    shown: str
    fits: bool


@dataclass(frozen=True)
class Survey:
    """Of the newest `cases` (all there are where `whole`) so many have a value, and so many of these do not fit."""

    cases: int
    whole: bool
    with_value: int
    unfit: int
    examples: Sequence[Shown]


def find_fields(
    connection: Connection, organization_id: uuid.UUID, viewer: Person, source: TagSource
) -> list[FoundField]:
    """The fields of the source in the newest cases, those that are filled most often first. One query."""
    where = TABLES[source]
    newest = (
        sa.select(Case.id)
        .where(Case.organization_id == organization_id, ~kept_from_any(organization_id, [viewer]))
        .order_by(Case.created_at.desc(), Case.case_number.desc())
        .limit(CASES_LOOKED_AT)
    )
    text: Any = sa.type_coerce(where.document, sa.String)
    if connection.dialect.name != "sqlite":
        text = sa.cast(where.document, sa.String)
    template = sa.null() if where.template is None else where.template
    statement = sa.select(template, text).select_from(where.table)
    owner: Any = where.table.id if source is TagSource.CASE else getattr(where.table, "case_id", None)
    if source is TagSource.INTERVIEW:
        statement, owner = statement.join(Investigation, OF_INVESTIGATION), Investigation.case_id
    statement = statement.where(where.table.organization_id == organization_id, owner.in_(newest))
    counts: Counter[tuple[str | None, str]] = Counter()
    examples: dict[tuple[str | None, str], Any] = {}
    for template, document in connection.execute(statement.limit(_ROWS)):
        for keys, value in _leaves(parsed(document), ()):
            key = template if source in WITH_TEMPLATES else None, path_of(source, keys)
            if len(key[1]) <= LONGEST_PATH and key[1].isprintable():
                counts[key] += 1
                examples.setdefault(key, value)
    common = sorted(counts, key=lambda key: (-counts[key], key[1], key[0] or ""))[:_MOST_PATHS]
    return [
        FoundField(source, key[1], key[0], counts[key], shown_raw(examples[key]), _looks_like(examples[key]))
        for key in common
    ]


def _looks_like(value: Any) -> TagDataType:
    """Yes or no only where the form says so itself: 1 is a number first."""
    if isinstance(value, bool):
        return TagDataType.BOOLEAN
    for kind in (TagDataType.DATE, TagDataType.NUMBER, TagDataType.CURRENCY):
        if rule_of(kind, None).read(value) is not UNFIT:
            return kind
    return TagDataType.TEXT


def _leaves(value: Any, keys: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each value that is no object, with its keys; what is empty is left out."""
    if isinstance(value, dict) and len(keys) < _DEEPEST:
        for key, inner in value.items():
            if key:
                yield from _leaves(inner, (*keys, key))
    elif keys and not is_nothing(value) and not isinstance(value, Unreadable):
        yield keys, value


def survey(connection: Connection, organization_id: uuid.UUID, viewer: Person, tag: Tag) -> Survey:
    """What the tag shows of the newest cases, for as long as there is time. Raises PathError or PatternError."""
    until = time.monotonic() + SECONDS
    newest = connection.execute(
        sa.select(sa.cast(Case.id, sa.String), Case.case_number)
        .where(Case.organization_id == organization_id, ~kept_from_any(organization_id, [viewer]))
        .order_by(Case.created_at.desc(), Case.case_number.desc())
        .limit(CASES_COUNTED + 1)
    ).all()
    cells = TagCells(connection, organization_id, [tag], read=lambda raw: raw)
    read = tag.rule.read
    seen = with_value = unfit = 0
    fitting: list[Shown] = []
    misfits: list[Shown] = []
    for first in range(0, min(len(newest), CASES_COUNTED), _PAGE):
        if seen and time.monotonic() > until:
            break
        page = newest[first : min(first + _PAGE, CASES_COUNTED)]
        for (_, number), (raw,) in zip(page, cells.of([dashed(row[0]) for row in page]), strict=True):
            seen += 1
            if raw is None:
                continue
            with_value += 1
            value = read(raw)
            fits = value is not UNFIT
            unfit += not fits
            into = fitting if fits else misfits
            if len(into) < _EXAMPLES:
                into.append(Shown(number, shown_raw(raw), "" if not fits else shown_value(value), fits))
    return Survey(seen, seen == len(newest), with_value, unfit, [*misfits, *fitting])


def shown_raw(value: Any) -> str:
    """A value as it stands in the form, short: text in quotes, so that blanks are seen."""
    if isinstance(value, Unreadable):
        return "(cannot be read)"
    try:
        return _short(json.dumps(value, ensure_ascii=False))
    except RecursionError:
        return "(nested too deep to be shown)"


def shown_value(value: Any) -> str:
    """As a CSV file shows it."""
    return _short(str(value).lower() if isinstance(value, bool) else "" if value is None else str(value))


def _short(text: str) -> str:
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    return line if len(line) <= _LONGEST_SHOWN else f"{line[:_LONGEST_SHOWN]}…"
