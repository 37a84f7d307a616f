"""What should have run: worked out from the rules that people gave, apart from the product's own arithmetic.

A life is a schedule's history as the people who changed it know it: from when to when which rule held.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)


@dataclass(frozen=True)
class WallClock:
    """Every day, or on some weekdays (Monday 1), at a wall-clock time of a zone."""

    at: time
    zone: str
    weekdays: frozenset[int] = frozenset(range(1, 8))

    def to_rule(self) -> dict[str, object]:
        at = f"{self.at:%H:%M}"
        if len(self.weekdays) == 7:
            return {"freq": "daily", "time": at}
        return {"freq": "weekly", "weekdays": sorted(self.weekdays), "time": at}

    def between(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """The instants after the one and not after the other."""
        place = ZoneInfo(self.zone)
        day = after.astimezone(place).date() - DAY
        while day <= until.astimezone(place).date():
            instant = datetime.combine(day, self.at, tzinfo=place).astimezone(UTC)
            if day.isoweekday() in self.weekdays and after < instant <= until:
                yield instant
            day += DAY


@dataclass
class Span:
    """One rule (None: paused), from the change that gave it to the one that took it away.

    When a change took hold is known only to lie between two readings of the clock: (before, after).
    """

    rule: WallClock | None
    since: tuple[datetime, datetime]
    until: tuple[datetime, datetime] | None = None


@dataclass
class Life:
    """All spans of one schedule, in order."""

    organization_id: uuid.UUID
    schedule_id: uuid.UUID
    spans: list[Span] = field(default_factory=list)

    @property
    def rule(self) -> WallClock | None:
        return self.spans[-1].rule

    def change(self, rule: WallClock | None, before: datetime, after: datetime) -> None:
        edges = min(before, after), max(before, after)
        if self.spans:
            self.spans[-1].until = edges
        self.spans.append(Span(rule, edges))

    def required(self, now: datetime) -> set[datetime]:
        """Instants that must have a row by now, whatever happened."""
        found: set[datetime] = set()
        for span in self.spans:
            if span.rule is not None:
                until = span.until[0] if span.until else now
                found |= set(span.rule.between(span.since[1], until))
        return found

    def allowed(self, now: datetime, slack: timedelta) -> set[datetime]:
        """Instants that may have one: `slack` is how far the clock was set back at most, and a process's delay."""
        found: set[datetime] = set()
        for span in self.spans:
            if span.rule is not None:
                until = span.until[1] if span.until else now
                found |= set(span.rule.between(span.since[0] - slack, until + slack))
        return found
