"""What a schedule that is being built would make now: the period in dates, the request, its first rows or why none."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from portal.cases.kept_from import Person
from portal.exports.case_filters import FilterError, parse_filters_by
from portal.exports.catalogue import CatalogueError
from portal.exports.columns import Column
from portal.exports.periods import PeriodError, Resolved, parse_period, resolve
from portal.exports.preview import Preview, preview
from portal.exports.request import ExportRequest
from portal.exports.tagged_fields import Tag
from portal.exports.writers import ExportLimit
from portal.extensions import db
from portal.models import Schedule
from portal.pages.schedules.names import register_names
from portal.pages.schedules.sides import Masker
from portal.runs.delivered import changes_delivered_until
from portal.schedules.freeze import last_successes
from portal.zones import ZoneError, zone

FIRST_ROWS = 20


@dataclass(frozen=True)
class Viewer:
    """Who looks, and what their organization has: asked for once a page."""

    organization_id: uuid.UUID
    person: Person
    masker: Masker
    tags: Sequence[Tag]


def resolved_period(data: Mapping[str, Any], now: datetime, schedule: Schedule | None) -> Resolved | None:
    """None where the period or the zone cannot be read."""
    try:
        period, place = parse_period(data["period"]), zone(data["timezone"])
    except (PeriodError, ZoneError):
        return None
    since = None
    if period.text == "since_last_success" and schedule is not None:
        since = last_successes(db.session(), [schedule.id]).get(schedule.id)
    return resolve(period, now, place, since)


def request_of(data: Mapping[str, Any], viewer: Viewer, now: datetime, resolved: Resolved) -> ExportRequest:
    """What would be asked for, of the cases that the viewer may know of."""
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


def columns_of(request: ExportRequest | None) -> Sequence[Column]:
    """None where they cannot be had yet."""
    try:
        return request.columns() if request else ()
    except CatalogueError:
        return ()


def previewed(
    request: ExportRequest, schedule: Schedule | None, masker: Masker, chosen: Mapping[str, str], look_as: str
) -> tuple[Preview | None, str | None]:
    """(the first rows, masked as for that side; why there can be no such file): one of them.

    Changes count since where the schedule's next run would go on from.
    """
    if request.only_changes and schedule is not None:
        since = changes_delivered_until(db.session(), schedule.id, schedule.changes_restart_at)
        request = replace(request, changes_since=since)
    try:
        request.check()
        # the request itself refuses no name that stands in cases which this person is kept from
        parse_filters_by(request.filters, register_names(request.organization_id))
        masking = masker.masking(look_as, chosen, request.columns())
        return preview(replace(request, masking=masking), FIRST_ROWS), None
    except (CatalogueError, ExportLimit, FilterError) as problem:
        return None, str(problem)
