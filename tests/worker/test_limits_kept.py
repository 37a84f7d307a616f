"""The limits of a job are kept by its parent, whatever the job's own process does (B10, B4)."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from flask import Flask

from portal.models import Delivery, DeliveryState, Run, RunState, write_session
from portal.plumbing import wakeups
from tests.support.cast import Cast
from tests.support.mail import Sink
from tests.support.processes import started, worker_with
from tests.support.schedules import make_schedule
from tests.support.whole_product import wait_until
from tests.worker.conftest import comes_to, run_of

NewRun = Callable[..., uuid.UUID]
AGAIN = "Narrow the filters or the period, or ask an operator to raise the limit."


def once(tmp_path: Path, name: str = "struck") -> str:
    """A folder by which a failpoint strikes once for all processes together."""
    folder = tmp_path / name
    folder.mkdir()
    return str(folder)


def test_a_run_past_the_time_limit_is_killed_and_fails_for_good_with_the_reason(
    app: Flask, new_run: NewRun, tmp_path: Path
) -> None:
    """It hangs where nothing that it does itself could end it. Its parent lives on and takes the next job."""
    run_id = new_run()
    failpoint = {"DUEPOST_FAILPOINTS": "first-page=hang"}
    with started(app, tmp_path, "worker", "worker", DUEPOST_RUN_TIME_LIMIT_SECONDS="2", **failpoint) as worker:
        run = comes_to(run_id, RunState.FAILED)
        assert run.reason == f"Making the file took longer than 2 seconds, the limit, and was stopped. {AGAIN}"
        assert run.error_message == run.reason
        assert (run.lease_owner, run.lease_until, run.attempt) == (None, None, 1)
        assert run.finished_at is not None
        wakeups.wake_run(uuid.uuid4(), 1)
        wait_until("the next job is taken and over", lambda: waiting() == 0 and worker.children() == [])
        assert worker.alive()


def waiting() -> int:
    with wakeups.connect() as connection:
        return wakeups.queue(wakeups.EXPORTS, connection).count


def too_big_once(tmp_path: Path, place: str) -> tuple[str, str]:
    """A worker whose job takes far too much memory, as it seems, from when it has come to that failpoint."""
    return worker_with(
        f"import os; marks = [{str(tmp_path / 'struck' / place)!r}]; worker.watch.memory_of = "
        "lambda pid: 2**40 if marks and os.path.exists(marks[0]) and marks.pop() else 0"
    )


def test_a_run_past_the_memory_limit_is_killed_and_fails_for_good_with_the_reason(
    app: Flask, new_run: NewRun, tmp_path: Path
) -> None:
    run_id = new_run()
    failpoint = {"DUEPOST_FAILPOINTS": "first-page=hang", "DUEPOST_FAILPOINTS_ONCE": once(tmp_path)}
    with started(app, tmp_path, "worker", *too_big_once(tmp_path, "first-page"), **failpoint) as worker:
        run = comes_to(run_id, RunState.FAILED)
        assert run.reason == f"Making the file took more than 1,024 MB of memory, the limit, and was stopped. {AGAIN}"
        wait_until("the child is gone", lambda: worker.children() == [])
        assert worker.alive()


def test_a_run_that_delivers_past_the_memory_limit_is_taken_up_as_a_lost_workers(
    app: Flask, new_run: NewRun, tmp_path: Path, mail_sink: Sink
) -> None:
    """Its file is made and stays; the one in hand had nothing handed over, and is tried again later."""
    run_id = new_run()
    failpoint = {"DUEPOST_FAILPOINTS": "connected=hang", "DUEPOST_FAILPOINTS_ONCE": once(tmp_path)}
    with started(app, tmp_path, "worker", *too_big_once(tmp_path, "connected"), **failpoint):
        wait_until("it is told what was in hand", lambda: _delivery_of(run_id) == (DeliveryState.PENDING, 1))
        wait_until("the run is let go", lambda: run_of(run_id).lease_owner is None)
    run = run_of(run_id)
    assert (run.state, run.generation_failures, run.attempt) == (RunState.DELIVERING, 0, 2)
    assert mail_sink.messages() == []


def _delivery_of(run_id: uuid.UUID) -> tuple[DeliveryState, int] | None:
    with write_session() as db:
        rows = db.execute(sa.select(Delivery.state, Delivery.attempts).where(Delivery.run_id == run_id)).all()
    return (rows[0].state, rows[0].attempts) if rows else None


def test_a_hung_tick_is_killed_and_the_next_one_does_its_work(app: Flask, cast: Cast, tmp_path: Path) -> None:
    """Five minutes in operation; five seconds here."""
    an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
    schedule_id = make_schedule(
        cast.lakeside, cast.otto, next_run_at=an_hour_ago, next_local=f"{an_hour_ago:%Y-%m-%dT%H:%M}[America/New_York]"
    )
    with wakeups.connect() as connection:
        queue = wakeups.queue(wakeups.UPKEEP, connection)
        for _ in range(3):
            queue.enqueue("worker.jobs.start_due_schedules", result_ttl=0)
    failpoint = {"DUEPOST_FAILPOINTS": "tick-before-commit=hang", "DUEPOST_FAILPOINTS_ONCE": once(tmp_path)}
    upkeep = worker_with("worker.watch.UPKEEP_SECONDS = 5.0", "upkeep")
    with started(app, tmp_path, "upkeep", *upkeep, **failpoint) as process:
        wait_until("the next tick has started the run", lambda: _runs_of(schedule_id) == 1)
        assert "it took too long" in process.said
        assert process.alive()


def _runs_of(schedule_id: uuid.UUID) -> int:
    with write_session() as db:
        statement = sa.select(sa.func.count()).select_from(Run).where(Run.schedule_id == schedule_id)
        return db.scalar(statement) or 0
