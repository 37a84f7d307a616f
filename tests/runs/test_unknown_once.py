"""A worker that is lost right after the server's answer: what may have arrived is said, and sent again once (D5)."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from portal.models import DeliveryState, RunState
from portal.plumbing.smtp import MailConnection
from portal.runs.make import make_run
from tests.runs.conftest import deliveries_of, run_of
from tests.support.apps import Clock
from tests.support.mail import Sink

NewRun = Callable[..., uuid.UUID]


class Lost(BaseException):
    """The process is gone; nothing of the program hears of it."""


def lost_after_the_answer(run_id: uuid.UUID) -> None:
    """A worker takes the run; the server answers to its first mail, and the worker is no more."""
    genuine = MailConnection.hand_over

    def hand_over(self: MailConnection, **message: Any) -> None:
        genuine(self, **message)
        raise Lost

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(MailConnection, "hand_over", hand_over)
        with pytest.raises(Lost):
            make_run(run_id)


def test_a_worker_lost_while_the_server_answers_leaves_data(
    app: Flask, new_run: NewRun, moved_clock: Clock, mail_sink: Sink
) -> None:
    run_id = new_run()
    lost_after_the_answer(run_id)
    assert deliveries_of(run_id)["priya@example.org"].state is DeliveryState.DATA
    for seconds in (91, 60):
        moved_clock.forward(seconds=seconds)
        make_run(run_id)
    assert deliveries_of(run_id)["priya@example.org"].state is DeliveryState.UNKNOWN
    assert run_of(run_id).state is RunState.PARTIAL
    assert len(mail_sink.messages()) == 1


def test_a_link_mail_that_may_have_arrived_is_sent_again_once(
    app: Flask, new_run: NewRun, moved_clock: Clock, mail_sink: Sink
) -> None:
    run_id = new_run(delivery_config={"attach": False, "link": True})
    lost_after_the_answer(run_id)
    moved_clock.forward(seconds=91)
    make_run(run_id)  # finds it lost, and waits a minute before it is sent again
    moved_clock.forward(seconds=60)
    lost_after_the_answer(run_id)
    for seconds in (91, 60, 3600):
        moved_clock.forward(seconds=seconds)
        make_run(run_id)
    row = deliveries_of(run_id)["priya@example.org"]
    assert (row.state, row.resent) == (DeliveryState.UNKNOWN, True)
    assert len(mail_sink.messages()) == 2
    assert len({message["Message-ID"] for message in mail_sink.messages()}) == 1
