"""Run now: a run outside the plan, at once; the next planned moment stays where it is."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa

from portal import audit
from portal.exports.case_filters import FilterError
from portal.exports.periods import PeriodError
from portal.models import Run, RunKind, RunState, Schedule, ScheduleState, write_session
from portal.plumbing import wakeups
from portal.runs.start import NewRun, insert_runs
from portal.schedules.freeze import Freezer
from portal.schedules.rule import RuleError, parse_rule
from portal.zones import ZoneError, zone

RUNNABLE = (ScheduleState.ACTIVE, ScheduleState.PAUSED, ScheduleState.ENDED)


class CannotRun(Exception):  # noqa: N818  # a refusal, said to the person in one sentence
    """The schedule cannot be run now; the text says why."""


def run_now(
    organization_id: uuid.UUID, schedule_id: uuid.UUID, *, idempotency_key: str, actor: audit.Actor, now: datetime
) -> uuid.UUID:
    """The id of the run that the press made, or of the one still going that an earlier press made.

    `idempotency_key` is one UUID for each form shown: the same form sent twice is one run. Raises CannotRun.
    """
    try:
        key = f"m:{organization_id}:{uuid.UUID(idempotency_key)}"
    except ValueError:
        raise CannotRun("This page was not sent whole: open it again and press Run now.") from None
    with write_session() as db:
        schedule = db.scalars(
            sa.select(Schedule)
            .where(Schedule.id == schedule_id, Schedule.organization_id == organization_id)
            .with_for_update()
        ).one_or_none()
        if schedule is None or schedule.state not in RUNNABLE:
            raise CannotRun("This schedule cannot be run now: it was deleted or waits for approval.")
        going = sa.and_(
            Run.schedule_id == schedule_id,
            Run.kind == RunKind.RUN_NOW,
            Run.state.in_([RunState.QUEUED, RunState.RUNNING]),
        )
        statement = sa.select(Run.id).where(sa.or_(Run.occurrence_key == key, going))
        existing = db.scalar(statement.limit(1))
        if existing is not None:
            return existing
        try:
            local_day = now.astimezone(zone(schedule.timezone)).date()
            rule = parse_rule(schedule.rule)
            frozen = Freezer(db, [schedule]).freeze(schedule, rule, planned_for=now, local_day=local_day)
        except (FilterError, PeriodError, RuleError, ZoneError) as error:
            raise CannotRun(f"This schedule cannot be run before it is edited: {error}") from error
        new = NewRun(
            organization_id=organization_id,
            schedule_id=schedule_id,
            occurrence_key=key,
            kind=RunKind.RUN_NOW,
            state=RunState.QUEUED,
            planned_for=now,
            planned_local=None,
            period_from=frozen.period.start,
            period_to=frozen.period.end,
            configuration=frozen.configuration,
            requested_by_id=actor.id,
            requested_by=actor.name,
        )
        (run_id,) = insert_runs(db, [new], now=now, actor=actor)
    wakeups.wake_run(run_id, 1)
    return run_id
