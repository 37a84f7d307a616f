"""What the builder says beside the form: the schedule in words, its next moments, and what it would make now.

Each part is there as soon as the answers it needs are; a wrong answer elsewhere hides none of the others.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal.exports.case_filters import FilterError
from portal.exports.catalogue import CatalogueError
from portal.exports.periods import PeriodError, Resolved, parse_period, period_in_words, resolve
from portal.exports.preview import Preview, preview
from portal.exports.request import ExportRequest
from portal.extensions import db
from portal.moments import offset_in_words, short_day_in_words
from portal.pages.schedules.in_words import sentence
from portal.schedules.freeze import last_successes
from portal.schedules.recipients import parse_recipients
from portal.schedules.rule import Occurrence, RuleError, next_occurrences, parse_rule
from portal.schedules.words import occurrence_note
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


@dataclass(frozen=True)
class SoFar:
    """None or empty where the answers are not there yet."""

    said: str | None
    moments: Sequence[Moment]
    period: str | None
    preview: Preview | None


def so_far(
    data: dict[str, Any],
    organization_id: uuid.UUID,
    now: datetime,
    schedule_id: uuid.UUID | None,
    *,
    with_rows: bool = True,
) -> SoFar:
    """`data` as `answers.data_of` gives it; of an existing schedule its id tells when it last succeeded."""
    moments = next_moments(data["rule"], data["timezone"], now)
    resolved = _resolved(data, now, schedule_id)
    return SoFar(
        said=sentence({**data, "destinations": _destinations(data)}) if moments else None,
        moments=moments,
        period=period_in_words(resolved, zone(data["timezone"])) if resolved else None,
        preview=_preview(data, organization_id, now, resolved) if resolved and with_rows else None,
    )


def next_moments(rule: Any, timezone: str, now: datetime) -> list[Moment]:
    """The next ten; none where the rule or the zone cannot be used."""
    try:
        found = next_occurrences(parse_rule(rule), zone(timezone), now, MOMENTS)
    except (RuleError, ZoneError):
        return []
    before: list[Occurrence | None] = [None, *found]
    return [_moment(each, previous) for each, previous in zip(found, before, strict=False)]


def _moment(occurrence: Occurrence, previous: Occurrence | None) -> Moment:
    local = occurrence.local
    return Moment(
        day=short_day_in_words(local.date()),
        time=f"{local:%H:%M} {occurrence.abbreviation}",
        utc=_in_utc(occurrence),
        instant=occurrence.instant,
        note=occurrence_note(occurrence, previous),
    )


def _in_utc(occurrence: Occurrence) -> str:
    instant = occurrence.instant
    other_day = instant.date() != occurrence.local.date()
    day = f"{short_day_in_words(instant.date())}, " if other_day else ""
    return f"{offset_in_words(instant, occurrence.zone)}, {day}{instant:%H:%M} UTC"


def _destinations(data: dict[str, Any]) -> list[dict[str, str]]:
    recipients, _ = parse_recipients(data["recipients"])
    mails = [{"kind": "EMAIL", "target": each.address, "name": each.name} for each in recipients]
    folders = [each for each in data["folders"].splitlines() if each.strip()]
    return [*mails, *({"kind": "FOLDER", "target": each, "name": ""} for each in folders)]


def _resolved(data: dict[str, Any], now: datetime, schedule_id: uuid.UUID | None) -> Resolved | None:
    try:
        period, place = parse_period(data["period"]), zone(data["timezone"])
    except (PeriodError, ZoneError):
        return None
    since = None
    if period.text == "since_last_success" and schedule_id is not None:
        since = last_successes(db.session(), [schedule_id]).get(schedule_id)
    return resolve(period, now, place, since)


def _preview(data: dict[str, Any], organization_id: uuid.UUID, now: datetime, resolved: Resolved) -> Preview | None:
    request = ExportRequest(
        organization_id=organization_id,
        export_type=str(data["export_type"]),
        format=str(data["format"]),
        filters=data["filters"],
        start=resolved.start,
        end=resolved.end,
        planned_for=now,
        zone=data["timezone"],
        format_options=data["format_options"],
        column_config=data["column_config"],
    )
    try:
        request.check()
        return preview(request, FIRST_ROWS)
    except (CatalogueError, FilterError):
        return None
