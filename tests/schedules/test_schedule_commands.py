"""The commands of schedules do as the buttons do, with events of the operator."""

from __future__ import annotations

import json
import threading
import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask

from portal.extensions import db
from portal.models import AuditEvent, Run, RunState, Schedule, ScheduleState, write_session
from tests.support.apps import Clock
from tests.support.cast import Cast
from tests.support.schedules import make_schedule

pytestmark = pytest.mark.usefixtures("moved_clock")


@pytest.fixture
def schedule_id(app: Flask, cast: Cast) -> uuid.UUID:
    return make_schedule(cast.lakeside, cast.otto, name="Board")


def run(app: Flask, *words: str) -> Result:
    result = app.test_cli_runner().invoke(args=list(words))
    db.session.rollback()
    return result


def refusal(result: Result) -> str:
    """The sentence on standard error of a command that did nothing."""
    assert (result.exit_code, result.stdout) == (2, "")
    return result.stderr.strip()


def test_schedules_lists_what_is_not_deleted(app: Flask, cast: Cast, schedule_id: uuid.UUID) -> None:
    make_schedule(cast.lakeside, cast.otto, name="Gone", state=ScheduleState.DELETED, next_run_at=None)
    make_schedule(cast.strangers, cast.stella, name="Theirs")
    listed = run(app, "schedules", "--organization", "lakeside")
    assert listed.exit_code == 0
    assert listed.stdout.splitlines() == [
        f"{schedule_id}  ACTIVE    2026-11-02T13:00:00Z  Board: Every Monday at 08:00, New York time"
    ]
    [answer] = json.loads(run(app, "schedules", "--organization", "lakeside", "--json").stdout)
    assert (answer["id"], answer["state"], answer["next_run_at"]) == (
        str(schedule_id),
        "ACTIVE",
        "2026-11-02T13:00:00Z",
    )
    assert len(run(app, "schedules").stdout.splitlines()) == 2
    assert refusal(run(app, "schedules", "--organization", "nobody")) == "There is no organization “nobody”."


def test_run_now_by_id_or_name_is_the_operators(app: Flask, cast: Cast, schedule_id: uuid.UUID) -> None:
    """A9"""
    result = run(app, "run-now", "Board")
    assert result.exit_code == 0
    [made] = db.session.scalars(sa.select(Run)).all()
    assert result.stdout.split()[:2] == [str(made.id), "QUEUED"]
    assert made.requested_by == "operator"
    again = json.loads(run(app, "run-now", str(schedule_id), "--json").stdout)
    assert again["run"] == str(made.id)
    assert db.session.get_one(Schedule, schedule_id).next_run_at == datetime(2026, 11, 2, 13, 0, tzinfo=UTC)


@pytest.mark.parametrize(("end", "code"), [(RunState.SUCCEEDED, 0), (RunState.FAILED, 1), (RunState.PARTIAL, 1)])
def test_run_now_waits_for_the_end(app: Flask, schedule_id: uuid.UUID, end: RunState, code: int) -> None:
    ender = threading.Thread(target=_end_the_run, args=(app, end))
    ender.start()
    result = run(app, "run-now", "Board", "--wait")
    ender.join()
    assert result.exit_code == code
    assert f"{end.value}  So it ended." in result.stdout


def _end_the_run(app: Flask, end: RunState) -> None:
    """What a worker would do, without one."""
    deadline = time.monotonic() + 20
    with app.app_context():
        while time.monotonic() < deadline:
            with write_session() as session:
                ended = session.scalars(sa.update(Run).values(state=end, reason="So it ended.").returning(Run.id)).all()
            if ended:
                return
            time.sleep(0.05)


@pytest.mark.parametrize("command", ["run-now", "pause", "resume"])
def test_what_is_not_there_or_not_clear_is_a_sentence(app: Flask, cast: Cast, command: str) -> None:
    assert "There is no schedule “Nothing”" in refusal(run(app, command, "Nothing"))
    for organization, owner in ((cast.lakeside, cast.otto), (cast.strangers, cast.stella)):
        make_schedule(organization, owner, name="Twin")
    assert "2 schedules are called “Twin”; give the id of one." in refusal(run(app, command, "Twin"))


def test_pause_and_resume(app: Flask, schedule_id: uuid.UUID) -> None:
    """A8"""
    paused = run(app, "pause", "Board", "--reason", "Audit", "--until", "2026-11-20T09:00:00Z")
    assert (paused.exit_code, paused.stdout) == (0, "“Board” is paused.\n")
    schedule = db.session.get_one(Schedule, schedule_id)
    assert (schedule.state, schedule.state_reason) == (ScheduleState.PAUSED, "Audit")
    assert schedule.resume_at == datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
    assert "is not active" in refusal(run(app, "pause", "Board"))
    assert "cannot be run now" not in run(app, "run-now", "Board").stderr
    assert run(app, "resume", "Board").stdout == "“Board” is active again.\n"
    assert "is not paused" in refusal(run(app, "resume", "Board"))
    by = db.session.execute(
        sa.select(AuditEvent.action, AuditEvent.actor_kind)
        .where(AuditEvent.subject_id == str(schedule_id))
        .order_by(AuditEvent.sequence)
    ).all()
    assert [tuple(row) for row in by] == [("schedule.paused", "OPERATOR"), ("schedule.resumed", "OPERATOR")]


@pytest.mark.parametrize("until", ["soon", "2026-11-01T00:00:00Z"])
def test_a_pause_until_no_coming_moment_is_refused(app: Flask, schedule_id: uuid.UUID, until: str) -> None:
    assert refusal(run(app, "pause", "Board", "--until", until))
    assert db.session.get_one(Schedule, schedule_id).state is ScheduleState.ACTIVE


def test_tick_sweep_and_housekeeping_are_one_pass_each(app: Flask, schedule_id: uuid.UUID, moved_clock: Clock) -> None:
    """B1"""
    assert run(app, "tick").stdout == "0 runs queued.\n"
    moved_clock.forward(hours=1, seconds=5)
    assert run(app, "tick").stdout == "1 run queued.\n"
    assert run(app, "tick").stdout == "0 runs queued.\n"
    moved_clock.forward(minutes=5)
    assert run(app, "sweep").exit_code == 0
    assert run(app, "housekeeping").stdout == "0 files deleted.\n"
    [made] = db.session.scalars(sa.select(Run)).all()
    assert made.planned_for + timedelta(minutes=5) < moved_clock.now()
