"""Which schedules and saved sets of columns a change of a field tag touches, told before it is made."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from portal.exports.tagged_fields import Tag
from portal.exports.tags_needed import needed_tags
from portal.extensions import db
from portal.models import ColumnSet, Destination, Schedule, ScheduleState


@dataclass(frozen=True)
class Touched:
    """A schedule (`schedule_id`) or a saved set of columns, and in one sentence what becomes of it."""

    name: str
    schedule_id: uuid.UUID | None
    sentence: str
    breaks: bool
    """Whether it can no longer be used as it is."""


def touched(organization_id: uuid.UUID, before: Tag | None, after: Tag | None) -> list[Touched]:
    """What putting `after` (None: nothing) in the place of `before` does: schedules by name, then saved sets."""
    if before == after:
        return []
    found = []
    own_filters: dict[uuid.UUID, list[Any]] = {}
    statement = sa.select(Destination.schedule_id, Destination.own_filters).where(
        Destination.organization_id == organization_id, Destination.own_filters.is_not(None)
    )
    for schedule_id, filters in db.session.execute(statement):
        own_filters.setdefault(schedule_id, []).append(filters)
    schedules = sa.select(
        Schedule.id, Schedule.name, Schedule.export_type, Schedule.column_config, Schedule.filters
    ).where(Schedule.organization_id == organization_id, Schedule.state != ScheduleState.DELETED)
    for row in db.session.execute(schedules.order_by(sa.func.lower(Schedule.name), Schedule.id)):
        filters = [row.filters, *own_filters.get(row.id, [])]
        if said := _said(row.export_type, row.column_config, filters, before, after):
            found.append(Touched(row.name, row.id, said[0], said[1]))
    sets = sa.select(ColumnSet).where(ColumnSet.organization_id == organization_id).order_by(ColumnSet.name)
    found += [
        Touched(each.name, None, said[0].replace("its runs fail", "it cannot be used"), said[1])
        for each in db.session.scalars(sets)
        if (said := _said("CUSTOM", {"columns": each.columns}, [], before, after))
    ]
    return found


def _said(
    export_type: str, config: Mapping[str, Any], filters: Collection[Any], before: Tag | None, after: Tag | None
) -> tuple[str, bool] | None:
    """The sentence of a schedule, and whether it breaks; None where it is not touched."""
    if before is None:
        gains = after is not None and needed_tags(export_type, config, filters, [after])
        return ("Its files get the new column.", False) if gains else None
    if not needed_tags(export_type, config, filters, [before]):
        return None
    named = bool(needed_tags(export_type, {**config, "include_tagged_fields": False}, filters, [before]))
    lost = after is None or after.column_name != before.column_name
    if named and lost:
        chosen = bool(needed_tags(export_type, {**config, "include_tagged_fields": False}, [], [before]))
        if chosen:
            return ("It has chosen this column, and its runs fail until that is changed there.", True)
        return ("It filters by this field, and cannot be run until that is changed there.", True)
    if lost:
        return ("Its files lose this column." if after is None else "The column's key changes in its files.", False)
    if after is not None and replace(after, label=before.label) == before:
        return ("The column's heading changes in its files.", False)
    return ("The column's values, or who may see them, change in its files from the next run on.", False)
