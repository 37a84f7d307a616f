"""The sweep goes on, whatever one run does (B8)."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import leases
from portal.extensions import db
from portal.models import Run, RunState, engine, write_session
from portal.plumbing.database_trouble import DatabaseTrouble, database_trouble
from portal.runs import recover
from tests.runs.conftest import run_of
from tests.support.apps import Clock


def test_a_run_that_makes_trouble_keeps_no_other_from_being_found(
    app: Flask, new_run: Callable[..., uuid.UUID], moved_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = new_run(), new_run()
    for run_id in (bad, good):
        assert leases.take(run_id, "worker that dies", moved_clock.now())
    genuine = recover.give_back_lapsed

    def give_back_lapsed(run_id: uuid.UUID, now: datetime) -> bool:
        if run_id == bad:
            raise RuntimeError("this one makes trouble")
        return genuine(run_id, now)

    monkeypatch.setattr(recover, "give_back_lapsed", give_back_lapsed)
    assert recover.sweep(moved_clock.forward(seconds=90)) == 1
    assert [run_of(run_id).state for run_id in (bad, good)] == [RunState.RUNNING, RunState.QUEUED]


def test_a_worker_frozen_in_the_middle_of_a_transaction_does_not_hold_up_the_sweep_for_ever(
    app: Flask, new_run: Callable[..., uuid.UUID], moved_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or one whose machine is gone: its locks on a run, a schedule and the audit log's end would stop every tick."""
    if db.engine.dialect.name == "sqlite":
        return  # the end of a process frees its file; of one that is frozen there, every writer waits
    run_id = new_run()
    assert leases.take(run_id, "worker that freezes", moved_clock.now())
    monkeypatch.setattr(engine, "IDLE_SECONDS", 0.2)

    def freeze_and_wake() -> None:
        with write_session() as frozen:
            frozen.execute(sa.update(Run).where(Run.id == run_id).values(rows_written=1))
            assert recover.give_back_lapsed(run_id, moved_clock.forward(seconds=91))
            frozen.execute(sa.update(Run).where(Run.id == run_id).values(rows_written=2))

    with pytest.raises(sa.exc.DBAPIError) as ended:
        freeze_and_wake()
    assert database_trouble(ended.value) is DatabaseTrouble.AWAY
    assert (run_of(run_id).state, run_of(run_id).rows_written) == (RunState.QUEUED, 0)
