"""The next moments of a schedule as its pages show them, of one that is saved and of one that is being built."""

from __future__ import annotations

import itertools
import uuid
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from portal.extensions import db
from portal.models import OnBlackout, Schedule
from portal.moments import offset_in_words, short_day_in_words
from portal.schedules.calendar_rule import Moment as PlannedMoment
from portal.schedules.calendar_rule import Plan
from portal.schedules.calendar_rule import moments as planned_moments
from portal.schedules.calendars import calendars_of, heeded_by, plan_of
from portal.schedules.rule import Occurrence, RuleError, parse_rule
from portal.schedules.words import moved_in_words, occurrence_note
from portal.zones import ZoneError, zone

MOMENTS = 10


@dataclass(frozen=True)
class Moment:
    """One of the next moments: local day and time, the same in UTC, the instant, and what the clocks do to it."""

    day: str
    time: str
    utc: str
    """ "UTC-05:00, 13:00 UTC", with the day where it is another."""
    instant: datetime
    note: str | None
    skipped: str | None
    """The name of the day for which it is not made."""


def moments_of(schedule: Schedule, now: datetime) -> list[Moment]:
    """The next ten of a schedule that is saved; none where it cannot be read."""
    try:
        plan = plan_of(schedule, heeded_by(db.session(), [schedule]))
    except (RuleError, ZoneError):
        return []
    return next_moments(plan, now, schedule.ready_by)


def next_moments(plan: Plan, now: datetime, ready_by: str | None) -> list[Moment]:
    """The next ten, those that are skipped included."""
    found = list(itertools.islice(planned_moments(plan, now), MOMENTS))
    before: list[Occurrence | None] = [None, *(each.landed for each in found)]
    return [_moment(each, previous, ready_by) for each, previous in zip(found, before, strict=False)]


def plan_of_answers(
    data: dict[str, Any], organization_id: uuid.UUID, now: datetime, schedule: Schedule | None
) -> Plan | None:
    """What would be planned by if it were saved now; None where the rule or the zone cannot be used."""
    try:
        rule, place = parse_rule(data["rule"]), zone(data["timezone"])
    except (RuleError, ZoneError):
        return None
    choice = OnBlackout(data["on_blackout"]) if data["on_blackout"] in tuple(OnBlackout) else OnBlackout.RUN
    if choice is OnBlackout.RUN:
        return Plan(rule, place)
    since = schedule.on_blackout_since if schedule and schedule.on_blackout is choice else now
    return Plan(rule, place, choice, calendars_of(db.session(), [organization_id]).get(organization_id, {}), since)


def latest_of_answers(data: dict[str, Any]) -> str | None:
    """The latest time where it is one."""
    try:
        return f"{time.fromisoformat(data['ready_by'] or ''):%H:%M}"
    except ValueError:
        return None


def _moment(moment: PlannedMoment, previous: Occurrence | None, ready_by: str | None) -> Moment:
    landed = moment.landed
    local = landed.local
    until = f"–{ready_by}" if ready_by else ""
    notes = [_lower(moved_in_words(moment).rstrip(".")), occurrence_note(landed, previous)]
    if moment.skipped is not None:
        notes.insert(0, f"skipped: {moment.skipped}")
    return Moment(
        day=short_day_in_words(local.date()),
        time=f"{local:%H:%M}{until} {landed.abbreviation}",
        utc=_in_utc(landed),
        instant=moment.instant,
        note="; ".join(filter(None, notes)) or None,
        skipped=moment.skipped,
    )


def _lower(words: str) -> str:
    return words[:1].lower() + words[1:]


def _in_utc(occurrence: Occurrence) -> str:
    instant = occurrence.instant
    other_day = instant.date() != occurrence.local.date()
    day = f"{short_day_in_words(instant.date())}, " if other_day else ""
    return f"{offset_in_words(instant, occurrence.zone)}, {day}{instant:%H:%M} UTC"
