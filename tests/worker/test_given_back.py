"""SIGTERM to a worker's parent, to its child or to both: nothing is lost, and no try is counted (B7)."""

from __future__ import annotations

import os
import signal
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from redis import Redis

from portal.models import Delivery, DeliveryState, RunState, write_session
from portal.plumbing import wakeups
from tests.support.mail import Sink
from tests.support.processes import Started, started, worker_with
from tests.support.whole_product import wait_until
from tests.worker.conftest import comes_to, run_of

NewRun = Callable[..., uuid.UUID]
THREE = ["priya@example.org", "tomas@example.org", "zoe@example.org"]
TO = {"parent": lambda it: [it.pid], "child": lambda it: [it.child()], "both": lambda it: [it.child(), it.pid]}


def failpoint(tmp_path: Path, where: str) -> dict[str, str]:
    folder = tmp_path / "struck"
    folder.mkdir(exist_ok=True)
    return {"DUEPOST_FAILPOINTS": where, "DUEPOST_FAILPOINTS_ONCE": str(folder)}


def told_to_end(worker: Started, whom: str) -> None:
    """SIGTERM while the child stands still at its failpoint, which then goes on."""
    child = worker.stopped_child()
    for pid in TO[whom](worker):
        os.kill(pid, signal.SIGTERM)
    # what reached the parent is passed on; the child must have it before it may go on
    wait_until("the child has the signal", lambda: has_pending_sigterm(child))
    os.kill(child, signal.SIGCONT)


def has_pending_sigterm(pid: int) -> bool:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    pending = [int(line.split()[1], 16) for line in lines if line.startswith(("SigPnd", "ShdPnd"))]
    return any(mask & 1 << (signal.SIGTERM - 1) for mask in pending)


def states_of(run_id: uuid.UUID) -> list[tuple[DeliveryState, int]]:
    with write_session() as db:
        rows = db.execute(
            sa.select(Delivery.state, Delivery.attempts).where(Delivery.run_id == run_id).order_by(Delivery.position)
        ).all()
        return [(row.state, row.attempts) for row in rows]


@pytest.mark.parametrize("whom", ["parent", "both"])
def test_a_run_being_made_is_given_back_and_made_by_the_next_worker(
    app: Flask, new_run: NewRun, redis_url: str, tmp_path: Path, mail_sink: Sink, whom: str
) -> None:
    run_id = new_run()
    with started(app, tmp_path, "first", "worker", **failpoint(tmp_path, "first-page=stop")) as first:
        told_to_end(first, whom)
        assert first.ended() == 0
    run = run_of(run_id)
    assert (run.state, run.lease_owner, run.lease_until) == (RunState.QUEUED, None, None)
    assert (run.attempt, run.generation_failures, run.not_before) == (1, 0, None)
    assert run.reason == "The worker was stopped; it is made by another."
    assert run.wake_after is not None
    assert run.wake_after <= datetime.now(UTC)
    with Redis.from_url(redis_url) as connection:
        assert f"run-{run_id}-{run.wake_count}" in wakeups.queue(wakeups.EXPORTS, connection).job_ids
    with started(app, tmp_path, "second", "worker"):
        run = comes_to(run_id, RunState.SUCCEEDED)
    assert (run.attempt, run.generation_failures) == (2, 0)
    assert len(mail_sink.messages()) == 1


def test_a_child_that_is_told_alone_gives_its_run_back_and_its_parent_goes_on(
    app: Flask, new_run: NewRun, tmp_path: Path, mail_sink: Sink
) -> None:
    run_id = new_run()
    with started(app, tmp_path, "worker", "worker", **failpoint(tmp_path, "first-page=stop")) as worker:
        told_to_end(worker, "child")
        run = comes_to(run_id, RunState.SUCCEEDED)
        assert worker.alive()
    assert (run.attempt, run.generation_failures) == (2, 0)
    assert len(mail_sink.messages()) == 1


@pytest.mark.parametrize("whom", ["parent", "child", "both"])
def test_the_recipient_in_hand_is_finished_and_the_rest_goes_to_the_next_worker(
    app: Flask, new_run: NewRun, tmp_path: Path, mail_sink: Sink, whom: str
) -> None:
    run_id = new_run(recipients=THREE)
    with started(app, tmp_path, "first", "worker", **failpoint(tmp_path, "connected=stop")) as first:
        told_to_end(first, whom)
        if whom != "child":
            assert first.ended() == 0
            assert states_of(run_id) == [
                (DeliveryState.ACCEPTED, 1),
                (DeliveryState.PENDING, 0),
                (DeliveryState.PENDING, 0),
            ]
            run = run_of(run_id)
            assert (run.state, run.lease_owner, run.lease_until) == (RunState.DELIVERING, None, None)
        with started(app, tmp_path, "second", "worker"):
            run = comes_to(run_id, RunState.SUCCEEDED)
    assert run.attempt == 2
    assert sorted(message["To"] for message in mail_sink.messages()) == sorted(THREE)
    assert states_of(run_id) == [(DeliveryState.ACCEPTED, 1)] * 3


def test_a_second_signal_loses_nothing_either(app: Flask, new_run: NewRun, tmp_path: Path, mail_sink: Sink) -> None:
    """Of RQ's own handlers the second would kill the child, and with it the recipient in hand."""
    run_id = new_run(recipients=THREE)
    with started(app, tmp_path, "first", "worker", **failpoint(tmp_path, "after-data-mark=stop")) as first:
        child = first.stopped_child()
        os.kill(first.pid, signal.SIGTERM)
        wait_until("the child has the signal", lambda: has_pending_sigterm(child))
        time.sleep(1.1)  # RQ takes no second one within a second for one
        for _ in range(3):
            os.kill(first.pid, signal.SIGTERM)
        os.kill(child, signal.SIGCONT)
        assert first.ended() == 0
    assert states_of(run_id)[0] == (DeliveryState.ACCEPTED, 1)
    with started(app, tmp_path, "second", "worker"):
        comes_to(run_id, RunState.SUCCEEDED)
    assert len(mail_sink.messages()) == 3


def test_a_child_that_cannot_come_to_the_end_of_its_step_is_killed_and_the_run_given_back(
    app: Flask, new_run: NewRun, tmp_path: Path
) -> None:
    """Half a minute in operation, half a second here."""
    run_id = new_run()
    stubborn = worker_with("worker.watch.STOP_SECONDS = 0.5")
    with started(app, tmp_path, "first", *stubborn, **failpoint(tmp_path, "made-file=hang")) as first:
        wait_until("it hangs", (tmp_path / "struck" / "made-file").exists)
        os.kill(first.pid, signal.SIGTERM)
        assert first.ended() == 0
    run = run_of(run_id)
    assert (run.state, run.lease_owner, run.generation_failures) == (RunState.QUEUED, None, 0)


@pytest.mark.parametrize("module", [["worker"], ["worker", "upkeep"], ["worker.scheduler"]])
@pytest.mark.parametrize("redis_is_there", [True, False])
def test_a_process_with_nothing_in_hand_ends_at_once(
    app: Flask, redis_url: str, tmp_path: Path, module: list[str], redis_is_there: bool
) -> None:
    """Also while it waits for a Redis that is away."""
    url = redis_url if redis_is_there else f"unix://{tmp_path}/nowhere.sock"
    with started(app, tmp_path, "process", *module, REDIS_URL=url) as process:
        if redis_is_there:
            wait_until("it is known to Redis", lambda: is_known(redis_url, module[-1]))
        else:
            wait_until("it waits for Redis", lambda: "Redis is away" in process.said)
        process.process.send_signal(signal.SIGTERM)
        assert process.ended() == 0


def is_known(url: str, name: str) -> bool:
    with Redis.from_url(url) as connection:
        if name == "worker.scheduler":
            return bool(connection.keys("rq:scheduler_instance:*"))
        queue = wakeups.EXPORTS if name == "worker" else wakeups.UPKEEP
        return bool(connection.smembers(f"rq:workers:{queue}"))
