"""The values of a flat file's row, made from the parts that a row source gives: one computation for all databases.

Everything is by position: names would cost more than all else in a row together.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from portal.exports.register_columns import INVESTIGATION_WIDTH
from portal.exports.register_names import Place, Tree
from portal.exports.writers import Value
from portal.exports.writers.local_hours import LocalHours, at_wall
from portal.models import CaseStatus

CaseParts = Sequence[Any]
"""One case as a row source gives it, by position: id, number, status, priority, created, closed, due, category id,
assignee name, assignee address, business unit id, location id, outcome, outcome reason, then of the earliest intake
report channel, anonymous, relationship, then the number of reports, whether there is a remediation plan, the newest
one's status, the number of subjects, of attachments, and a list of all `InvestigationParts` in the file's order.
Instants are UTC as text that begins `2026-11-02 13:00:00`, ids are as the database's driver writes them."""

InvestigationParts = Sequence[Any]
"""id, type, status, outcome, started, completed, investigator's name, number of interviews, finding summary."""

_NOTHING = (None,) * INVESTIGATION_WIDTH
_NO_DAY = (None, None)
_CLOSED = CaseStatus.CLOSED.value


class RowValues:
    """Turns `CaseParts` into rows: the core columns, then `investigations` times ten."""

    def __init__(
        self,
        *,
        zone: ZoneInfo,
        planned_for: datetime,
        investigations: int,
        categories: Tree,
        business_units: Tree,
        locations: Iterable[Place],
        id_text: Callable[[uuid.UUID], str],
    ) -> None:
        """`id_text` writes an id as the database's driver does."""
        self._zone = zone
        self._hours = LocalHours(zone, _day)
        self._planned_for = planned_for.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
        self._planned_day = planned_for.astimezone(zone).toordinal()
        self._investigations = investigations
        self._categories = _category_cells(categories, id_text)
        self._units: dict[str | None, tuple[Value, ...]] = {None: (None, None)}
        self._units |= {id_text(unit.id): (unit.name, unit.code) for unit in business_units.nodes.values()}
        self._places: dict[str | None, tuple[Value, ...]] = {None: (None, None, None)}
        self._places |= {id_text(place.id): (place.name, place.country, place.region) for place in locations}

    def rows(self, cases: Iterable[CaseParts]) -> list[tuple[Value, ...]]:
        """A page of rows."""
        hours, categories, units, places = self._hours, self._categories, self._units, self._places
        nothing = _NOTHING * self._investigations
        planned_for, planned_day = self._planned_for, self._planned_day
        found: list[tuple[Value, ...]] = []
        for (
            case_id, number, status, priority, created, closed, due, category, assignee, address, unit, place,
            outcome, reason, channel, anonymous, relationship, reports, has_plan, plan, subjects, attachments,
            investigations,
        ) in cases:  # fmt: skip
            over: str | None
            last_day: int | None
            if status != _CLOSED:
                over, last_day = planned_for, planned_day
            elif closed is None:
                over = last_day = None
            else:
                over, last_day = closed, (hours[closed[:13]] or self._day(closed))[1]
            first_day = (hours[created[:13]] or self._day(created))[1]
            found.append(
                (
                    dashed(case_id), number, status, priority, created, closed,
                    None if last_day is None else last_day - first_day,
                    False if due is None else None if over is None else due < over,
                    *categories[category], channel, anonymous, relationship, assignee, address,
                    *units[unit], *places[place], outcome, reason, has_plan, plan,
                    reports, len(investigations), subjects, attachments,
                    *(self._repeated(investigations) if investigations and nothing else nothing),
                )
            )  # fmt: skip
        return found

    def _repeated(self, investigations: Sequence[InvestigationParts]) -> list[Value]:
        cells: list[Value] = []
        for investigation in investigations[: self._investigations]:
            cells += self._investigation(investigation)
        return cells + list(_NOTHING) * (self._investigations - len(cells) // INVESTIGATION_WIDTH)

    def _investigation(self, parts: InvestigationParts) -> tuple[Value, ...]:
        """Its ten cells."""
        hours = self._hours
        ident, kind, status, outcome, started, completed, name, interviews, summary = parts
        first, start = hours[started[:13]] or self._day(started) if started else _NO_DAY
        last, end = hours[completed[:13]] or self._day(completed) if completed else _NO_DAY
        spent = None if start is None or end is None else end - start
        return dashed(ident), kind, status, outcome, first, last, spent, name, int(interviews), summary

    def investigation_rows(self, cases: Iterable[CaseParts]) -> list[tuple[Value, ...]]:
        """One row for each investigation of a page's cases: the case's id and number, then its ten cells."""
        return [(dashed(case[0]), case[1], *self._investigation(each)) for case in cases for each in case[-1]]

    def _day(self, instant: str) -> tuple[str, int]:
        return _day(at_wall(instant, self._zone))


def dashed(ident: str) -> str:
    """A UUID's usual text, from it or from 32 hexadecimal digits."""
    if len(ident) != 32:
        return ident
    return f"{ident[:8]}-{ident[8:12]}-{ident[12:16]}-{ident[16:20]}-{ident[20:]}"


def _day(wall: datetime) -> tuple[str, int]:
    """A local date as ISO text and as ordinal."""
    return wall.date().isoformat(), wall.toordinal()


def _category_cells(tree: Tree, id_text: Callable[[uuid.UUID], str]) -> Mapping[str | None, tuple[Value, ...]]:
    """Name and code of the top category, and the case's own category where that is another one."""
    cells: dict[str | None, tuple[Value, ...]] = {None: (None, None, None)}
    for node in tree.nodes.values():
        line = tree.line(node)
        cells[id_text(node.id)] = (line[-1].name, line[-1].code, node.name if len(line) > 1 else None)
    return cells
