"""The blackout calendar at work: what the tick makes, skips and moves, and what a change of the calendar does (A7)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy import event
from sqlalchemy.orm import Session

from portal import audit
from portal.extensions import db
from portal.models import (
    AuditBody,
    BlackoutDay,
    OnBlackout,
    Run,
    RunKind,
    RunState,
    Schedule,
    ScheduleState,
    write_session,
)
from portal.schedules import blackouts
from portal.schedules.blackouts import CalendarError, Entry, add_days, remove_days
from portal.schedules.changes import edit_schedule, pause_schedule, resume_schedule
from portal.schedules.inputs import check
from portal.schedules.planning import resume
from portal.schedules.start_due import start, start_due
from tests.support.cast import Cast
from tests.support.schedules import make_schedule

FRIDAYS = {"freq": "weekly", "weekdays": [5], "time": "08:00"}
DAILY = {"freq": "daily", "time": "08:00"}
CHRISTMAS = date(2026, 12, 25)  # a Friday
SUNDAY = datetime(2026, 12, 20, 12, 0, tzinfo=UTC)
CHRISTMAS_AT_8 = datetime(2026, 12, 25, 13, 0, tzinfo=UTC)
MONDAY_AT_8 = datetime(2026, 12, 28, 13, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def black_out(cast: Cast, *days: date, now: datetime = SUNDAY, name: str = "Christmas Day") -> blackouts.Changed:
    entries = [Entry(day, name) for day in days]
    return add_days(cast.lakeside, entries, source="typed", actor=audit.operator, now=now)


def clear(cast: Cast, now: datetime) -> blackouts.Changed:
    with write_session() as session:
        ids = list(session.scalars(sa.select(BlackoutDay.id).where(BlackoutDay.removed_at.is_(None))))
    return remove_days(cast.lakeside, ids, actor=audit.operator, now=now)


def heeding(cast: Cast, choice: OnBlackout, **given: object):
    return make_schedule(cast.lakeside, cast.otto, **{"rule": FRIDAYS, "on_blackout": choice, "now": SUNDAY, **given})


def runs() -> list[tuple[str, str, RunState]]:
    """(date named by, local day and hour it was planned for, state), by instant."""
    with write_session() as session:
        found = session.scalars(sa.select(Run).order_by(Run.planned_for))
        return [
            ((run.planned_local or "")[5:10], f"{run.planned_for - timedelta(hours=5):%m-%d %H}", run.state)
            for run in found
        ]


def one_run() -> Run:
    with write_session() as session:
        return session.scalars(sa.select(Run)).one()


def row(schedule_id) -> Schedule:
    with write_session() as session:
        return session.get_one(Schedule, schedule_id)


def test_a_skipped_one_is_written_down_when_it_is_due_and_names_the_day(app: Flask, cast: Cast) -> None:
    schedule_id = heeding(cast, OnBlackout.SKIP)
    black_out(cast, CHRISTMAS)
    assert start_due(CHRISTMAS_AT_8 + timedelta(seconds=3)) == 0
    run = one_run()
    assert (run.state, run.kind) == (RunState.SKIPPED, RunKind.PLANNED)
    assert run.reason == "Skipped: Fri 25 Dec 2026 is a blackout day, Christmas Day."
    assert row(schedule_id).next_local == "2027-01-01T08:00[America/New_York]"


def test_a_day_put_in_moves_what_was_planned_for_it(app: Flask, cast: Cast) -> None:
    schedule_id = heeding(cast, OnBlackout.MOVE, period="previous_week")
    assert row(schedule_id).next_run_at == CHRISTMAS_AT_8
    assert black_out(cast, CHRISTMAS).replanned == 1
    planned = row(schedule_id)
    assert (planned.next_run_at, planned.next_local) == (MONDAY_AT_8, "2026-12-25T08:00[America/New_York]")
    assert start_due(CHRISTMAS_AT_8 + HOUR) == 0
    assert start_due(MONDAY_AT_8 + timedelta(seconds=2)) == 1
    run = one_run()
    assert run.occurrence_key == f"s:{schedule_id}:2026-12-25T08:00[America/New_York]"
    assert (run.planned_for, run.kind) == (MONDAY_AT_8, RunKind.PLANNED)
    assert run.reason == "Moved from Fri 25 Dec 2026, Christmas Day."
    # the file is dated by the day it is made for, and covers what it would have covered on its own day
    assert run.configuration["local_day"] == "2026-12-28"
    assert run.period_from == datetime(2026, 12, 14, 5, 0, tzinfo=UTC)
    assert row(schedule_id).next_local == "2027-01-01T08:00[America/New_York]"


def test_a_day_taken_out_brings_what_was_put_off_back(app: Flask, cast: Cast) -> None:
    schedule_id = heeding(cast, OnBlackout.MOVE)
    black_out(cast, CHRISTMAS)
    assert clear(cast, SUNDAY + HOUR).replanned == 1
    assert row(schedule_id).next_run_at == CHRISTMAS_AT_8
    with write_session() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(BlackoutDay)) == 0  # it never counted


def test_several_that_land_on_one_day_are_one_run_over_all_their_periods(app: Flask, cast: Cast) -> None:
    heeding(
        cast,
        OnBlackout.MOVE,
        rule={"freq": "weekly", "weekdays": [1, 2, 3, 4, 5], "time": "08:00"},
        period="previous_day",
    )
    black_out(cast, CHRISTMAS)
    for hours in range(0, 24 * 10, 6):
        start_due(SUNDAY + timedelta(hours=hours, minutes=90))
    assert [each[:2] for each in runs()] == [
        ("12-21", "12-21 08"),
        ("12-22", "12-22 08"),
        ("12-23", "12-23 08"),
        ("12-24", "12-24 08"),
        ("12-25", "12-28 08"),
        ("12-29", "12-29 08"),
    ]
    with write_session() as session:
        run = session.scalars(sa.select(Run).where(Run.planned_for == MONDAY_AT_8)).one()
        # from the day before Friday up to the end of Sunday
        assert run.period_from == datetime(2026, 12, 24, 5, 0, tzinfo=UTC)
        assert run.period_to == datetime(2026, 12, 28, 5, 0, tzinfo=UTC)


@pytest.mark.parametrize("choice", [OnBlackout.SKIP, OnBlackout.MOVE])
def test_a_day_put_in_after_its_moment_undoes_nothing_and_swallows_nothing(
    app: Flask, cast: Cast, choice: OnBlackout
) -> None:
    heeding(cast, choice, rule=DAILY)
    start_due(CHRISTMAS_AT_8)
    black_out(cast, CHRISTMAS, now=CHRISTMAS_AT_8 + HOUR)
    for hours in range(0, 24 * 4, 6):
        start_due(CHRISTMAS_AT_8 + timedelta(hours=hours))
    made = [each[0] for each in runs() if each[2] is RunState.QUEUED]
    assert made == ["12-25", "12-26", "12-27", "12-28"]


def test_a_day_taken_out_after_its_moment_loses_nothing_that_was_put_off(app: Flask, cast: Cast) -> None:
    heeding(cast, OnBlackout.MOVE)
    black_out(cast, CHRISTMAS)
    assert clear(cast, CHRISTMAS_AT_8 + HOUR).replanned == 0
    start_due(MONDAY_AT_8)
    assert runs() == [("12-25", "12-28 08", RunState.QUEUED)]


def test_a_day_taken_out_and_put_in_again_keeps_both_stays(app: Flask, cast: Cast) -> None:
    heeding(cast, OnBlackout.MOVE)
    black_out(cast, CHRISTMAS)
    clear(cast, CHRISTMAS_AT_8 + HOUR)
    assert black_out(cast, CHRISTMAS, now=CHRISTMAS_AT_8 + 2 * HOUR).days == 1
    start_due(MONDAY_AT_8)
    assert runs() == [("12-25", "12-28 08", RunState.QUEUED)]


def test_what_is_due_when_the_calendar_changes_is_started_as_it_was(app: Flask, cast: Cast) -> None:
    heeding(cast, OnBlackout.MOVE)
    black_out(cast, CHRISTMAS, now=CHRISTMAS_AT_8 + timedelta(seconds=5))
    start_due(CHRISTMAS_AT_8 + timedelta(seconds=10))
    assert runs() == [("12-25", "12-25 08", RunState.QUEUED)]


def test_an_edit_of_anything_else_keeps_what_was_put_off(app: Flask, cast: Cast) -> None:
    """An edit counts the plan from now; the date that was put off beyond now is still part of it."""
    schedule_id = heeding(cast, OnBlackout.MOVE)
    black_out(cast, CHRISTMAS)
    edit(cast, schedule_id, OnBlackout.MOVE, now=CHRISTMAS_AT_8 + HOUR)
    start_due(MONDAY_AT_8)
    assert runs() == [("12-25", "12-28 08", RunState.QUEUED)]


def test_a_choice_to_move_does_not_reach_back_to_what_was_made(app: Flask, cast: Cast) -> None:
    """Friday's run was made; from Friday noon the schedule moves. Monday's is Monday's own."""
    schedule_id = heeding(cast, OnBlackout.RUN, rule=DAILY)
    black_out(cast, CHRISTMAS)
    start_due(CHRISTMAS_AT_8)
    edit(cast, schedule_id, OnBlackout.MOVE, now=CHRISTMAS_AT_8 + 4 * HOUR)
    start_due(MONDAY_AT_8)
    assert [each[0] for each in runs()][-1] == "12-28"
    assert row(schedule_id).next_local == "2026-12-29T08:00[America/New_York]"


def edit(cast: Cast, schedule_id, choice: OnBlackout, *, now: datetime) -> None:
    schedule = row(schedule_id)
    answers = {
        "name": "Another name",
        "export_type": "FLAT_FILE",
        "format": "CSV",
        "period": "last_30_days",
        "rule": schedule.rule,
        "timezone": "America/New_York",
        "recipients": "priya@example.org",
        "attach": True,
        "on_blackout": choice,
        "owner_id": cast.otto,
    }
    given = check(answers, organization_id=cast.lakeside, now=now)
    edit_schedule(cast.lakeside, schedule_id, given, revision=schedule.revision, actor=audit.operator, now=now)


def test_a_pause_over_the_day_and_a_resume_before_the_moved_moment_keep_it(app: Flask, cast: Cast) -> None:
    schedule_id = heeding(cast, OnBlackout.MOVE)
    black_out(cast, CHRISTMAS)
    pause_schedule(cast.lakeside, schedule_id, reason="", resume_at=None, actor=audit.operator, now=SUNDAY + HOUR)
    black_out(cast, date(2026, 12, 28), now=SUNDAY + 2 * HOUR)
    resume_schedule(cast.lakeside, schedule_id, actor=audit.operator, now=CHRISTMAS_AT_8 + HOUR)
    assert row(schedule_id).next_run_at == MONDAY_AT_8 + timedelta(days=1)


def test_after_an_outage_skipped_days_are_skipped_and_not_missed(app: Flask, cast: Cast) -> None:
    heeding(cast, OnBlackout.SKIP, rule=DAILY)
    black_out(cast, CHRISTMAS)
    start_due(MONDAY_AT_8 + HOUR)
    states = {named: state for named, _, state in runs()}
    assert states["12-25"] is RunState.SKIPPED
    assert states["12-24"] is states["12-26"] is RunState.MISSED
    assert states["12-28"] is RunState.QUEUED


def test_a_skipped_day_is_no_reason_to_make_up_for_an_older_one_late(app: Flask, cast: Cast) -> None:
    """The latest moment that was to be made is judged by itself: Thursday's, a day late, is beyond half a day."""
    heeding(cast, OnBlackout.SKIP, rule=DAILY)
    black_out(cast, CHRISTMAS)
    start_due(CHRISTMAS_AT_8 + HOUR)
    assert {named: state for named, _, state in runs()}["12-24"] is RunState.MISSED


def test_one_calendar_is_one_query_for_a_whole_batch(app: Flask, cast: Cast) -> None:
    for number in range(30):
        heeding(cast, OnBlackout.MOVE, name=f"Schedule {number}")
    black_out(cast, CHRISTMAS)
    asked = []

    def note(connection, cursor, statement, *rest) -> None:
        if "FROM blackout_days" in statement:
            asked.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        assert start_due(MONDAY_AT_8) == 30
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert len(asked) <= 2  # the full batch and the look that finds no more


def test_another_organizations_calendar_is_not_heeded(app: Flask, cast: Cast) -> None:
    schedule_id = heeding(cast, OnBlackout.MOVE)
    add_days(cast.strangers, [Entry(CHRISTMAS, "Weihnachten")], source="typed", actor=audit.operator, now=SUNDAY)
    assert row(schedule_id).next_run_at == CHRISTMAS_AT_8
    with write_session() as session:
        theirs = list(session.scalars(sa.select(BlackoutDay.id)))
    assert remove_days(cast.lakeside, theirs, actor=audit.operator, now=SUNDAY).days == 0


def test_days_that_are_in_already_stay_and_are_counted(app: Flask, cast: Cast) -> None:
    black_out(cast, CHRISTMAS)
    changed = black_out(cast, CHRISTMAS, date(2026, 12, 26), name="Another name")
    assert (changed.days, changed.already) == (1, 1)
    assert [
        blackouts.day_and_name(each) for each in blackouts.days_between(cast.lakeside, CHRISTMAS, date(2026, 12, 31))
    ] == [
        "Fri 25 Dec 2026, Christmas Day",
        "Sat 26 Dec 2026, Another name",
    ]


def test_more_days_than_a_calendar_holds_are_refused_whole(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blackouts, "MOST_DAYS", 2)
    black_out(cast, CHRISTMAS)
    with pytest.raises(CalendarError, match="at most 2 days"):
        black_out(cast, date(2026, 12, 26), date(2026, 12, 27))
    assert len(blackouts.days_between(cast.lakeside, date(2026, 1, 1), date(2026, 12, 31))) == 1


def test_a_change_is_in_the_audit_log_with_its_days(app: Flask, cast: Cast) -> None:
    heeding(cast, OnBlackout.MOVE)
    black_out(cast, CHRISTMAS)
    clear(cast, SUNDAY + HOUR)
    with write_session() as session:
        bodies = list(session.scalars(sa.select(AuditBody.body).order_by(AuditBody.sequence)))
    days = [{"day": "2026-12-25", "name": "Christmas Day"}]
    assert bodies[-2] == {"days": days, "schedules_planned_anew": 1, "source": "typed"}
    assert bodies[-1] == {"days": days, "schedules_planned_anew": 1}


def test_a_schedule_that_cannot_be_read_keeps_nobody_from_changing_the_calendar(app: Flask, cast: Cast) -> None:
    broken = heeding(cast, OnBlackout.MOVE)
    healthy = heeding(cast, OnBlackout.MOVE)
    with write_session() as session:
        session.execute(sa.update(Schedule).where(Schedule.id == broken).values(rule={"freq": "never"}))
    assert black_out(cast, CHRISTMAS).replanned == 1
    assert row(healthy).next_run_at == MONDAY_AT_8


def held_up_or_done(change: threading.Thread) -> None:
    """Wait until the change has ended, or waits for a lock; on SQLite whoever writes second waits at once."""
    if db.engine.dialect.name != "postgresql":
        return
    waits = sa.text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    deadline = time.monotonic() + 30
    while change.is_alive() and time.monotonic() < deadline:
        with db.engine.connect() as connection:
            if connection.scalar(waits):
                return
        time.sleep(0.01)


def changed_within(app: Flask, cast: Cast, now: datetime, act: Callable[[Session], object]) -> None:
    """Put Christmas into the calendar while `act` is done and not yet committed."""

    def put_in() -> None:
        with app.app_context():
            black_out(cast, CHRISTMAS, now=now)

    change = threading.Thread(target=put_in)
    with write_session() as session:
        act(session)
        change.start()
        held_up_or_done(change)
    change.join()


def test_a_tick_that_has_read_the_old_calendar_is_waited_for(app: Flask, cast: Cast) -> None:
    """It moves a schedule to Friday, a day off by the time it commits: the change puts it anew."""
    thursday = datetime(2026, 12, 24, 13, 0, tzinfo=UTC)
    schedule_id = heeding(cast, OnBlackout.MOVE, rule={"freq": "weekly", "weekdays": [4, 5], "time": "08:00"})

    def tick(session: Session) -> None:
        due = session.scalars(sa.select(Schedule).where(Schedule.id == schedule_id).with_for_update()).all()
        start(session, due, thursday)

    changed_within(app, cast, thursday, tick)
    assert row(schedule_id).next_run_at == MONDAY_AT_8


def test_whoever_plans_by_the_calendar_holds_it_until_the_plan_is_written(app: Flask, cast: Cast) -> None:
    """A resume that is not yet committed, of a schedule that the change cannot see."""
    schedule_id = heeding(cast, OnBlackout.MOVE, state=ScheduleState.PAUSED, next_run_at=None)

    def resume_it(session: Session) -> None:
        resume(session, session.get_one(Schedule, schedule_id), actor=audit.operator, now=SUNDAY, why="a test")

    changed_within(app, cast, SUNDAY, resume_it)
    assert row(schedule_id).next_run_at == MONDAY_AT_8


def test_a_change_while_others_tick_and_resume_leaves_every_schedule_planned_by_the_new_calendar(
    app: Flask, cast: Cast
) -> None:
    """A tick, a resume and a change of the calendar at once: whoever comes last, none stays with the old calendar."""
    thursday = datetime(2026, 12, 24, 13, 0, tzinfo=UTC)
    weekdays = {"freq": "weekly", "weekdays": [4, 5], "time": "08:00"}
    due = [heeding(cast, OnBlackout.MOVE, rule=weekdays, name=f"Due {number}") for number in range(10)]
    still = [
        heeding(
            cast, OnBlackout.MOVE, rule=FRIDAYS, name=f"Still {number}", state=ScheduleState.PAUSED, next_run_at=None
        )
        for number in range(10)
    ]
    together, failures = threading.Barrier(3), []

    def resume_all() -> None:
        for each in still:
            resume_schedule(cast.lakeside, each, actor=audit.operator, now=thursday)

    def at_once(act) -> None:
        with app.app_context():
            together.wait()
            try:
                act()
            except BaseException as error:
                failures.append(error)

    acts = [resume_all, lambda: start_due(thursday), lambda: black_out(cast, CHRISTMAS, now=thursday)]
    threads = [threading.Thread(target=at_once, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    start_due(thursday)
    assert {row(each).next_run_at for each in [*due, *still]} == {MONDAY_AT_8}
