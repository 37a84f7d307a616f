"""What becomes of a delivery for each answer of the mail server, at each stage of a run's mail (D4, H 45)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask

from portal.models import DeliveryState, RunState
from portal.runs.make import make_run
from tests.runs.conftest import deliveries_of, new_run, run_of  # noqa: F401  # a fixture
from tests.support.apps import Clock
from tests.support.scripted_smtp import CLOSE, DRIP, HANG, ScriptedSmtp, Step, raw, say, say_and_close

NewRun = Callable[..., uuid.UUID]
ANSWERS = {
    "4xx": say("451 4.3.0 later"),
    "5xx": say("554 5.7.1 never"),
    "421 and close": say_and_close("421 4.3.2 closing"),
    "close": CLOSE,
    "hang": HANG,
    "drip": DRIP,
    "nonsense": raw(b"\xff\xfe what?\r\n"),
}
P, R, U, A = DeliveryState.PENDING, DeliveryState.REJECTED, DeliveryState.UNKNOWN, DeliveryState.ACCEPTED
STATES = {
    "connect": dict.fromkeys(ANSWERS, P),
    "ehlo": dict.fromkeys(ANSWERS, P),
    "mail": dict.fromkeys(ANSWERS, P) | {"5xx": R},
    "rcpt": dict.fromkeys(ANSWERS, P) | {"5xx": R},
    "data": dict.fromkeys(ANSWERS, U) | {"4xx": P, "5xx": R, "421 and close": P},
    "end": dict.fromkeys(ANSWERS, U) | {"4xx": P, "5xx": R, "421 and close": P},
    "quit": dict.fromkeys(ANSWERS, A),
}


@pytest.fixture
def server() -> Iterator[ScriptedSmtp]:
    # the answer to the final dot is awaited for minutes, since giving up there makes an unknown
    with ScriptedSmtp(hang_seconds=1.5) as server:
        yield server


@pytest.fixture
def app_settings(server: ScriptedSmtp) -> dict[str, str]:
    return {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(server.port), "DUEPOST_MAIL_TIMEOUT_SECONDS": "1"}


@pytest.mark.parametrize("stage", STATES)
def test_the_ledger_says_what_can_be_known(app: Flask, new_run: NewRun, server: ScriptedSmtp, stage: str) -> None:  # noqa: F811
    came_to = {}
    for name, step in ANSWERS.items():
        server.script = {stage: [step]}
        server.received.clear()
        run_id = new_run(recipients=["priya@example.org"])
        make_run(run_id)
        row = deliveries_of(run_id)["priya@example.org"]
        came_to[name] = row.state
        assert row.attempts == 1
        if row.state is A:
            assert [each.answer for each in server.received] == ["250"]
        elif row.state is not U:
            assert [each.answer for each in server.received if each.answer[:1] not in {"4", "5"}] == []
    assert came_to == STATES[stage]


@pytest.mark.parametrize("lie", [say("250 2.0.0 kept, though it is thrown away"), say("451 4.3.0 failed, though kept")])
def test_a_server_that_lies_is_taken_by_its_word(
    app: Flask,
    new_run: NewRun,  # noqa: F811
    server: ScriptedSmtp,
    moved_clock: Clock,
    lie: Step,
) -> None:
    """Nobody else can be asked: a 250 is "accepted", a 4xx is tried again, as the same message."""
    server.script = {"end": [lie]}
    run_id = new_run(recipients=["priya@example.org"])
    make_run(run_id)
    if lie.data.startswith(b"4"):
        assert run_of(run_id).state is RunState.DELIVERING
        moved_clock.set(moved_clock.now() + timedelta(minutes=1))
        make_run(run_id)
    assert run_of(run_id).state is RunState.SUCCEEDED
    assert len({each.data for each in server.received}) == 1
