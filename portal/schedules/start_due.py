"""The tick: every moment that fell due becomes one run, or one row that says why not, and the next moment is put.

In short transactions of at most 250 schedules (docs/decisions/008). Where one of a batch raises, the batch is taken
one by one, and the one that raises is parked for an hour, so that a bad schedule holds up nothing.
"""

from __future__ import annotations

import itertools
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from portal import audit, failpoints, notices
from portal.extensions import db as database
from portal.models import Run, RunKind, RunState, Schedule, ScheduleState, note_sign_of_life, write_session
from portal.models.many_rows import compare_and_set
from portal.notices import texts
from portal.plumbing import wakeups
from portal.plumbing.database_trouble import database_trouble
from portal.plumbing.garbage import no_search_for_cycles
from portal.plumbing.logs import log
from portal.runs.start import NewRun, insert_runs, skip_waiting
from portal.schedules import data_ready
from portal.schedules.calendar_rule import Moment, Plan, moments
from portal.schedules.calendars import heeded_by, plan_of
from portal.schedules.catch_up import MOST_MISSED_ROWS, MissedSpan, Verdict, judge
from portal.schedules.data_ready import wait_for_data
from portal.schedules.freeze import FilterWords, Freezer
from portal.schedules.planning import planned_columns, planned_moment, resume
from portal.schedules.words import moved_in_words, skipped_in_words

BATCH = 250
GAP_SECONDS = 0.005
"""After some batches: SQLite takes one writer at a time, and a person at a page looks for a gap every 3 ms."""
BATCHES_TO_A_GAP = 2
"""So many take some 0.15 s, which a person does not notice; a gap after each would take a seventh of the tick."""
MOST_TROUBLES = 3
"""So often a database that is locked or away is waited for, ten seconds each time; the next tick goes on."""
MOST_AT_ONCE = 1_000
PARKED = timedelta(hours=1)
# a daily schedule left alone for 27 years; beyond that the count of what was missed is cut
MOST_DUE = 10_000
logger = log(__name__)


class MovedMeanwhile(RuntimeError):  # noqa: N818  # another ticker was quicker; nothing is wrong
    """The schedule's next moment is not the one that was read."""


def start_due(now: datetime) -> int:
    """Start everything that is due and return how many runs were queued. Safe at any time, any number at once."""
    note_sign_of_life("tick", now)
    queued: list[uuid.UUID] = []
    filter_words = FilterWords()
    try:
        for batch in itertools.count(1):
            with no_search_for_cycles():
                seen, started = _start_batch(now, filter_words)
            queued += started
            if seen < BATCH:
                break
            if batch % BATCHES_TO_A_GAP == 0:
                time.sleep(GAP_SECONDS)
    finally:
        # After a long sleep a late batch may hold older runs than an early one. And a Redis that does not answer is
        # asked once, not once for each batch: that could take a second each time.
        wake(_oldest_first(queued))
    failpoints.reach("tick-after-wake")
    released = data_ready.release(now)
    _resume_due(now)
    return len(queued) + released


def _oldest_first(run_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """In the order of their planned moments: the queue is worked off in the order in which it is filled."""
    planned: list[tuple[datetime, uuid.UUID]] = []
    with Session(database.engine) as session:
        for first in range(0, len(run_ids), MOST_AT_ONCE):
            some = run_ids[first : first + MOST_AT_ONCE]
            statement = sa.select(Run.planned_for, Run.id).where(Run.id.in_(some))
            planned += [(row.planned_for, row.id) for row in session.execute(statement)]
    return [run_id for _, run_id in sorted(planned)]


def _start_batch(now: datetime, filter_words: FilterWords) -> tuple[int, list[uuid.UUID]]:
    """(schedules seen, runs to wake) of one batch."""
    try:
        with write_session() as db:
            schedules = _due(db, now, BATCH)
            queued = start(db, schedules, now, filter_words)
            failpoints.reach("tick-before-commit")
    except Exception:
        logger.exception("a batch of due schedules failed; taking them one by one")
        return _start_one_by_one(now, filter_words)
    failpoints.reach("tick-after-commit")
    return len(schedules), queued


def _start_one_by_one(now: datetime, filter_words: FilterWords) -> tuple[int, list[uuid.UUID]]:
    with write_session() as db:
        # ids alone: a row that cannot even be read must not keep the others from being found
        ids = list(db.scalars(_due_statement(now, BATCH).with_only_columns(Schedule.id)))
    queued: list[uuid.UUID] = []
    troubles = 0
    for schedule_id in ids:
        try:
            with write_session() as db:
                queued += start(db, _due(db, now, 1, schedule_id), now, filter_words)
        except MovedMeanwhile:
            continue
        except Exception as error:
            if _is_of_the_database(error):
                # locked or away: no fault of the schedule; the next tick tries again, this one looks no further
                logger.exception("a due schedule was not started: the database", schedule_id=str(schedule_id))
                troubles += 1
                if troubles == MOST_TROUBLES:
                    break
                continue
            logger.exception("a due schedule failed; parked for an hour", schedule_id=str(schedule_id))
            _park(schedule_id, error, now)
    return 0 if troubles else len(ids), queued


def _is_of_the_database(error: Exception) -> bool:
    return isinstance(error, OperationalError) or database_trouble(error) is not None


def _due(db: Session, now: datetime, limit: int, only: uuid.UUID | None = None) -> Sequence[Schedule]:
    statement = _due_statement(now, limit).with_for_update(skip_locked=True)
    if only is not None:
        statement = statement.where(Schedule.id == only)
    return db.scalars(statement).all()


def _due_statement(now: datetime, limit: int) -> sa.Select[Schedule]:
    return (
        sa.select(Schedule)
        .where(Schedule.next_run_at.is_not(None), Schedule.next_run_at <= now, Schedule.state == ScheduleState.ACTIVE)
        .where(sa.or_(Schedule.parked_until.is_(None), Schedule.parked_until <= now))
        .order_by(Schedule.next_run_at)
        .limit(limit)
    )


def start(
    db: Session, schedules: Sequence[Schedule], now: datetime, filter_words: FilterWords | None = None
) -> list[uuid.UUID]:
    """Write down all due moments of these schedules and put their next ones; returns the runs to wake.

    A few statements for all of them, since one or two for each would take ten times as long.
    """
    calendars = heeded_by(db, schedules)
    judged = [_judged(schedule, plan_of(schedule, calendars), now) for schedule in schedules]
    freezer = Freezer(db, schedules, filter_words)
    # before anything is written: a schedule that cannot be frozen raises here and leaves the transaction clean
    runs = [
        _new_run(freezer, each.schedule, each.plan, found, now)
        for each in judged
        for found in _worth_a_row(each.verdicts)
    ]
    _move(db, [(each.schedule, each.following) for each in judged], now)
    skip_waiting(db, [each.schedule.id for each in judged if each.planned], now=now)
    return insert_runs(db, runs, now=now, actor=audit.system)


@dataclass(frozen=True)
class _Judged:
    """A due schedule: what becomes of each moment that fell due, and the moment after them."""

    schedule: Schedule
    plan: Plan
    verdicts: Sequence[Verdict]
    following: Moment | None

    @property
    def planned(self) -> bool:
        return any(verdict.kind is RunKind.PLANNED for verdict in self.verdicts)


def _due_moments(schedule: Schedule, plan: Plan, now: datetime) -> tuple[list[Moment], Moment | None]:
    """Those that are due, oldest first, the first being the one that was planned; and the one that follows them."""
    first = planned_moment(schedule, plan)
    due = [first]
    for moment in moments(plan, first.instant):
        if moment.instant > now:
            return due, moment
        if len(due) < MOST_DUE:
            due.append(moment)
    return due, None


def _judged(schedule: Schedule, plan: Plan, now: datetime) -> _Judged:
    due, following = _due_moments(schedule, plan, now)
    grace = timedelta(seconds=schedule.grace_seconds) if schedule.grace_seconds is not None else None
    to_make = [moment for moment in due if moment.skipped is None]
    made = judge(to_make, following, now=now, policy=schedule.catch_up, grace=grace) if to_make else []
    skipped = [Verdict(each, None, skipped_in_words(each), skipped=True) for each in due if each.skipped is not None]
    verdicts = sorted([*made, *skipped], key=lambda verdict: verdict.moment.instant)
    return _Judged(schedule, plan, verdicts, following)


def is_due(schedule: Schedule, now: datetime) -> bool:
    return schedule.state is ScheduleState.ACTIVE and schedule.next_run_at is not None and schedule.next_run_at <= now


def skip_due(db: Session, schedule: Schedule, reason: str, now: datetime) -> None:
    """A person stops the schedule between a due moment and the tick: what was due is written down, not lost."""
    if is_due(schedule, now):
        insert_runs(db, _skipped(db, schedule, reason, now), now=now, actor=audit.system)


def _skipped(db: Session, schedule: Schedule, reason: str, now: datetime) -> list[NewRun]:
    try:
        plan, freezer = plan_of(schedule, heeded_by(db, [schedule])), Freezer(db, [schedule])
        verdicts = [Verdict(each, None, reason, skipped=True) for each in _due_moments(schedule, plan, now)[0]]
        return [_new_run(freezer, schedule, plan, found, now) for found in _worth_a_row(verdicts)]
    except DBAPIError:
        raise
    except Exception:
        # a person must be able to stop a schedule that cannot be read
        logger.exception("a due schedule cannot be read; its planned moment is skipped", schedule_id=str(schedule.id))
        return [_unreadable(db, schedule, reason, now)]


def _unreadable(db: Session, schedule: Schedule, reason: str, now: datetime) -> NewRun:
    """The planned moment of a schedule that cannot be read, as far as its row tells it."""
    if schedule.next_run_at is None or schedule.next_local is None:
        raise ValueError("the schedule has no next moment")
    return NewRun(
        organization_id=schedule.organization_id,
        schedule_id=schedule.id,
        occurrence_key=f"s:{schedule.id}:{schedule.next_local}",
        kind=RunKind.PLANNED,
        state=RunState.SKIPPED,
        planned_for=schedule.next_run_at,
        planned_local=schedule.next_local,
        period_from=None,
        period_to=None,
        configuration=Freezer(db, [schedule]).freeze_unreadable(schedule, local_day=schedule.next_run_at.date()),
        reason=reason,
        late_seconds=int((now - schedule.next_run_at).total_seconds()),
    )


def _move(db: Session, steps: Sequence[tuple[Schedule, Moment | None]], now: datetime) -> None:
    """Compare and set: only from the moment and revision that were read."""
    mended: Mapping[str, None] = {"parked_until": None, "parked_told_at": None, "last_error": None}
    changes = [
        (
            {"id": schedule.id, "next_run_at": schedule.next_run_at, "revision": schedule.revision},
            {**planned_columns(following), **mended},
        )
        for schedule, following in steps
    ]
    if compare_and_set(db, Schedule, changes) != len(changes):
        raise MovedMeanwhile(", ".join(f"schedule {schedule.id}" for schedule, _ in steps))
    for (schedule, following), (_, moved) in zip(steps, changes, strict=True):
        db.expire(schedule, moved)
        if following is None:
            audit.record(
                db,
                organization_id=schedule.organization_id,
                at=now,
                actor=audit.system,
                action="schedule.ended",
                subject=("schedule", schedule.id),
                body={"name": schedule.name},
            )


def _worth_a_row(verdicts: Sequence[Verdict]) -> Iterator[Verdict | MissedSpan]:
    """Each verdict, but one span for the missed ones when they are too many for a row each.

    A moment skipped for a day of the calendar has a row of its own, which names the day.
    """
    missed = [verdict for verdict in verdicts if verdict.kind is None and verdict.moment.skipped is None]
    if len(missed) <= MOST_MISSED_ROWS:
        yield from verdicts
        return
    yield MissedSpan(missed[0], missed[-1], len(missed))
    yield from (verdict for verdict in verdicts if verdict.kind is not None or verdict.moment.skipped is not None)


def _new_run(freezer: Freezer, schedule: Schedule, plan: Plan, found: Verdict | MissedSpan, now: datetime) -> NewRun:
    if isinstance(found, MissedSpan):
        verdict, reason = found.last, found.first.reason.replace(":", f" {found.count} times:", 1)
        span: dict[str, object] = {"missed_first": found.first.moment.instant, "missed_count": found.count}
    else:
        verdict, reason, span = found, found.reason, {}
    moment, state = verdict.moment, RunState.SKIPPED if verdict.skipped else RunState.MISSED
    moved_from = moved_in_words(moment)
    if verdict.kind is not None:
        state, reason = RunState.QUEUED, f"{moved_from} {reason}".strip()
        if (wait := wait_for_data(schedule.ready_by, moment.landed, now)) is not None:
            span = {"ready_after": wait.data_from, "not_before": wait.latest}
            reason = f"{reason} {wait.words}".strip()
    frozen = freezer.freeze(
        schedule,
        plan.rule,
        planned_for=moment.instant,
        local_day=moment.landed.local_date,
        counted_from=moment.counted_from,
    )
    return NewRun(
        organization_id=schedule.organization_id,
        schedule_id=schedule.id,
        occurrence_key=f"s:{schedule.id}:{moment.occurrence.key_part()}",
        kind=verdict.kind or RunKind.PLANNED,
        state=state,
        planned_for=moment.instant,
        planned_local=moment.occurrence.key_part(),
        period_from=frozen.period.start,
        period_to=frozen.period.end,
        configuration=frozen.configuration | ({"moved_from": moved_from} if moved_from else {}),
        reason=reason,
        late_seconds=max(0, int((now - moment.instant).total_seconds())),
        **span,  # type: ignore[arg-type]
    )


def _resume_due(now: datetime) -> None:
    """Pauses that end by themselves today, each in a transaction of its own."""
    ends = (
        sa.select(Schedule)
        .where(Schedule.state == ScheduleState.PAUSED, Schedule.resume_at.is_not(None), Schedule.resume_at <= now)
        .where(sa.or_(Schedule.parked_until.is_(None), Schedule.parked_until <= now))
    )
    with Session(database.engine) as session:
        ids = session.scalars(ends.with_only_columns(Schedule.id).order_by(Schedule.resume_at).limit(BATCH)).all()
    for schedule_id in ids:
        try:
            with write_session() as db:
                for schedule in db.scalars(ends.where(Schedule.id == schedule_id).with_for_update(skip_locked=True)):
                    resume(db, schedule, actor=audit.system, now=now, why="the pause ended by itself")
        except Exception as error:
            if _is_of_the_database(error):
                logger.exception("a pause was not ended: the database", schedule_id=str(schedule_id))
                return
            logger.exception("a pause could not be ended; parked for an hour", schedule_id=str(schedule_id))
            _park(schedule_id, error, now)


def _park(schedule_id: uuid.UUID, error: Exception, now: datetime) -> None:
    """Let it rest for an hour, by a statement that reads nothing of the row but its name."""
    until, last_error = now + PARKED, f"{type(error).__name__}: {error}"[:500]
    told_at = sa.func.coalesce(Schedule.parked_told_at, sa.literal(now, Schedule.parked_told_at.type))
    with write_session() as db:
        row = db.execute(
            sa.update(Schedule)
            .where(Schedule.id == schedule_id)
            .values(parked_until=until, last_error=last_error, parked_told_at=told_at)
            .returning(
                Schedule.organization_id, Schedule.name, Schedule.timezone, Schedule.owner_id, Schedule.parked_told_at
            )
            .execution_options(synchronize_session=False)
        ).one()
        audit.record(
            db,
            organization_id=row.organization_id,
            at=now,
            actor=audit.system,
            action="schedule.parked",
            subject=("schedule", schedule_id),
            body={"name": row.name, "until": until.isoformat(), "error": last_error},
        )
        words = texts.parked(row.name, row.timezone, until, schedule_id)
        # once for each trouble, however long it lasts: the key is the moment at which it began
        notices.post(
            db,
            organization_id=row.organization_id,
            key=f"parked:{schedule_id}:{row.parked_told_at.isoformat()}",
            kind="PARKED",
            to=notices.owner_or_admins(db, row.organization_id, row.owner_id),
            subject=words.subject,
            text=words.text,
            now=now,
        )


def wake(run_ids: Sequence[uuid.UUID]) -> bool:
    """Tell the workers, after the commit. False where Redis is away; sweep finds them all."""
    return not run_ids or wakeups.wake_runs([(run_id, 1) for run_id in run_ids])
