"""What a run will be, frozen the moment it is written down: later edits of the schedule change nothing of it."""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.exports.case_filters import KnownNames, parse_filters_by
from portal.exports.periods import Resolved, parse_period, period_in_words, resolve
from portal.exports.request import ExportRequest
from portal.exports.scope_words import limits_in_words
from portal.exports.tagged_fields import load_all_tags
from portal.exports.tags_needed import may_need_tags, needed_tags
from portal.models import Destination, Run, RunKind, Schedule
from portal.runs.delivered import delivered_in_full
from portal.schedules.rule import Rule
from portal.schedules.words import schedule_in_words
from portal.zones import ZoneError, zone

_SINCE_LAST_SUCCESS = "since_last_success"

FilterWords = dict[tuple[uuid.UUID, str], str]
"""What filters say, by organization, type of export and JSON: kept for a tick, which meets the same ones again."""


@dataclass(frozen=True)
class Frozen:
    configuration: dict[str, Any]
    period: Resolved


class Freezer:
    """Freezes runs of these schedules, in one transaction.

    What schedules have in common is read and worked out once for all of them: a tick would spend most of its time on
    asking for each schedule's destinations and on putting the same dates and filters into words.
    """

    def __init__(self, db: Session, schedules: Sequence[Schedule], filter_words: FilterWords | None = None) -> None:
        self._db = db
        self._destinations = _frozen_destinations(db, [each.id for each in schedules])
        since = [each.id for each in schedules if each.period == _SINCE_LAST_SUCCESS]
        self._last_successes = last_successes(db, since)
        self._periods: dict[tuple[str, str, datetime, datetime, datetime | None], tuple[Resolved, str]] = {}
        self._names: dict[uuid.UUID, KnownNames] = {}
        self._filter_words: FilterWords = {} if filter_words is None else filter_words
        in_need = {each.organization_id for each in schedules if self._may_need_tags(each)}
        self._tags = load_all_tags(db.connection(), sorted(in_need)) if in_need else {}

    def freeze(
        self,
        schedule: Schedule,
        rule: Rule,
        *,
        planned_for: datetime,
        local_day: date,
        counted_from: tuple[datetime, datetime] | None = None,
    ) -> Frozen:
        """The configuration of a run planned for that instant; the period counts from it, never from now.

        `rule` is the schedule's, as it was read. `counted_from` where beginning and end of the period count from other
        instants: the run was put off. Raises FilterError, PeriodError or ZoneError.
        """
        period, period_words = self._period(schedule, *(counted_from or (planned_for, planned_for)))
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
            only_changes=schedule.only_changes,
            tags=self._needed_tags(schedule),
        )
        words = {
            "rule": schedule_in_words(schedule, rule),
            "period": period_words,
            "filters": self._filters_in_words(schedule, schedule.filters),
        }
        destinations = self._destinations[schedule.id]
        for each in destinations:
            if each["own_filters"]:
                each["own_filters_in_words"] = self._filters_in_words(schedule, each["own_filters"])
        return Frozen(_configuration(schedule, destinations, local_day, words, request.to_json()), period)

    def freeze_unreadable(self, schedule: Schedule, *, local_day: date) -> dict[str, Any]:
        """What can be told of a schedule that cannot be frozen, for a moment that is written down but not made."""
        words = dict.fromkeys(("rule", "period", "filters"), "Could not be read")
        export = {"export_type": schedule.export_type.value, "format": schedule.format.value}
        configuration = _configuration(schedule, self._destinations[schedule.id], local_day, words, export)
        try:
            zone(schedule.timezone)
        except ZoneError:
            configuration["schedule"]["timezone"] = "UTC"
        return configuration

    def _may_need_tags(self, schedule: Schedule) -> bool:
        return may_need_tags(schedule.export_type, schedule.column_config, self._all_filters(schedule))

    def _needed_tags(self, schedule: Schedule) -> tuple[dict[str, Any], ...]:
        tags = self._tags.get(schedule.organization_id, ())
        needed = needed_tags(schedule.export_type, schedule.column_config, self._all_filters(schedule), tags)
        return tuple(tag.to_json() for tag in needed)

    def _all_filters(self, schedule: Schedule) -> list[Mapping[str, Any] | None]:
        """The schedule's own, and those of its recipients."""
        return [schedule.filters, *(each["own_filters"] for each in self._destinations[schedule.id])]

    def _period(self, schedule: Schedule, first: datetime, last: datetime) -> tuple[Resolved, str]:
        """The schedule's period, its beginning counted from `first` and its end from `last`; the same in words."""
        since = self._last_successes.get(schedule.id)
        asked = (schedule.period, schedule.timezone, first, last, since)
        if asked not in self._periods:
            period, place = parse_period(schedule.period), zone(schedule.timezone)
            resolved = Resolved(resolve(period, first, place, since).start, resolve(period, last, place, since).end)
            self._periods[asked] = resolved, period_in_words(resolved, place)
        return self._periods[asked]

    def _filters_in_words(self, schedule: Schedule, filters: Mapping[str, Any]) -> str:
        organization_id = schedule.organization_id
        asked = organization_id, f"{schedule.export_type.value} {json.dumps(filters)}"
        if asked not in self._filter_words:
            names = self._names.get(organization_id)
            if names is None:
                tags = self._tags.get(organization_id, ())
                names = self._names[organization_id] = KnownNames(organization_id, self._db.connection(), tags)
            self._filter_words[asked] = limits_in_words(schedule.export_type, parse_filters_by(filters, names))
        return self._filter_words[asked]


def _configuration(
    schedule: Schedule,
    destinations: Sequence[Mapping[str, Any]],
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
        "masking": schedule.masking,
        "backup_address": schedule.backup_address,
        "no_rows": schedule.no_rows.value,
        "send_condition": schedule.send_condition,
        "destinations": list(destinations),
    }


# Both are made once: to put a statement together takes about as long as to run it.
_OF_SCHEDULES: sa.BindParameter[uuid.UUID] = sa.bindparam("schedule_ids", expanding=True)
_DESTINATIONS = (
    sa.select(
        Destination.schedule_id,
        Destination.kind,
        Destination.target,
        Destination.name,
        Destination.user_id,
        Destination.own_filters,
    )
    .where(Destination.schedule_id.in_(_OF_SCHEDULES))
    .order_by(Destination.position)
)
_LAST_SUCCESSES = sa.select(
    Schedule.id,
    sa.select(Run.period_to)
    .where(
        Run.schedule_id == Schedule.id,
        delivered_in_full(),
        Run.kind.in_([RunKind.PLANNED, RunKind.CATCH_UP]),
    )
    .order_by(Run.planned_for.desc())
    .limit(1)
    .scalar_subquery(),
).where(Schedule.id.in_(_OF_SCHEDULES))


def _frozen_destinations(db: Session, schedule_ids: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, list[dict[str, Any]]]:
    """Those of each schedule, in their order. Columns and no objects, which would take ten times as long to load."""
    frozen: dict[uuid.UUID, list[dict[str, Any]]] = defaultdict(list)
    rows = db.execute(_DESTINATIONS, {"schedule_ids": list(schedule_ids)})
    for schedule_id, kind, target, name, user_id, own_filters in rows:
        frozen[schedule_id].append(
            {
                "kind": kind.value,
                "target": target,
                "name": name,
                "user_id": str(user_id) if user_id else None,
                "own_filters": own_filters,
            }
        )
    return frozen


def last_successes(db: Session, schedule_ids: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, datetime | None]:
    """The end of the period of each schedule's newest planned run that ended SUCCEEDED."""
    if not schedule_ids:
        return {}
    return dict(db.execute(_LAST_SUCCESSES, {"schedule_ids": list(schedule_ids)}).all())
