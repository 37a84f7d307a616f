"""A run from its wake-up to its end, over a real SMTP server (B2, B3, D1, D4, D5, D6)."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import audit, leases
from portal.config import settings
from portal.delivery import ledger
from portal.models import (
    Artifact,
    AuditEvent,
    DeliveryState,
    DownloadLink,
    ExportFormat,
    Run,
    RunKind,
    RunState,
    Schedule,
    UnknownPolicy,
    write_session,
)
from portal.plumbing import storage
from portal.runs import recover
from portal.runs.make import make_run
from portal.runs.retry import retry_failed
from portal.runs.transitions import Refused
from portal.schedules.start_due import start_due
from tests.runs.conftest import THREE, deliveries_of, run_of
from tests.support.apps import Clock
from tests.support.mail import Sink, attachment_of
from tests.support.schedules import make_schedule

NewRun = Callable[..., uuid.UUID]
ANA = audit.Actor("USER", "ana@example.org")


def artifact_of(run_id: uuid.UUID) -> Artifact:
    with write_session() as db:
        return db.scalars(sa.select(Artifact).where(Artifact.run_id == run_id)).one()


@pytest.mark.parametrize("file_format", [ExportFormat.CSV, ExportFormat.XLSX])
def test_two_people_get_the_same_bytes_and_the_third_is_refused(
    app: Flask, new_run: NewRun, mail_sink: Sink, file_format: ExportFormat
) -> None:
    run_id = new_run(recipients=THREE, format=file_format)
    assert make_run(run_id)
    run, artifact, rows = run_of(run_id), artifact_of(run_id), deliveries_of(run_id)
    assert run.state is RunState.PARTIAL
    assert run.reason == "Accepted for 2 of 3 destinations; 1 refused."
    assert run.rows_written == artifact.rows == 7
    assert [rows[address].state for address in THREE] == [
        DeliveryState.ACCEPTED,
        DeliveryState.ACCEPTED,
        DeliveryState.REJECTED,
    ]
    assert rows["refused@example.org"].smtp_code == 550
    assert "does not exist here" in (rows["refused@example.org"].smtp_text or "")
    stored = b"".join(storage.chunks(storage.artifact_store(), artifact.storage_key))
    assert hashlib.sha256(stored).hexdigest() == artifact.sha256
    assert [attachment_of(message) for message in mail_sink.messages()] == [stored, stored]
    assert [message["To"] for message in mail_sink.messages()] == THREE[:2]


def test_the_mail_says_what_it_is(app: Flask, new_run: NewRun, mail_sink: Sink) -> None:
    run_id = new_run(name="Open cases to the board")
    make_run(run_id)
    (message,) = mail_sink.messages()
    text = message.get_body(("plain",)).get_content()
    for fact in ("Open cases to the board", "New York", artifact_of(run_id).sha256, "7", f"{settings().public_url}/d/"):
        assert fact in text


def test_a_run_that_is_over_is_not_made_again(app: Flask, new_run: NewRun, mail_sink: Sink) -> None:
    run_id = new_run()
    assert make_run(run_id)
    assert not make_run(run_id)
    assert len(mail_sink.messages()) == 1
    assert run_of(run_id).attempt == 1


def test_a_busy_server_is_tried_again_with_the_same_message(
    app: Flask, new_run: NewRun, mail_sink: Sink, moved_clock: Clock
) -> None:
    run_id = new_run(recipients=["priya@example.org", "busy@example.org"])
    make_run(run_id)
    waiting = deliveries_of(run_id)["busy@example.org"]
    assert (run_of(run_id).state, waiting.state) == (RunState.DELIVERING, DeliveryState.PENDING)
    assert waiting.next_attempt_at == moved_clock.now().replace(minute=1)
    assert recover.sweep(moved_clock.now()) == 0  # not yet due
    moved_clock.forward(minutes=1)
    make_run(run_id)
    assert deliveries_of(run_id)["busy@example.org"].next_attempt_at == moved_clock.now().replace(minute=6)
    moved_clock.forward(minutes=5)
    make_run(run_id)
    assert run_of(run_id).state is RunState.SUCCEEDED
    assert deliveries_of(run_id)["busy@example.org"].attempts == 3
    first, second = mail_sink.messages()
    assert second["Message-ID"] == waiting.message_id
    assert attachment_of(first) == attachment_of(second)
    assert artifact_of(run_id)  # made once


def test_retrying_failed_ones_leaves_those_who_have_it_alone(
    app: Flask, new_run: NewRun, mail_sink: Sink, cast, moved_clock: Clock
) -> None:
    run_id = new_run(recipients=THREE)
    make_run(run_id)
    before = deliveries_of(run_id)["refused@example.org"].message_id
    retry_failed(cast.lakeside, run_id, actor=ANA, now=moved_clock.forward(minutes=1))
    assert run_of(run_id).state is RunState.DELIVERING
    make_run(run_id)
    assert run_of(run_id).state is RunState.PARTIAL
    assert len(mail_sink.messages()) == 2
    again = deliveries_of(run_id)["refused@example.org"]
    assert (again.attempts, again.message_id) == (2, before)


def test_there_is_nothing_to_retry_when_everybody_has_it(app: Flask, new_run: NewRun, cast, moved_clock: Clock) -> None:
    run_id = new_run()
    make_run(run_id)
    with pytest.raises(Refused):
        retry_failed(cast.lakeside, run_id, actor=ANA, now=moved_clock.now())
    with pytest.raises(Refused):
        retry_failed(cast.strangers, run_id, actor=ANA, now=moved_clock.now())


def test_no_server_means_later_and_nothing_is_called_sent(
    make_app: Callable[..., Flask], app: Flask, new_run: NewRun, mail_sink: Sink
) -> None:
    run_id = new_run()
    with make_app(MAIL_PORT="1").app_context():
        make_run(run_id)
        row = deliveries_of(run_id)["priya@example.org"]
        assert (row.state, row.attempts) == (DeliveryState.PENDING, 1)
        assert row.accepted_at is None
    assert mail_sink.messages() == []


def test_a_day_of_temporary_refusals_is_given_up(app: Flask, new_run: NewRun, moved_clock: Clock) -> None:
    run_id = new_run(recipients=["busy@example.org"])
    make_run(run_id)
    moved_clock.forward(hours=24)
    make_run(run_id)
    assert deliveries_of(run_id)["busy@example.org"].state is DeliveryState.EXPIRED
    assert run_of(run_id).state is RunState.FAILED


@pytest.mark.parametrize(
    ("attach", "after", "run_state"),
    [
        (True, DeliveryState.UNKNOWN, RunState.PARTIAL),  # a second copy of the file may do harm: a person decides
        (False, DeliveryState.ACCEPTED, RunState.SUCCEEDED),  # a second copy of a link mail harms nobody
    ],
)
def test_a_worker_lost_after_data_leaves_it_unknown_and_says_so(
    app: Flask, new_run: NewRun, mail_sink: Sink, moved_clock: Clock, attach: bool, after, run_state
) -> None:
    run_id = new_run(delivery_config={"attach": attach, "link": True})
    lease = _stopped_in_delivery(run_id, moved_clock)
    delivery = ledger.take_one(lease, moved_clock.now())
    assert delivery is not None
    ledger.mark_data(lease, delivery, moved_clock.now())
    moved_clock.forward(seconds=91)
    make_run(run_id)
    moved_clock.forward(minutes=1)
    make_run(run_id)
    row = deliveries_of(run_id)["priya@example.org"]
    assert (row.state, run_of(run_id).state) == (after, run_state)
    assert row.unknown_policy is (UnknownPolicy.HOLD if attach else UnknownPolicy.RESEND)
    assert len(mail_sink.messages()) == (0 if attach else 1)


def test_a_worker_lost_before_data_is_made_up_for(
    app: Flask, new_run: NewRun, mail_sink: Sink, moved_clock: Clock
) -> None:
    run_id = new_run()
    lease = _stopped_in_delivery(run_id, moved_clock)
    ledger.take_one(lease, moved_clock.now())
    moved_clock.forward(seconds=91)
    make_run(run_id)
    moved_clock.forward(minutes=1)
    make_run(run_id)
    assert run_of(run_id).state is RunState.SUCCEEDED
    assert len(mail_sink.messages()) == 1


def test_a_frozen_worker_cannot_send_or_write_after_its_successor(
    app: Flask, new_run: NewRun, mail_sink: Sink, moved_clock: Clock
) -> None:
    run_id = new_run()
    lease = _stopped_in_delivery(run_id, moved_clock)
    delivery = ledger.take_one(lease, moved_clock.now())
    assert delivery is not None
    moved_clock.forward(seconds=91)
    make_run(run_id)
    moved_clock.forward(minutes=1)
    make_run(run_id)
    assert run_of(run_id).state is RunState.SUCCEEDED
    accepted = ledger.Result(DeliveryState.REJECTED, "too late")
    with pytest.raises(leases.LeaseLost):
        ledger.mark_data(lease, delivery, moved_clock.now())
    with pytest.raises(leases.LeaseLost):
        ledger.finish(lease, delivery, accepted, moved_clock.now())
    assert deliveries_of(run_id)["priya@example.org"].state is DeliveryState.ACCEPTED


def _stopped_in_delivery(run_id: uuid.UUID, moved_clock: Clock) -> leases.Lease:
    """The run with its file made and its worker stopped before the first recipient."""
    from portal.runs.make import _render

    taken = leases.take(run_id, "worker that stops", moved_clock.now())
    assert taken is not None
    assert _render(taken[0], lambda: None)
    return taken[0]


def test_a_file_too_big_for_mail_becomes_a_link(
    make_app: Callable[..., Flask], app: Flask, new_run: NewRun, mail_sink: Sink
) -> None:
    """D6."""
    run_id = new_run(delivery_config={"attach": True, "link": False})
    with make_app(DUEPOST_MAIL_SIZE_LIMIT_BYTES="30000").app_context():
        make_run(run_id)
    (message,) = mail_sink.messages()
    assert list(message.iter_attachments()) == []
    text = message.get_body(("plain",)).get_content()
    assert "too big for mail" in text
    with write_session() as db:
        assert db.scalar(sa.select(sa.func.count()).select_from(DownloadLink)) == 1


def test_a_folder_gets_the_same_bytes_and_a_row_of_its_own(app: Flask, new_run: NewRun) -> None:
    """D2."""
    run_id = new_run(name="Größe: all/none", recipients=[], folders=["board/{year}/{month}/{schedule}"])
    make_run(run_id)
    row = deliveries_of(run_id)["board/{year}/{month}/{schedule}"]
    assert (row.state, run_of(run_id).state) == (DeliveryState.ACCEPTED, RunState.SUCCEEDED)
    stored = (
        settings().effective_export_folder
        / "lakeside/board/2026/11/Grosse-all-none/Grosse-all-none-2026-11-02-070000.csv"
    )
    assert hashlib.sha256(stored.read_bytes()).hexdigest() == artifact_of(run_id).sha256


def test_a_folder_never_loses_what_stands_there_already(app: Flask, new_run: NewRun) -> None:
    taken = settings().effective_export_folder / "lakeside/board/Open-cases-2026-11-02-070000.csv"
    taken.parent.mkdir(parents=True)
    taken.write_text("somebody else's")
    run_id = new_run(recipients=[], folders=["board"])
    make_run(run_id)
    assert deliveries_of(run_id)["board"].state is DeliveryState.REJECTED
    assert taken.read_text() == "somebody else's"
    assert run_of(run_id).state is RunState.FAILED


def test_a_run_now_and_the_days_planned_run_both_find_room_in_a_folder(
    app: Flask, cast, new_run: NewRun, moved_clock: Clock
) -> None:
    schedule_id = make_schedule(cast.lakeside, cast.otto, recipients=[], folders=["board"])
    make_run(new_run(schedule_id))
    start_due(moved_clock.forward(hours=1))
    with write_session() as db:
        (planned,) = db.scalars(sa.select(Run.id).where(Run.kind == RunKind.PLANNED))
    make_run(planned)
    assert run_of(planned).state is RunState.SUCCEEDED
    folder = settings().effective_export_folder / "lakeside/board"
    names = ["Open-cases-2026-11-02-070000.csv", "Open-cases-2026-11-02.csv"]
    assert sorted(path.name for path in folder.iterdir()) == names


def test_an_error_while_making_the_file_is_tried_three_times_and_then_said(
    app: Flask, new_run: NewRun, moved_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B7: at once, after one and after five minutes."""
    run_id = new_run()
    monkeypatch.setattr(storage, "put_new", _disk_full)
    for minutes in (0, 1, 5):
        moved_clock.forward(minutes=minutes, seconds=-1 if minutes else 0)
        if minutes:
            assert not make_run(run_id)  # not before its time
            moved_clock.forward(seconds=1)
        assert make_run(run_id)
    run = run_of(run_id)
    assert (run.state, run.generation_failures) == (RunState.FAILED, 3)
    assert run.error_message == "The storage could not keep the file: disk full"
    assert run.error_details
    with write_session() as db:
        assert db.get_one(Schedule, run.schedule_id).last_run_status == "FAILED"


def _disk_full(*_: object) -> None:
    raise storage.StorageError("The storage could not keep the file: disk full")


def test_every_change_of_state_is_an_audit_event(app: Flask, new_run: NewRun, mail_sink: Sink) -> None:
    run_id = new_run()
    make_run(run_id)
    with write_session() as db:
        statement = sa.select(AuditEvent.action).where(AuditEvent.subject_id == str(run_id))
        actions = list(db.scalars(statement.order_by(AuditEvent.sequence)))
    assert actions == ["run.queued", "run.delivering", "run.succeeded"]


def test_temporary_files_do_not_stay(app: Flask, new_run: NewRun, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = set(tmp_path.iterdir())
    make_run(new_run())
    assert {path for path in tmp_path.iterdir() if path.name.startswith("duepost-")} - before == set()
