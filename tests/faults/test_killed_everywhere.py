"""SIGKILL at every place in the life of a run: parent, child, both; the run comes to its right end (B8).

One test goes through all places, since each case is one more run of the same installation; a case that comes to another
end is named, and the others still are tried.
"""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import clock, notices
from portal.failpoints import PLACES
from portal.models import Notice, NoticeState, RunState, write_session
from portal.runs import recover
from tests.faults import lives
from tests.faults.conftest import LEASE_SECONDS
from tests.faults.hatchery import Hatchery
from tests.faults.lives import AFTER_THE_POINT_OF_NO_RETURN, SWEEP, TICK, WELL, Lives
from tests.faults.trials import Trials, go_on
from tests.support.cast import Cast
from tests.support.mail import Sink
from tests.support.processes import state_of
from tests.support.runs import make_run_row, targets
from tests.support.schedules import make_cases
from tests.support.whole_product import wait_until

WHO = {"child": "kill", "parent": "kill-parent", "both": "kill-both"}
pytestmark = pytest.mark.parametrize("who", WHO)


class Killings(Trials):
    """`who` is killed: the parent, its child, or both."""

    def __init__(self, lives_: Lives, hatchery: Hatchery, sink: Sink, who: str) -> None:
        super().__init__(lives_, hatchery, sink)
        self.who = who

    def strike(self, place: str, kind: str) -> None:
        """It was reached and somebody was killed; a child that lives on alone may do what it does."""
        self.hatchery.await_strike(place)
        if self.who != "child":
            wait_until("the parent is gone", lambda: state_of(self.parents[kind]) in {"", "Z"})
        if self.who == "parent":
            wait_until("the orphan is done", lambda: not self.hatchery.jobs_of(self.parents[kind]))
        self.hatchery.forward(LEASE_SECONDS + 1)


@pytest.fixture
def killings(app: Flask, cast: Cast, hatchery: Hatchery, mail_sink: Sink, who: str) -> Iterator[Killings]:
    make_cases(cast.lakeside, 7, created_at=clock.now() - timedelta(days=3))
    made = Killings(Lives(cast, hatchery, mail_sink), hatchery, mail_sink, who)
    yield made
    made.check()


def test_a_worker_of_exports(killings: Killings, who: str) -> None:
    for place in lives.OF_A_RUN:

        def play(place: str = place) -> uuid.UUID:
            killings.staffed("worker")
            killings.hatchery.charge(place, WHO[who])
            run_id = killings.lives.pressed(place)
            killings.strike(place, "worker")
            return run_id

        # a child that lost its parent alone goes on to the end
        certain = who == "parent" or place not in AFTER_THE_POINT_OF_NO_RETURN
        killings.case(place, WELL if certain else AFTER_THE_POINT_OF_NO_RETURN[place], play)


def test_a_tick(killings: Killings, who: str) -> None:
    for place in lives.OF_A_TICK:

        def play(place: str = place) -> uuid.UUID:
            killings.staffed("upkeep", "worker")
            schedule_id = killings.lives.due(place)
            killings.hatchery.charge(place, WHO[who])
            killings.lives.upkeep(TICK)
            killings.strike(place, "upkeep")
            killings.staffed("upkeep")
            killings.lives.upkeep(TICK)
            wait_until("the next tick has started it", lambda: lives.runs_of(schedule_id))
            return lives.runs_of(schedule_id)[0]

        killings.case(place, WELL, play)


def test_a_sweep(killings: Killings, who: str) -> None:
    prepare = {
        **dict.fromkeys(lives.OF_A_LOST_RUN, killings.lives.lost),
        **dict.fromkeys(lives.OF_A_LOST_WAKE_UP, killings.lives.unwoken),
    }
    for place, prepared in prepare.items():

        def play(place: str = place, prepared: Callable[[str], uuid.UUID] = prepared) -> uuid.UUID:
            run_id = prepared(place)
            killings.staffed("upkeep")
            killings.hatchery.charge(place, WHO[who])
            killings.lives.upkeep(SWEEP)
            killings.strike(place, "upkeep")
            return run_id

        killings.case(place, WELL, play)
        killings.hatchery.kill(killings.parents["worker"])


def test_giving_a_run_back(killings: Killings, who: str) -> None:
    for place in lives.OF_GIVING_BACK:

        def play(place: str = place) -> uuid.UUID:
            killings.staffed("worker")
            parent = killings.parents["worker"]
            killings.hatchery.charge("made-file", "stop")
            killings.hatchery.charge(place, WHO[who])
            run_id = killings.lives.pressed(place)
            job = killings.stopped_at("made-file")
            os.kill(job, signal.SIGTERM)
            go_on(job)
            killings.hatchery.await_strike(place)
            killings.hatchery.kill(parent)
            killings.hatchery.forward(LEASE_SECONDS + 1)
            return run_id

        killings.case(place, WELL, play)


def test_a_cancel_that_a_lost_worker_left(killings: Killings, cast: Cast, who: str) -> None:
    (place,) = lives.OF_A_LOST_CANCEL
    killings.staffed("upkeep")
    run = make_run_row(
        cast.lakeside,
        killings.lives.schedule(place),
        RunState.DELIVERING,
        to=targets("priya@example.org"),
        cancel_requested_at=clock.now(),
        cancel_requested_by="otto@example.org",
        wake_after=clock.now(),
    )
    killings.hatchery.charge(place, WHO[who])
    killings.lives.upkeep(SWEEP)
    killings.strike(place, "upkeep")
    recover.sweep(clock.now())
    assert lives.state_of_run(run.run) is RunState.CANCELLED


def test_a_notice(killings: Killings, cast: Cast, mail_sink: Sink, who: str) -> None:
    """Nobody can know whether it arrived, and a notice is no report: it may come twice, as the same message."""
    for place in lives.OF_A_NOTICE:
        killings.staffed("upkeep")
        with write_session() as db:
            notices.post(
                db,
                organization_id=cast.lakeside,
                key=place,
                kind="run_failed",
                to=[(cast.otto, f"{place}@example.org")],
                subject="A report failed",
                text="It did.",
                now=clock.now(),
            )
        killings.hatchery.charge(place, WHO[who])
        killings.lives.upkeep(SWEEP)
        killings.strike(place, "upkeep")
        killings.hatchery.forward(301)
        notices.send_due(clock.now())
        with write_session() as db:
            notice = db.scalars(sa.select(Notice).where(Notice.address == f"{place}@example.org")).one()
        assert notice.state is NoticeState.SENT
        arrived = [each for each in mail_sink.messages() if each["To"] == notice.address]
        once = who == "parent" or place == "notice-taken"
        assert [each["Message-ID"] for each in arrived] == [notice.message_id] * (1 if once else 2)


def test_no_place_is_left_out(who: str) -> None:
    tried = {
        *lives.OF_A_RUN,
        *lives.OF_A_TICK,
        *lives.OF_A_LOST_RUN,
        *lives.OF_A_LOST_WAKE_UP,
        *lives.OF_GIVING_BACK,
        *lives.OF_A_LOST_CANCEL,
        *lives.OF_A_NOTICE,
    }
    assert tried == set(PLACES)
