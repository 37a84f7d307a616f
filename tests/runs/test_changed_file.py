"""A stored file that somebody changed leaves the storage by no way (attack 54)."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.extensions import db
from portal.models import Artifact, DeliveryState, RunState
from portal.runs.make import make_run
from tests.runs.conftest import deliveries_of, run_of
from tests.support.apps import Clock
from tests.support.mail import Sink
from tests.support.runs import stored_path


@pytest.mark.parametrize("damage", ["changed", "gone"])
def test_a_retry_mails_no_changed_file(
    app: Flask,
    new_run: Callable[..., uuid.UUID],
    mail_sink: Sink,
    moved_clock: Clock,
    damage: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    run_id = new_run(recipients=["priya@example.org", "busy@example.org"])
    make_run(run_id)
    path = stored_path(db.session.scalar(sa.select(Artifact.id)))
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes().replace(b"C-00001", b"C-99999"))
    moved_clock.forward(minutes=1)
    make_run(run_id)
    waiting = deliveries_of(run_id)["busy@example.org"]
    assert waiting.state is DeliveryState.REJECTED
    assert "alerted" in waiting.reason
    assert run_of(run_id).state is RunState.PARTIAL
    assert len(mail_sink.messages()) == 1
    assert "stored file is" in caplog.text
