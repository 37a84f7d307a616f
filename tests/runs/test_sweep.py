"""The sweep goes on, whatever one run does (B8)."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime

import pytest
from flask import Flask

from portal import leases
from portal.models import RunState
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
