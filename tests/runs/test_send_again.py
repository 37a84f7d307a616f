"""The stored file once more to chosen people: a new message, the same bytes (D5)."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import audit
from portal.delivery.links import LinkState, linked_file
from portal.models import (
    Artifact,
    AuditEvent,
    Delivery,
    DeliveryState,
    Destination,
    DownloadLink,
    Run,
    RunState,
    write_session,
)
from portal.runs.cancel import cancel_run
from portal.runs.make import make_run
from portal.runs.retry import retry_failed
from portal.runs.send_again import send_again
from portal.runs.transitions import Refused
from tests.runs.conftest import run_of
from tests.support.apps import Clock
from tests.support.cast import Cast
from tests.support.mail import Sink, attachment_of
from tests.support.runs import stored_path

NewRun = Callable[..., uuid.UUID]
ANA = audit.Actor("USER", "ana@example.org")
A, B, REFUSED = "priya@example.org", "tomas@example.org", "refused@example.org"
S = DeliveryState
Again = Callable[..., int]


@pytest.fixture
def again(cast: Cast, moved_clock: Clock) -> Again:
    def do(run_id: uuid.UUID, *addresses: str, key: str | None = None, organization: uuid.UUID | None = None) -> int:
        chosen = {row.id for row in rows_of(run_id) if row.target in addresses}
        form_key = str(uuid.uuid4()) if key is None else key
        where = organization or cast.lakeside
        return send_again(where, run_id, chosen, form_key=form_key, actor=ANA, now=moved_clock.now())

    return do


def rows_of(run_id: uuid.UUID) -> list[Delivery]:
    with write_session() as db:
        in_order = (Delivery.round, Delivery.position)
        return list(db.scalars(sa.select(Delivery).where(Delivery.run_id == run_id).order_by(*in_order)))


def standing(run_id: uuid.UUID) -> list[tuple[int, str, DeliveryState]]:
    return [(row.round, row.target, row.state) for row in rows_of(run_id)]


def artifact_of(run_id: uuid.UUID) -> Artifact:
    with write_session() as db:
        return db.scalars(sa.select(Artifact).where(Artifact.run_id == run_id)).one()


def test_those_chosen_get_the_same_bytes_in_a_new_message(
    app: Flask, new_run: NewRun, again: Again, moved_clock: Clock, mail_sink: Sink
) -> None:
    run_id = new_run(recipients=[A, B])
    make_run(run_id)
    moved_clock.forward(days=3)
    assert again(run_id, A) == 1
    assert run_of(run_id).state is RunState.DELIVERING
    make_run(run_id)
    run = run_of(run_id)
    assert (run.state, standing(run_id)) == (
        RunState.SUCCEEDED,
        [(1, A, S.ACCEPTED), (1, B, S.ACCEPTED), (2, A, S.ACCEPTED)],
    )
    assert run.reason == "Accepted for 2 of 2 destinations. Sent again to 1: 1 accepted."
    first, _, second = mail_sink.messages()
    assert second["To"] == A
    assert attachment_of(first) == attachment_of(second)
    assert first["Message-ID"] != second["Message-ID"]
    with write_session() as db:
        events = db.execute(sa.select(AuditEvent.action, AuditEvent.actor_name).order_by(AuditEvent.sequence)).all()
    assert ("delivery.sent_again", ANA.name) in events
    assert ("run.delivering", ANA.name) in events


def test_the_new_link_is_good_for_its_own_time_and_the_old_one_is_not_prolonged(
    app: Flask, new_run: NewRun, again: Again, moved_clock: Clock
) -> None:
    run_id = new_run(recipients=[A])
    make_run(run_id)
    moved_clock.forward(days=20)
    again(run_id, A)
    make_run(run_id)
    file_ends = artifact_of(run_id).expires_at
    with write_session() as db:
        old, new = db.scalars(sa.select(DownloadLink).order_by(DownloadLink.created_at)).all()
        assert new.expires_at == min(moved_clock.now() + timedelta(days=14), file_ends)
        for link, state in ((old, LinkState.EXPIRED), (new, LinkState.GOOD)):
            found = linked_file(db, link.id, moved_clock.now())
            assert found is not None
            assert found.state is state


def test_each_time_is_a_round_of_its_own(app: Flask, new_run: NewRun, again: Again) -> None:
    run_id = new_run(recipients=[A, B])
    make_run(run_id)
    for addresses in ((A,), (A, B)):
        again(run_id, *addresses)
        make_run(run_id)
    assert [(number, target) for number, target, _ in standing(run_id)] == [(1, A), (1, B), (2, A), (3, A), (3, B)]
    assert run_of(run_id).reason == (
        "Accepted for 2 of 2 destinations. Sent again to 1: 1 accepted. Sent again to 2: 2 accepted."
    )


def test_the_same_form_sent_twice_sends_once(app: Flask, new_run: NewRun, again: Again, mail_sink: Sink) -> None:
    run_id, key = new_run(recipients=[A, B]), str(uuid.uuid4())
    make_run(run_id)
    assert again(run_id, A, key=key) == 1
    assert again(run_id, A, key=key) == 0
    make_run(run_id)
    assert again(run_id, A, key=key) == 0
    assert run_of(run_id).state is RunState.SUCCEEDED
    assert len(mail_sink.messages()) == 3


def test_the_same_form_sent_four_times_at_once_sends_once(
    app: Flask, new_run: NewRun, again: Again, mail_sink: Sink
) -> None:
    run_id, key = new_run(recipients=[A, B]), str(uuid.uuid4())
    make_run(run_id)
    together, sent = threading.Barrier(4), []

    def press() -> None:
        with app.app_context():
            together.wait()
            sent.append(again(run_id, A, key=key))

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    make_run(run_id)
    assert sorted(sent) == [0, 0, 0, 1]
    assert len(mail_sink.messages()) == 3


def test_one_who_was_refused_is_reached_by_a_later_round(
    app: Flask, new_run: NewRun, again: Again, cast: Cast, moved_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And "try the refused again" then leaves them alone: nobody who has it gets it twice."""
    run_id = new_run(recipients=[A, REFUSED, "refused@example.net"])
    make_run(run_id)
    with monkeypatch.context() as patched:
        patched.setattr("demo.mail_sink.MailSink._refusal", lambda *_: None)
        again(run_id, REFUSED)
        make_run(run_id)
    run = run_of(run_id)
    assert run.state is RunState.PARTIAL
    assert run.reason == "Accepted for 2 of 3 destinations; 1 refused. Sent again to 1: 1 accepted."
    retry_failed(cast.lakeside, run_id, actor=ANA, now=moved_clock.now())
    tried = {(row.round, row.target): row.state for row in rows_of(run_id) if row.state is S.PENDING}
    assert tried == {(1, "refused@example.net"): S.PENDING}


def test_a_cancelled_run_with_a_file_is_sent_to_those_chosen(
    app: Flask, new_run: NewRun, again: Again, cast: Cast, moved_clock: Clock, mail_sink: Sink
) -> None:
    run_id = new_run(recipients=[A, "busy@example.org"])
    make_run(run_id)
    cancel_run(cast.lakeside, run_id, actor=ANA, now=moved_clock.now())
    again(run_id, "busy@example.org")
    for minutes in (0, 1, 5):
        moved_clock.forward(minutes=minutes)
        make_run(run_id)
    assert run_of(run_id).state is RunState.SUCCEEDED
    assert [message["To"] for message in mail_sink.messages()] == [A, "busy@example.org"]


def test_a_second_cancel_stops_the_second_sending(
    app: Flask, new_run: NewRun, again: Again, cast: Cast, moved_clock: Clock, mail_sink: Sink
) -> None:
    run_id = new_run(recipients=[A, B])
    make_run(run_id)
    again(run_id, A, B)
    cancel_run(cast.lakeside, run_id, actor=ANA, now=moved_clock.now())
    assert not make_run(run_id)
    expected = "Cancelled by ana@example.org. Accepted for 2 of 2 destinations. Sent again to 2: 2 cancelled."
    assert (run_of(run_id).state, run_of(run_id).reason) == (RunState.CANCELLED, expected)
    assert len(mail_sink.messages()) == 2


def test_a_mail_that_carried_a_link_carries_one_again(
    app: Flask, new_run: NewRun, again: Again, mail_sink: Sink
) -> None:
    run_id = new_run(recipients=[A], delivery_config={"attach": False, "link": True, "sign_in_to_download": True})
    make_run(run_id)
    again(run_id, A)
    make_run(run_id)
    first, second = mail_sink.messages()
    assert list(second.iter_attachments()) == []
    with write_session() as db:
        links = db.scalars(sa.select(DownloadLink)).all()
    assert [link.sign_in_required for link in links] == [True, True]
    assert first.as_bytes() != second.as_bytes()


# ---- what is refused


def refused(run_id: uuid.UUID, again: Again, match: str, *addresses: str, **given: object) -> None:
    before = (run_of(run_id).state, standing(run_id))
    with pytest.raises(Refused, match=match):
        again(run_id, *addresses, **given)
    assert (run_of(run_id).state, standing(run_id)) == before


def test_a_file_that_was_deleted_is_not_sent(app: Flask, new_run: NewRun, again: Again, moved_clock: Clock) -> None:
    run_id = new_run(recipients=[A])
    make_run(run_id)
    with write_session() as db:
        db.execute(sa.update(Artifact).values(deleted_at=moved_clock.now()))
    refused(run_id, again, "was deleted", A)


@pytest.mark.parametrize(("content", "words"), [(b"other", "no longer the one"), (None, "is missing")])
def test_a_file_that_is_not_what_was_made_is_not_sent(
    app: Flask, new_run: NewRun, again: Again, content: bytes | None, words: str
) -> None:
    run_id = new_run(recipients=[A], delivery_config={"attach": False, "link": True})
    make_run(run_id)
    path = stored_path(artifact_of(run_id).id)
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    refused(run_id, again, words, A)


def test_a_run_that_is_not_over_is_not_sent_again(app: Flask, new_run: NewRun, again: Again) -> None:
    run_id = new_run(recipients=[A, "busy@example.org"])
    make_run(run_id)
    refused(run_id, again, "not over yet", A)


@pytest.mark.parametrize("state", [RunState.FAILED, RunState.CANCELLED, RunState.MISSED])
def test_a_run_without_a_file_is_not_sent(
    app: Flask, new_run: NewRun, again: Again, cast: Cast, moved_clock: Clock, state: RunState
) -> None:
    run_id = new_run(recipients=[A])
    with write_session() as db:
        db.execute(sa.update(Run).values(state=state))
    with pytest.raises(Refused, match="has no file"):
        send_again(cast.lakeside, run_id, {uuid.uuid4()}, form_key=str(uuid.uuid4()), actor=ANA, now=moved_clock.now())


def test_one_who_is_uncertain_is_settled_first(app: Flask, new_run: NewRun, again: Again) -> None:
    run_id = new_run(recipients=[A, B])
    make_run(run_id)
    with write_session() as db:
        db.execute(sa.update(Delivery).where(Delivery.target == B).values(state=S.UNKNOWN))
    refused(run_id, again, "Nobody knows whether tomas@example.org has it", A, B)


def test_one_who_is_no_longer_a_recipient_gets_nothing(app: Flask, new_run: NewRun, again: Again) -> None:
    run_id = new_run(recipients=[A, B])
    make_run(run_id)
    with write_session() as db:
        db.execute(sa.delete(Destination).where(Destination.target == B))
    refused(run_id, again, "tomas@example.org is no longer a recipient", B)


def test_a_folder_keeps_what_it_got(app: Flask, new_run: NewRun, again: Again) -> None:
    run_id = new_run(recipients=[A], folders=["board"])
    make_run(run_id)
    refused(run_id, again, "Choose people", "board")


def test_nobody_chosen_a_form_without_key_and_a_row_of_another_run(
    app: Flask, new_run: NewRun, again: Again, cast: Cast, moved_clock: Clock
) -> None:
    run_id, other = new_run(recipients=[A]), new_run(recipients=[A])
    for each in (run_id, other):
        make_run(each)
    refused(run_id, again, "at least one person")
    refused(run_id, again, "not sent whole", A, key="")
    strange = {row.id for row in rows_of(other)}
    with pytest.raises(Refused, match="Choose people of this run"):
        send_again(cast.lakeside, run_id, strange, form_key=str(uuid.uuid4()), actor=ANA, now=moved_clock.now())


def test_a_stranger_sends_nothing(app: Flask, new_run: NewRun, again: Again, cast: Cast) -> None:
    run_id = new_run(recipients=[A])
    make_run(run_id)
    refused(run_id, again, "no longer there", A, organization=cast.strangers)
