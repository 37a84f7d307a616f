"""A beat of the heart renews the lease, or tells that it is lost: beat by beat, without waiting for any (B8)."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace

import pytest
from flask import Flask

from portal import leases
from portal.config import settings
from tests.runs.conftest import run_of
from tests.support.apps import Clock

NewRun = Callable[..., uuid.UUID]


class OneBeat(threading.Event):
    """The time for one beat has come at once, and then the body is done."""

    def __init__(self) -> None:
        super().__init__()
        self._over = False

    def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002  # it has come already
        over, self._over = self._over, True
        return over


class AtOnce(threading.Thread):
    """Its whole work is done before `start` returns."""

    def start(self) -> None:
        self.run()

    def join(self, timeout: float | None = None) -> None:
        pass


@pytest.fixture
def lease(app: Flask, new_run: NewRun, moved_clock: Clock, monkeypatch: pytest.MonkeyPatch) -> leases.Lease:
    taken = leases.take(new_run(), "a", moved_clock.now())
    assert taken is not None
    monkeypatch.setattr(leases, "threading", SimpleNamespace(Event=OneBeat, Thread=AtOnce))
    return taken[0]


def test_a_beat_renews_the_lease(lease: leases.Lease, moved_clock: Clock) -> None:
    now = moved_clock.forward(seconds=60)
    with leases.heartbeat(lease) as check:
        check()
    assert run_of(lease.run_id).lease_until == now + timedelta(seconds=settings().lease_seconds)


def test_a_beat_that_comes_too_late_tells_that_the_lease_is_lost(lease: leases.Lease, moved_clock: Clock) -> None:
    moved_clock.forward(seconds=91)
    with leases.heartbeat(lease) as check, pytest.raises(leases.LeaseLost):
        check()
