"""What a run will be, frozen the moment it is written down: later edits of the schedule change nothing of it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.exports.case_filters import filters_in_words, parse_filters
from portal.exports.periods import Resolved, parse_period, period_in_words, resolve
from portal.exports.request import ExportRequest
from portal.models import Destination, Run, RunKind, RunState, Schedule
from portal.schedules.words import schedule_in_words
from portal.zones import ZoneError, zone

EVERYONE = "all"  # the variant that all destinations get, as long as all may see the same


@dataclass(frozen=True)
class Frozen:
    configuration: dict[str, Any]
    period: Resolved


def freeze(
    db: Session,
    schedule: Schedule,
    destinations: Sequence[Destination],
    *,
    planned_for: datetime,
    local_day: date,
    counted_from: tuple[datetime, datetime] | None = None,
) -> Frozen:
    """The configuration of a run planned for that instant; the period counts from it, never from now.

    `counted_from` where beginning and end of the period count from other instants: the run was put off.
    """
    place = zone(schedule.timezone)
    parsed = parse_period(schedule.period)
    since = last_success(db, schedule.id) if parsed.text == "since_last_success" else None
    first, last = counted_from or (planned_for, planned_for)
    period = Resolved(resolve(parsed, first, place, since).start, resolve(parsed, last, place, since).end)
    request = ExportRequest(
        organization_id=schedule.organization_id,
        export_type=schedule.export_type,
        format=schedule.format,
        format_options=schedule.format_options,
        filters=schedule.filters,
        start=period.start,
        end=period.end,
        planned_for=planned_for,
        zone=schedule.timezone,
        column_config=schedule.column_config,
        title=schedule.name,
    )
    words = {
        "rule": schedule_in_words(schedule),
        "period": period_in_words(period, place),
        "filters": filters_in_words(parse_filters(schedule.filters, schedule.organization_id)),
    }
    configuration = _configuration(schedule, destinations, local_day, words, request.to_json())
    return Frozen(configuration, period)


def freeze_unreadable(schedule: Schedule, *, local_day: date) -> dict[str, Any]:
    """What can be told of a schedule that cannot be frozen, for a moment that is written down but not made."""
    words = dict.fromkeys(("rule", "period", "filters"), "Could not be read")
    export = {"export_type": schedule.export_type.value, "format": schedule.format.value}
    configuration = _configuration(schedule, schedule.destinations, local_day, words, export)
    try:
        zone(schedule.timezone)
    except ZoneError:
        configuration["schedule"]["timezone"] = "UTC"
    return configuration


def _configuration(
    schedule: Schedule,
    destinations: Sequence[Destination],
    local_day: date,
    words: Mapping[str, str],
    export: Mapping[str, Any],
) -> dict[str, Any]:
    return {
        "schedule": {
            "id": str(schedule.id),
            "name": schedule.name,
            "description": schedule.description,
            "revision": schedule.revision,
            "rule": schedule.rule,
            "in_words": words["rule"],
            "timezone": schedule.timezone,
            "owner": str(schedule.owner_id) if schedule.owner_id else None,
        },
        "local_day": local_day.isoformat(),
        "period": schedule.period,
        "period_in_words": words["period"],
        "filters_in_words": words["filters"],
        "export": dict(export),
        "delivery": schedule.delivery_config,
        "no_rows": schedule.no_rows.value,
        "destinations": [
            {
                "kind": each.kind.value,
                "target": each.target,
                "name": each.name,
                "user_id": str(each.user_id) if each.user_id else None,
                "variant": EVERYONE,
            }
            for each in destinations
        ],
    }


def last_success(db: Session, schedule_id: uuid.UUID) -> datetime | None:
    """The end of the period of the newest planned run that ended SUCCEEDED."""
    statement = (
        sa.select(Run.period_to)
        .where(
            Run.schedule_id == schedule_id,
            Run.state == RunState.SUCCEEDED,
            Run.kind.in_([RunKind.PLANNED, RunKind.CATCH_UP]),
        )
        .order_by(Run.planned_for.desc())
        .limit(1)
    )
    return db.scalar(statement)
