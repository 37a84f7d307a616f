"""SIGSTOP at every place of a run; its lease lapses, another ends the run, the first wakes: it writes nothing (B8)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask

from portal import clock
from tests.faults import lives
from tests.faults.conftest import LEASE_SECONDS
from tests.faults.hatchery import Hatchery
from tests.faults.lives import AFTER_THE_POINT_OF_NO_RETURN, WELL, End, Lives
from tests.faults.trials import Trials, go_on
from tests.support.cast import Cast
from tests.support.mail import Sink
from tests.support.processes import state_of
from tests.support.schedules import make_cases
from tests.support.whole_product import wait_until

# frozen there it holds the lock of its transaction, so that nobody can take the run over before it wakes
HOLDING_A_LOCK = tuple(place for place in lives.OF_A_RUN if place.endswith("-before-commit"))
HOLDING_NONE = tuple(place for place in lives.OF_A_RUN if place not in HOLDING_A_LOCK)


@pytest.fixture
def trials(app: Flask, cast: Cast, hatchery: Hatchery, mail_sink: Sink) -> Iterator[Trials]:
    make_cases(cast.lakeside, 7, created_at=clock.now() - timedelta(days=3))
    made = Trials(Lives(cast, hatchery, mail_sink), hatchery, mail_sink)
    yield made
    made.check()


def test_the_first_wakes_after_the_second_has_ended_the_run(trials: Trials, mail_sink: Sink) -> None:
    for place in HOLDING_NONE:

        def play(place: str = place) -> uuid.UUID:
            trials.staffed("worker", "worker-2")
            trials.hatchery.charge(place, "stop")
            run_id = trials.lives.pressed(place)
            first = trials.stopped_at(place)
            trials.hatchery.forward(LEASE_SECONDS + 1)
            trials.comes_to_its_end(run_id)
            ledger, mails = lives.ledger_of(run_id), len(mail_sink.messages())
            go_on(first)
            wait_until("the first has ended", lambda: state_of(first) in {"", "Z"})
            assert lives.ledger_of(run_id) == ledger
            # past the point of no return it sends what the ledger has called UNKNOWN since
            assert len(mail_sink.messages()) == mails + (place == "after-data-mark")
            return run_id

        expected = AFTER_THE_POINT_OF_NO_RETURN.get(place, WELL)
        trials.case(place, End(expected.state), play)


def test_one_frozen_within_a_transaction_ends_it_and_then_leaves_the_run(trials: Trials) -> None:
    for place in HOLDING_A_LOCK:

        def play(place: str = place) -> uuid.UUID:
            trials.staffed("worker", "worker-2")
            trials.hatchery.charge(place, "stop")
            run_id = trials.lives.pressed(place)
            first = trials.stopped_at(place)
            trials.hatchery.forward(LEASE_SECONDS + 1)
            go_on(first)
            return run_id

        trials.case(place, WELL, play)


def test_every_place_is_one_or_the_other() -> None:
    assert set(HOLDING_A_LOCK) | set(HOLDING_NONE) == set(lives.OF_A_RUN)
    assert len(HOLDING_A_LOCK) == 5
