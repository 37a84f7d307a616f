"""Nobody can know whether it arrived; a person settles it: they have it, or send it again (D4, D5)."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import audit, leases
from portal.models import Artifact, AuditEvent, Delivery, DeliveryState, DownloadLink, RunState, Schedule, write_session
from portal.runs.cancel import cancel_run
from portal.runs.make import make_run
from portal.runs.retry import retry_failed
from portal.runs.settle_unknown import send_it_again, they_have_it
from portal.runs.transitions import Refused
from tests.runs.conftest import deliveries_of, run_of
from tests.support.apps import Clock
from tests.support.cast import Cast
from tests.support.mail import Sink
from tests.support.places import Lost, at, be_lost

NewRun = Callable[..., uuid.UUID]
ANA = audit.Actor("USER", "ana@example.org")
A, B, BUSY = "priya@example.org", "tomas@example.org", "busy@example.org"
S = DeliveryState


@pytest.fixture
def uncertain(new_run: NewRun, moved_clock: Clock) -> Callable[..., uuid.UUID]:
    """A run whose first recipient is UNKNOWN: the server took the mail, and the worker was lost before it could say."""

    def make(*recipients: str) -> uuid.UUID:
        run_id = new_run(recipients=list(recipients))
        with pytest.MonkeyPatch.context() as patched:
            at(patched, "answered", be_lost)
            with pytest.raises(Lost):
                make_run(run_id)
        moved_clock.forward(seconds=91)
        make_run(run_id)
        return run_id

    return make


@pytest.fixture
def settle(cast: Cast, moved_clock: Clock) -> Callable[..., None]:
    def do(verb: Callable[..., None], run_id: uuid.UUID, address: str = A, **given: Any) -> None:
        given = {"actor": ANA, "now": moved_clock.now(), **given}
        verb(given.pop("organization", cast.lakeside), deliveries_of(run_id)[address].id, **given)

    return do


Uncertain = Callable[..., uuid.UUID]
Settle = Callable[..., None]


def events_of(subject: object) -> list[str]:
    with write_session() as db:
        statement = sa.select(AuditEvent.action).where(AuditEvent.subject_id == str(subject))
        return list(db.scalars(statement.order_by(AuditEvent.sequence)))


def test_they_have_it_counts_as_reached_and_is_not_called_accepted(
    app: Flask, uncertain: Uncertain, settle: Settle, moved_clock: Clock, mail_sink: Sink
) -> None:
    run_id = uncertain(A, B)
    assert (run_of(run_id).state, run_of(run_id).reached) == (RunState.PARTIAL, {"UNKNOWN": 1, "ACCEPTED": 1})
    settle(they_have_it, run_id)
    row, run = deliveries_of(run_id)[A], run_of(run_id)
    assert (row.state, row.settled_by, row.settled_at) == (S.UNKNOWN, ANA.name, moved_clock.now())
    assert row.accepted_at is None
    assert (run.state, run.reached) == (RunState.SUCCEEDED, {"CONFIRMED": 1, "ACCEPTED": 1})
    assert run.reason == "Accepted for 1 of 2 destinations; 1 confirmed by a person."
    assert events_of(row.id) == ["delivery.confirmed"]
    assert events_of(run_id)[-1] == "run.succeeded"
    with write_session() as db:
        assert db.get_one(Schedule, run.schedule_id).last_run_status == "SUCCEEDED"
    assert len(mail_sink.messages()) == 2


def test_a_run_stays_partial_while_another_was_refused(app: Flask, uncertain: Uncertain, settle: Settle) -> None:
    run_id = uncertain(A, "refused@example.org")
    settle(they_have_it, run_id)
    assert run_of(run_id).state is RunState.PARTIAL
    assert run_of(run_id).reason == "Accepted for 0 of 2 destinations; 1 confirmed by a person, 1 refused."


def test_trying_the_others_again_leaves_a_settled_one_alone(
    app: Flask, uncertain: Uncertain, settle: Settle, cast: Cast, moved_clock: Clock, mail_sink: Sink
) -> None:
    run_id = uncertain(A, "refused@example.org")
    settle(they_have_it, run_id)
    retry_failed(cast.lakeside, run_id, actor=ANA, now=moved_clock.now())
    make_run(run_id)
    assert run_of(run_id).state is RunState.PARTIAL
    assert deliveries_of(run_id)[A].attempts == 1
    assert len(mail_sink.messages()) == 1


def test_a_run_that_is_still_being_delivered_counts_it_at_its_end(
    app: Flask, uncertain: Uncertain, settle: Settle, moved_clock: Clock
) -> None:
    run_id = uncertain(A, BUSY)
    assert run_of(run_id).state is RunState.DELIVERING
    settle(they_have_it, run_id)
    assert run_of(run_id).state is RunState.DELIVERING
    for minutes in (1, 5):
        moved_clock.forward(minutes=minutes)
        make_run(run_id)
    assert run_of(run_id).state is RunState.SUCCEEDED
    assert run_of(run_id).reason == "Accepted for 1 of 2 destinations; 1 confirmed by a person."


def test_a_cancelled_run_stays_cancelled_and_says_it(
    app: Flask, uncertain: Uncertain, settle: Settle, cast: Cast, moved_clock: Clock
) -> None:
    run_id = uncertain(A, BUSY)
    cancel_run(cast.lakeside, run_id, actor=ANA, now=moved_clock.now())
    settle(they_have_it, run_id)
    assert run_of(run_id).state is RunState.CANCELLED
    expected = "Cancelled by ana@example.org. Accepted for 0 of 2 destinations; 1 confirmed by a person, 1 cancelled."
    assert run_of(run_id).reason == expected


def test_it_is_sent_again_as_the_same_message_to_the_byte(
    app: Flask, uncertain: Uncertain, settle: Settle, moved_clock: Clock, mail_sink: Sink
) -> None:
    run_id = uncertain(A, B)
    moved_clock.forward(days=2)  # longer than the day that the first try had
    settle(send_it_again, run_id)
    assert run_of(run_id).state is RunState.DELIVERING
    assert deliveries_of(run_id)[A].state is S.PENDING
    make_run(run_id)
    assert run_of(run_id).state is RunState.SUCCEEDED
    assert run_of(run_id).reason == "Accepted for 2 of 2 destinations."
    first, _, again = mail_sink.raw()
    assert first == again
    assert events_of(deliveries_of(run_id)[A].id) == ["delivery.resent"]


def test_a_link_that_has_run_out_is_renewed_with_the_mail(
    app: Flask, uncertain: Uncertain, settle: Settle, moved_clock: Clock
) -> None:
    run_id = uncertain(A)
    moved_clock.forward(days=20)
    settle(send_it_again, run_id)
    with write_session() as db:
        assert db.scalars(sa.select(DownloadLink.expires_at)).one() == moved_clock.now() + timedelta(days=14)


def test_a_cancelled_run_sends_it_again_and_is_not_cancelled_a_second_time(
    app: Flask, uncertain: Uncertain, settle: Settle, cast: Cast, moved_clock: Clock, mail_sink: Sink
) -> None:
    run_id = uncertain(A, BUSY)
    cancel_run(cast.lakeside, run_id, actor=ANA, now=moved_clock.now())
    settle(send_it_again, run_id)
    make_run(run_id)
    assert deliveries_of(run_id)[A].state is S.ACCEPTED
    assert run_of(run_id).state is RunState.PARTIAL
    assert run_of(run_id).reason == "Accepted for 1 of 2 destinations; 1 cancelled."


def test_sent_again_while_others_are_still_tried(
    app: Flask, uncertain: Uncertain, settle: Settle, mail_sink: Sink
) -> None:
    run_id = uncertain(A, BUSY)
    settle(send_it_again, run_id)
    make_run(run_id)
    assert deliveries_of(run_id)[A].state is S.ACCEPTED
    assert run_of(run_id).state is RunState.DELIVERING
    assert len(mail_sink.messages()) == 2


def test_a_second_loss_is_uncertain_again(app: Flask, uncertain: Uncertain, settle: Settle, moved_clock: Clock) -> None:
    run_id = uncertain(A)
    settle(send_it_again, run_id)
    with pytest.MonkeyPatch.context() as patched:
        at(patched, "answered", be_lost)
        with pytest.raises(Lost):
            make_run(run_id)
    moved_clock.forward(seconds=91)
    make_run(run_id)
    assert (deliveries_of(run_id)[A].state, run_of(run_id).state) == (S.UNKNOWN, RunState.PARTIAL)


def test_a_refusal_of_the_second_try_does_not_make_the_first_certain(
    app: Flask, uncertain: Uncertain, settle: Settle, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = uncertain(A)
    settle(send_it_again, run_id)

    def refuse(*_: object) -> str:
        return "550 5.1.1 No such mailbox any more"

    monkeypatch.setattr("demo.mail_sink.MailSink._refusal", refuse)
    make_run(run_id)
    row = deliveries_of(run_id)[A]
    assert (row.state, row.smtp_code) == (S.UNKNOWN, 550)
    assert row.reason == "The mail server refused it. An earlier try may have arrived."


def test_a_day_of_temporary_refusals_does_not_make_the_first_certain(
    app: Flask, uncertain: Uncertain, settle: Settle, moved_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = uncertain(A)
    settle(send_it_again, run_id)
    monkeypatch.setattr("demo.mail_sink.MailSink._refusal", lambda *_: "451 4.7.1 Later")
    for _ in range(30):
        make_run(run_id)
        moved_clock.forward(hours=1)
    row = deliveries_of(run_id)[A]
    assert (row.state, run_of(run_id).state) == (S.UNKNOWN, RunState.PARTIAL)
    assert "An earlier try may have arrived." in row.reason


def test_nothing_is_sent_again_whose_file_was_deleted(
    app: Flask, uncertain: Uncertain, settle: Settle, moved_clock: Clock
) -> None:
    run_id = uncertain(A)
    with write_session() as db:
        db.execute(sa.update(Artifact).values(deleted_at=moved_clock.now()))
    with pytest.raises(Refused, match="was deleted"):
        settle(send_it_again, run_id)
    assert deliveries_of(run_id)[A].state is S.UNKNOWN
    settle(they_have_it, run_id)
    assert run_of(run_id).state is RunState.SUCCEEDED


@pytest.mark.parametrize("verb", [they_have_it, send_it_again])
def test_only_what_is_uncertain_is_settled(app: Flask, uncertain: Uncertain, settle: Settle, verb: Settle) -> None:
    run_id = uncertain(A, B)
    with pytest.raises(Refused, match="Nothing is uncertain about tomas"):
        settle(verb, run_id, B)
    assert events_of(deliveries_of(run_id)[B].id) == []


@pytest.mark.parametrize("verb", [they_have_it, send_it_again])
def test_a_stranger_settles_nothing(app: Flask, uncertain: Uncertain, settle: Settle, cast: Cast, verb: Settle) -> None:
    run_id = uncertain(A)
    with pytest.raises(Refused, match="no longer there"):
        settle(verb, run_id, organization=cast.strangers)
    assert deliveries_of(run_id)[A].state is S.UNKNOWN


def test_settled_once_is_settled(app: Flask, uncertain: Uncertain, settle: Settle) -> None:
    run_id = uncertain(A)
    settle(they_have_it, run_id)
    settle(they_have_it, run_id, actor=audit.Actor("USER", "otto@example.org"))
    assert deliveries_of(run_id)[A].settled_by == ANA.name
    with pytest.raises(Refused, match="said that priya"):
        settle(send_it_again, run_id)
    assert run_of(run_id).state is RunState.SUCCEEDED


def test_two_people_who_say_the_opposite_at_once_do_not_both_get_their_way(
    app: Flask, uncertain: Uncertain, settle: Settle, mail_sink: Sink
) -> None:
    run_id = uncertain(A)
    together, told = threading.Barrier(2), []

    def press(verb: Settle) -> None:
        with app.app_context():
            together.wait()
            try:
                settle(verb, run_id)
            except Refused as refusal:
                told.append(str(refusal))

    threads = [threading.Thread(target=press, args=(verb,)) for verb in (they_have_it, send_it_again)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 1
    with write_session() as db:
        row = db.scalars(sa.select(Delivery)).one()
    assert (row.state is S.PENDING) is (row.settled_at is None)


def test_a_worker_in_the_middle_of_another_recipient_is_not_disturbed(
    app: Flask, uncertain: Uncertain, settle: Settle, moved_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = uncertain(A, BUSY)
    moved_clock.forward(minutes=1)
    at(monkeypatch, "connected", lambda: settle(send_it_again, run_id))
    make_run(run_id)
    rows = deliveries_of(run_id)
    assert (rows[A].state, rows[BUSY].state, rows[BUSY].attempts) == (S.ACCEPTED, S.PENDING, 2)
    assert leases.take(run_id, "another", moved_clock.now()) is not None
