"""Small groups of anonymous reports: how much of "where and who" can be told of each without telling who reported.

The columns stand from the coarsest to the finest. A value is told where at least five anonymous cases of this very
export share it and everything coarser; where fewer than five are withheld beside others that are told, so that they
could be told by what is missing, the next smallest group is withheld too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from portal.exports.case_filters import CaseFilters, earliest
from portal.exports.columns import Sensitivity
from portal.exports.scope import Scope
from portal.models import BusinessUnit, Case, IntakeReport, Location

FEWEST = 5

_VALUES: Mapping[str, Any] = {
    "location_country": Location.country,
    "location_region": Location.region,
    "location_name": Location.name,
    "business_unit_name": BusinessUnit.name,
    "business_unit_code": BusinessUnit.code,
    "reporter_relationship": earliest(IntakeReport.reporter_relationship),
}
CHAIN = tuple(_VALUES)
"""Column keys from the coarsest to the finest."""
_PLACES = frozenset({"country", "region", "location", "business_unit"})

Group = tuple[Any, ...]


@dataclass(frozen=True)
class SmallGroups:
    """What may be told of the anonymous cases of an export."""

    told: Mapping[Group, int]
    """Per combination of the columns' values, how many of the columns, from the first on."""
    everywhere: bool
    """The export is limited to a place and holds fewer than five anonymous cases: whatever tells the place of any case
    tells theirs."""


def small_groups(connection: Connection, scope: Scope, columns: Sequence[str], always_told: int) -> SmallGroups:
    """Counted among the cases of `scope` by `columns`, keys of CHAIN, of which the first `always_told` are not masked.

    Holds one entry for each combination that occurs.
    """
    counted = _counted(connection, scope, columns)
    total = sum(number for _, number in counted)
    limited = any(_asks_for_place(each) for each in (scope.filters, scope.own_filters))
    return SmallGroups(told_of(counted, always_told), everywhere=limited and 0 < total < FEWEST)


def told_of(counted: Iterable[tuple[Group, int]], always_told: int) -> dict[Group, int]:
    """See `SmallGroups.told`; `counted` holds each combination once with its number of cases."""
    told: dict[Group, int] = {}
    _tell(list(counted), 0, always_told, told)
    return told


def _tell(groups: list[tuple[Group, int]], level: int, always_told: int, told: dict[Group, int]) -> None:
    """Decides about the column at `level`, for cases that are alike in all before it."""
    if not groups or level == len(groups[0][0]):
        told.update((group, level) for group, _ in groups)
        return
    parts: dict[Any, list[tuple[Group, int]]] = defaultdict(list)
    for group in groups:
        parts[group[0][level]].append(group)
    withheld = set() if level < always_told else _withheld({key: _size(part) for key, part in parts.items()})
    for key, part in parts.items():
        if key in withheld:
            told.update((group, level) for group, _ in part)
        else:
            _tell(part, level + 1, always_told, told)


def _withheld(sizes: Mapping[Any, int]) -> set[Any]:
    """Which of the values are withheld, by how many cases have them."""
    smallest_first = sorted(sizes, key=lambda key: (sizes[key], str(key)))
    withheld: set[Any] = set()
    missing = 0
    for key in smallest_first:
        if sizes[key] >= FEWEST and not 0 < missing < FEWEST:
            break
        withheld.add(key)
        missing += sizes[key]
    return withheld


def _size(part: Iterable[tuple[Group, int]]) -> int:
    return sum(number for _, number in part)


def _counted(connection: Connection, scope: Scope, columns: Sequence[str]) -> list[tuple[Group, int]]:
    place = sa.and_(Location.organization_id == Case.organization_id, Location.id == Case.location_id)
    unit = sa.and_(BusinessUnit.organization_id == Case.organization_id, BusinessUnit.id == Case.business_unit_id)
    values = [_VALUES[key].label(key) for key in columns]
    anonymous = (
        sa.select(Case.id, *values)
        .outerjoin(Location, place)
        .outerjoin(BusinessUnit, unit)
        .where(*scope.conditions, earliest(IntakeReport.is_anonymous).is_(True))
        .subquery()
    )
    groups = [anonymous.c[key] for key in columns]
    rows = connection.execute(sa.select(*groups, sa.func.count()).group_by(*groups))
    return [(tuple(row[:-1]), row[-1]) for row in rows]


def _asks_for_place(filters: CaseFilters | None) -> bool:
    if filters is None:
        return False
    tagged = (each.tag.sensitivity for each in filters.tags)
    return not _PLACES.isdisjoint(filters.values) or Sensitivity.PLACE in tagged
