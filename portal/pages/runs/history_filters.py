"""What the list of runs is narrowed to, read from the address: a filtered list can be kept as a bookmark."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from portal.models import RunState
from portal.moments import MomentError, parse_day
from portal.runs.history import Cursor, Wanted

NAMES = ("schedule", "name", "state", "since", "until", "who")
PLAN = "plan"


@dataclass(frozen=True)
class Asked:
    """The filters as they were typed, and what they come to."""

    typed: Mapping[str, str]
    wanted: Wanted
    problems: Mapping[str, str] = field(default_factory=dict)
    """A sentence by the name of the field; a filter with a problem does not narrow."""

    @property
    def query(self) -> dict[str, Any]:
        """For addresses that lead on in the same list."""
        return {name: value for name, value in self.typed.items() if value}


def read_filters(args: Mapping[str, str], zone: ZoneInfo) -> Asked:
    """Days are of the reader's zone, `since` and `until` both included."""
    typed = {name: args.get(name, "").strip()[:200] for name in NAMES}
    problems: dict[str, str] = {}
    wanted = Wanted(
        schedule_id=_id(typed["schedule"]),
        schedule_name=typed["name"],
        state=_state(typed["state"], problems),
        since=_midnight("since", typed["since"], zone, problems),
        until=_midnight("until", typed["until"], zone, problems, days_later=1),
        requested_by_id=_id(typed["who"]),
        by_the_plan=typed["who"] == PLAN,
    )
    if wanted.since and wanted.until and wanted.since >= wanted.until:
        problems["until"] = "The last day is before the first."
    return Asked(typed, wanted, problems)


def read_cursor(text: str | None) -> Cursor | None:
    """None for no place and for one that does not exist: the list then begins at its newest."""
    if not text:
        return None
    try:
        return Cursor.from_text(text)
    except ValueError:
        return None


def _id(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _state(text: str, problems: dict[str, str]) -> RunState | None:
    if not text:
        return None
    try:
        return RunState(text)
    except ValueError:
        problems["state"] = "There is no such state; choose one of the list."
        return None


def _midnight(
    name: str, text: str, zone: ZoneInfo, problems: dict[str, str], *, days_later: int = 0
) -> datetime | None:
    if not text:
        return None
    try:
        day = parse_day(text) + timedelta(days=days_later)
    except MomentError as problem:
        problems[name] = str(problem)
        return None
    return datetime.combine(day, time(), zone).astimezone(UTC)
