"""What the builder says beside the form: the schedule in words, its next moments, and what it would make now.

Each part is there as soon as the answers it needs are; a wrong answer elsewhere hides none of the others.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time
from typing import Any

from humanize import naturalsize

from portal.cases.kept_from import Person
from portal.exports.case_filters import FilterError
from portal.exports.catalogue import CatalogueError
from portal.exports.columns import Column
from portal.exports.periods import PeriodError, Resolved, parse_period, period_in_words, resolve
from portal.exports.preview import Preview, preview
from portal.exports.request import ExportRequest
from portal.exports.tagged_fields import Tag
from portal.exports.writers import ExportLimit
from portal.extensions import db
from portal.models import OnBlackout, Schedule
from portal.moments import offset_in_words, short_day_in_words
from portal.pages.schedules.in_words import described_answers, headed_by_keys, sentence
from portal.pages.schedules.sides import Masker, Side
from portal.schedules.calendar_rule import Moment as PlannedMoment
from portal.schedules.calendar_rule import Plan
from portal.schedules.calendar_rule import moments as planned_moments
from portal.schedules.calendars import calendars_of, heeded_by, plan_of
from portal.schedules.freeze import last_successes
from portal.schedules.rule import Occurrence, RuleError, parse_rule
from portal.schedules.words import moved_in_words, occurrence_note
from portal.zones import ZoneError, zone

MOMENTS = 10
FIRST_ROWS = 20


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


@dataclass(frozen=True)
class Viewer:
    """Who looks, and what their organization has: asked for once a page."""

    organization_id: uuid.UUID
    person: Person
    masker: Masker
    tags: Sequence[Tag]


@dataclass(frozen=True)
class SoFar:
    """None or empty where the answers are not there yet."""

    said: str | None
    moments: Sequence[Moment]
    period: str | None
    preview: Preview | None
    why_not: str | None
    """Why there can be no such file: what to choose instead."""
    by_keys: bool
    """Whether the file heads its columns with keys."""
    sides: Sequence[Side]
    """Who will see which masking."""
    look_as: str
    """The side as which the rows are shown."""

    @property
    def size(self) -> str | None:
        """ "about 1.2 MB"."""
        about = self.preview.about_bytes if self.preview else None
        return None if about is None else f"about {naturalsize(about)}"


def so_far(
    data: dict[str, Any],
    viewer: Viewer,
    now: datetime,
    schedule: Schedule | None,
    *,
    look_as: str = "inside",
    with_rows: bool = True,
) -> SoFar:
    """`data` as `answers.data_of` gives it; an existing schedule tells when it last succeeded and what it heeded.

    Rows are counted and shown as the viewer may see them, masked as for the side `look_as`.
    """
    organization_id = viewer.organization_id
    described = described_answers(data)
    look_as = _side_to_look_as(viewer.masker.sides(described), look_as)
    plan = _plan(data, organization_id, now, schedule)
    moments = next_moments(plan, now, _latest(data)) if plan else []
    resolved = _resolved(data, now, schedule.id if schedule else None)
    request = _request(data, viewer, now, resolved) if resolved else None
    sides = viewer.masker.sides(described, _columns(request))
    found, why_not = None, None
    if request and with_rows:
        try:
            found = _preview(request, viewer.masker, data["masking"], look_as)
        except (CatalogueError, ExportLimit, FilterError) as problem:
            why_not = str(problem)
    return SoFar(
        said=sentence(described) if moments else None,
        moments=moments,
        period=period_in_words(resolved, zone(data["timezone"])) if resolved else None,
        preview=found,
        why_not=why_not,
        by_keys=headed_by_keys(data),
        sides=sides,
        look_as=look_as,
    )


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


def _plan(data: dict[str, Any], organization_id: uuid.UUID, now: datetime, schedule: Schedule | None) -> Plan | None:
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


def _latest(data: dict[str, Any]) -> str | None:
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


def _resolved(data: dict[str, Any], now: datetime, schedule_id: uuid.UUID | None) -> Resolved | None:
    try:
        period, place = parse_period(data["period"]), zone(data["timezone"])
    except (PeriodError, ZoneError):
        return None
    since = None
    if period.text == "since_last_success" and schedule_id is not None:
        since = last_successes(db.session(), [schedule_id]).get(schedule_id)
    return resolve(period, now, place, since)


def _request(data: dict[str, Any], viewer: Viewer, now: datetime, resolved: Resolved) -> ExportRequest:
    return ExportRequest(
        organization_id=viewer.organization_id,
        export_type=str(data["export_type"]),
        format=str(data["format"]),
        filters=data["filters"],
        start=resolved.start,
        end=resolved.end,
        planned_for=now,
        zone=data["timezone"],
        format_options=data["format_options"],
        column_config=data["column_config"],
        title=data["name"],
        seen_by=(viewer.person,),
        only_changes=data["only_changes"],
        tags=tuple(tag.to_json() for tag in viewer.tags),
    )


def _side_to_look_as(sides: Sequence[Side], chosen: str) -> str:
    """The chosen one, unless it has nobody and the other has."""
    peopled = [side.name for side in sides if side.people]
    return peopled[0] if peopled and chosen not in peopled else chosen


def _columns(request: ExportRequest | None) -> Sequence[Column]:
    """None where they cannot be had yet."""
    try:
        return request.columns() if request else ()
    except CatalogueError:
        return ()


def _preview(request: ExportRequest, masker: Masker, chosen: Mapping[str, str], look_as: str) -> Preview:
    """Raises CatalogueError, ExportLimit or FilterError where there can be no such file."""
    request.check()
    masking = masker.masking(look_as, chosen, request.columns())
    return preview(replace(request, masking=masking), FIRST_ROWS)
