"""How the cases of the period divide: by category, unit, location, channel, priority and outcome, ranked."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from portal.exports.board_report.counts import Counts, Group, Key
from portal.exports.board_report.labels import NOT_RECORDED, PRIORITIES, Labels, level_units
from portal.exports.board_report.measures import Change, Measure, change_of
from portal.exports.board_report.small_counts import hidden_rows
from portal.exports.board_report.sql import BEFORE, NOW

TOP = 10
"""So many values have a row of their own; all others share one."""


class RowKind(Enum):
    VALUE = "value"
    OTHERS = "others"
    NOT_RECORDED = "not recorded"


@dataclass(frozen=True)
class BreakdownRow:
    """`label` may be long (300 characters): whoever draws it cuts it."""

    label: str
    count: Measure
    share: Measure
    """Of all cases of the breakdown."""
    before: Measure | None
    change: Change | None
    anonymous: Measure | None
    """How many of `count` are anonymous, as a count that may be hidden; None in a breakdown that does not say."""
    kind: RowKind = RowKind.VALUE


@dataclass(frozen=True)
class Breakdown:
    """Rows in the order they are shown in: the most cases first (priorities by rank), then the others, then the cases
    that have none recorded. Their counts add up to `total`. No rows: there were no cases."""

    key: str
    """category, business_unit, location, channel, priority, outcome; "breakdown_" + key names its definition."""
    label: str
    """ "Category"."""
    of: str
    """ "cases opened" or "cases closed"."""
    rows: tuple[BreakdownRow, ...]
    total: int
    others: int
    """How many values the row of the others stands for."""

    @property
    def is_recorded(self) -> bool:
        """Whether any of the cases has a value."""
        return any(row.kind is not RowKind.NOT_RECORDED for row in self.rows)


_LABELS = {
    "category": "Category",
    "business_unit": "Business unit",
    "location": "Location",
    "channel": "Channel",
    "priority": "Priority",
    "outcome": "Outcome",
}


def breakdowns(counts: Counts, labels: Labels) -> tuple[Breakdown, ...]:
    return tuple(_breakdown(key, groups_of(counts, labels, key), labels, counts) for key in _LABELS)


def groups_of(counts: Counts, labels: Labels, key: str) -> dict[Key, Group]:
    """By top category, by business unit of one level, or by whatever else; cases closed by outcome."""
    if key == "outcome":
        now, before = counts.closed.outcomes[NOW], counts.closed.outcomes[BEFORE]
        return {each: Group(now[each], 0, before[each]) for each in now | before}
    found = counts.opened.groups[key]
    if key not in ("category", "business_unit"):
        return found
    above = labels.top_of_category if key == "category" else units_shown(counts, labels)
    joined: dict[Key, Group] = defaultdict(Group)
    for ident, group in found.items():
        joined[above[ident] if isinstance(ident, uuid.UUID) else None].add(group)
    return joined


def units_shown(counts: Counts, labels: Labels) -> dict[uuid.UUID, uuid.UUID]:
    """What stands for each business unit: all of them are of one level of their tree."""
    keys = counts.opened.groups["business_unit"].keys() | counts.closed.outcomes_by_unit.keys()
    return level_units(labels, [key for key in keys if isinstance(key, uuid.UUID)])


def _breakdown(key: str, groups: Mapping[Key, Group], labels: Labels, counts: Counts) -> Breakdown:
    names = labels.names[key]
    known = {each: group for each, group in groups.items() if each is not None}
    ranked = sorted(known, key=lambda each: (-known[each].now, names[each].casefold(), str(each)))
    if key == "priority":
        ranked = [each for each in PRIORITIES if each is not None and each in known]
    # of one alone a row of its own takes no more room than "others" would
    shown, rest = (ranked, []) if len(ranked) == TOP + 1 else (ranked[:TOP], ranked[TOP:])
    rows = [(names[each], known[each], RowKind.VALUE) for each in shown]
    if rest:
        others = Group()
        for each in rest:
            others.add(known[each])
        rows.append((f"{len(rest):,} others", others, RowKind.OTHERS))
    if None in groups:
        rows.append((NOT_RECORDED, groups[None], RowKind.NOT_RECORDED))
    total = sum(group.now for group in groups.values())
    return Breakdown(
        key,
        _LABELS[key],
        "cases closed" if key == "outcome" else "cases opened",
        _rows(rows, total, counts, with_anonymous=key != "outcome") if total else (),
        total,
        len(rest),
    )


def _rows(
    rows: list[tuple[str, Group, RowKind]], total: int, counts: Counts, *, with_anonymous: bool
) -> tuple[BreakdownRow, ...]:
    hidden = hidden_rows([group.now for _, group, _ in rows], [group.anonymous for _, group, _ in rows])
    if not counts.anonymous_shown[NOW]:
        hidden = set(range(len(rows)))
    return tuple(
        _row(label, group, kind, total, counts, _anonymous(group, place in hidden) if with_anonymous else None)
        for place, (label, group, kind) in enumerate(rows)
    )


def _row(
    label: str, group: Group, kind: RowKind, total: int, counts: Counts, anonymous: Measure | None
) -> BreakdownRow:
    now = Measure.count(group.now)
    before = Measure.count(group.before) if counts.has_before else None
    return BreakdownRow(label, now, Measure.share(group.now, total), before, change_of(now, before), anonymous, kind)


def _anonymous(group: Group, hidden: bool) -> Measure:  # said by the caller's comprehension
    return Measure.hidden_count() if hidden else Measure.count(group.anonymous)
