"""Who is told of failures, how often, and when it works again (B11)."""

from __future__ import annotations

import uuid
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import NoResultFound

from portal import audit
from portal.models import AuditEvent, Delivery, DeliveryState, Run, RunKind, RunState, User, write_session
from portal.runs.make import make_run
from portal.runs.retry import retry_failed
from portal.runs.streaks import note_end
from portal.schedules.changes import reassign_schedule, resume_schedule
from portal.schedules.run_now import run_now
from portal.schedules.tick import tick
from tests.notices.conftest import BAD, GOOD, Day, change, schedule, send_to, sent, told
from tests.support.apps import Clock
from tests.support.cast import Cast
from tests.support.mail import Sink

ANA = audit.Actor("USER", "ana@example.org")
FAILED = [("FAILED", "ana@example.org"), ("FAILED", "otto@example.org")]
RECOVERED = [("RECOVERED", "ana@example.org"), ("RECOVERED", "otto@example.org")]


def run_of(run_id: uuid.UUID) -> Run:
    with write_session() as db:
        return db.get_one(Run, run_id)


def test_owner_and_admins_are_told_once_of_a_streak_and_once_when_it_works_again(
    day: Day, mail_sink: Sink, moved_clock: Clock
) -> None:
    """B11"""
    day(GOOD)
    assert told() == []
    day(BAD)
    assert told() == FAILED
    day(BAD)
    assert told() == FAILED
    day(GOOD)
    assert told() == FAILED + RECOVERED
    day(GOOD)
    assert told() == FAILED + RECOVERED
    day(BAD)
    assert told() == FAILED + RECOVERED + FAILED
    assert sorted(message["To"] for message in sent(mail_sink, moved_clock.now())) == sorted(
        ["ana@example.org", "otto@example.org"] * 3
    )


def test_the_mail_says_what_failed_and_leads_to_the_run(
    day: Day, daily: uuid.UUID, mail_sink: Sink, moved_clock: Clock, app: Flask
) -> None:
    """B11, attacks 26, 27"""
    change(daily, name='Open <b>cases</b>\u202e{{7*7}}\r\nBcc: evil@example.org "=?utf-8?q?x?="')
    run_id = day(BAD)
    message = sent(mail_sink, moved_clock.now())[0]
    assert message["Subject"].strip().startswith("Failed: Open <b>cases</b>{{7*7}} Bcc: evil@example.org")
    assert message["Bcc"] is None
    assert message["Auto-Submitted"] == "auto-generated"
    plain = message.get_body(("plain",)).get_content()
    name = 'Open <b>cases</b>{{7*7}} Bcc: evil@example.org "=?utf-8?q?x?="'
    assert plain.splitlines()[0] == f"“{name}”, planned for Mon 2 Nov 2026, 08:00 EST, failed."
    assert "Accepted for 0 of 1 destination; 1 refused." in plain
    [link] = [line for line in plain.splitlines() if line.startswith("https://")]
    assert link == f"https://exports.example.org/runs/{run_id}"
    endpoint, _ = app.url_map.bind("localhost").match(urlsplit(link).path)
    assert endpoint == "runs.show"
    html = message.get_body(("html",)).get_content()
    assert "<b>" not in html
    assert "&lt;b&gt;cases&lt;/b&gt;" in html
    assert f'href="{link}"' in html


def test_a_run_that_reaches_some_is_told_to_its_owner_alone_and_once(day: Day, daily: uuid.UUID) -> None:
    day(GOOD, BAD)
    day(GOOD, BAD)
    assert told() == [("PARTIAL", "otto@example.org")]
    assert schedule(daily).failure_streak == 0
    day(GOOD)
    assert told()[1:] == [("RECOVERED", "otto@example.org")]


def test_failing_after_reaching_some_is_told_to_the_admins_too(day: Day) -> None:
    day(GOOD, BAD)
    day(BAD)
    assert told() == [("PARTIAL", "otto@example.org"), *FAILED]
    day(GOOD)
    assert told()[3:] == RECOVERED


def test_an_admin_who_owns_the_schedule_gets_one_mail(day: Day, daily: uuid.UUID, cast: Cast) -> None:
    change(daily, owner_id=cast.ana)
    day(BAD)
    assert told() == [("FAILED", "ana@example.org")]


def test_whoever_left_is_neither_told_nor_sent_what_was_written_before(
    day: Day, daily: uuid.UUID, cast: Cast, mail_sink: Sink, moved_clock: Clock
) -> None:
    day(BAD)
    with write_session() as db:
        db.get_one(User, cast.otto).active = False
    assert [message["To"] for message in sent(mail_sink, moved_clock.now())] == ["ana@example.org"]
    day(GOOD)
    assert told()[2:] == [("RECOVERED", "ana@example.org")]


def test_strangers_are_told_nothing(day: Day) -> None:
    day(BAD)
    assert "stella@example.org" not in {address for _, address in told()}


def test_a_failure_by_hand_tells_nobody_and_a_success_by_hand_ends_the_trouble(
    day: Day, daily: uuid.UUID, cast: Cast, moved_clock: Clock
) -> None:
    def by_hand() -> None:
        moved_clock.forward(hours=1)
        actor = audit.user_actor(cast.otto, "otto@example.org")
        make_run(run_now(cast.lakeside, daily, idempotency_key=str(uuid.uuid4()), actor=actor, now=moved_clock.now()))

    day(GOOD)
    send_to(daily, BAD)
    by_hand()
    assert (told(), schedule(daily).failure_streak) == ([], 0)
    moved_clock.forward(hours=-1)
    day(BAD)
    send_to(daily, GOOD)
    by_hand()
    assert told() == FAILED + RECOVERED
    assert schedule(daily).failure_streak == 0


def test_a_cancelled_run_counts_neither_way(day: Day, daily: uuid.UUID, moved_clock: Clock) -> None:
    run_id = day(BAD)
    before = schedule(daily)
    with write_session() as db:
        run = db.get_one(Run, run_id)
        run.planned_for = moved_clock.forward(hours=1)
        note_end(db, run, RunState.CANCELLED, "Cancelled.", now=moved_clock.now())
    after = schedule(daily)
    assert after.last_run_status == "CANCELLED"
    assert (after.failure_streak, after.failure_told_at) == (1, before.failure_told_at)
    assert told() == FAILED


def test_the_same_run_failing_again_by_hand_is_one_failure(
    day: Day, daily: uuid.UUID, cast: Cast, moved_clock: Clock
) -> None:
    run_id = day(BAD)
    retry_failed(cast.lakeside, run_id, actor=ANA, now=moved_clock.forward(minutes=1))
    make_run(run_id)
    assert run_of(run_id).state is RunState.FAILED
    assert schedule(daily).failure_streak == 1
    assert told() == FAILED


def test_a_run_mended_by_hand_ends_the_trouble(day: Day, daily: uuid.UUID, cast: Cast, moved_clock: Clock) -> None:
    run_id = day(BAD)
    with write_session() as db:
        db.execute(sa.update(Delivery).where(Delivery.run_id == run_id).values(target=GOOD))
    retry_failed(cast.lakeside, run_id, actor=ANA, now=moved_clock.forward(minutes=1))
    make_run(run_id)
    assert run_of(run_id).state is RunState.SUCCEEDED
    assert told() == FAILED + RECOVERED


def test_an_older_run_that_fails_after_a_newer_one_went_well_is_told_and_counts_no_more(
    day: Day, daily: uuid.UUID, moved_clock: Clock
) -> None:
    day(GOOD)
    run_id = day(GOOD)
    for _ in range(3):
        with write_session() as db:
            run = db.get_one(Run, run_id)
            db.expunge(run)
            run.planned_for = moved_clock.now() - timedelta(hours=30)
            note_end(db, run, RunState.FAILED, "Given up.", now=moved_clock.forward(minutes=1))
    assert told() == FAILED
    assert (schedule(daily).failure_streak, schedule(daily).last_run_status) == (0, "SUCCEEDED")


def test_the_notice_and_the_end_of_the_run_are_one_transaction(
    day: Day, daily: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    day(GOOD)

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the notice cannot be written")

    monkeypatch.setattr("portal.notices.post", broken)
    with pytest.raises(RuntimeError):
        day(BAD)
    with write_session() as db:
        newest = db.scalars(sa.select(Run).order_by(Run.planned_for.desc()).limit(1)).one()
    assert newest.state is RunState.DELIVERING
    assert told() == []


def test_after_so_many_failures_in_a_row_the_schedule_is_paused_and_its_people_told(
    day: Day, daily: uuid.UUID, mail_sink: Sink, moved_clock: Clock
) -> None:
    """B11; here after three."""
    day(BAD)
    day(BAD)
    day(GOOD)
    for _ in range(3):
        assert day(BAD)
    tick(moved_clock.forward(seconds=15))
    row = schedule(daily)
    assert (row.state, row.next_run_at) == ("PAUSED", None)
    assert row.state_reason == "Paused by Duepost: it failed 3 times in a row."
    assert told()[-2:] == [("PAUSED", "ana@example.org"), ("PAUSED", "otto@example.org")]
    with write_session() as db:
        events = db.execute(sa.select(AuditEvent.actor_name).where(AuditEvent.action == "schedule.paused")).all()
    assert [tuple(event) for event in events] == [(audit.system.name,)]
    text = sent(mail_sink, moved_clock.now())[-1].get_body(("plain",)).get_content()
    assert "failed 3 times in a row and was paused" in text
    assert f"https://exports.example.org/schedules/{daily}" in text
    tick(moved_clock.forward(seconds=15))
    assert len([kind for kind, _ in told() if kind == "PAUSED"]) == 2
    with pytest.raises(NoResultFound):
        day(BAD)


def test_what_is_due_when_it_is_paused_is_written_down(day: Day, daily: uuid.UUID, moved_clock: Clock) -> None:
    """B1"""
    for _ in range(3):
        day(BAD)
    run_id = day(BAD)
    run = run_of(run_id)
    assert (run.state, run.reason) == (
        RunState.SKIPPED,
        "Skipped: the schedule was paused because it failed too often.",
    )


def test_resuming_counts_failures_anew_and_tells_of_the_next(
    day: Day, daily: uuid.UUID, cast: Cast, moved_clock: Clock
) -> None:
    for _ in range(3):
        day(BAD)
    tick(moved_clock.forward(seconds=15))
    resume_schedule(cast.lakeside, daily, actor=ANA, now=moved_clock.now())
    assert schedule(daily).failure_streak == 0
    moved_clock.forward(seconds=-15)
    day(BAD)
    assert (schedule(daily).state, schedule(daily).failure_streak) == ("ACTIVE", 1)
    assert told()[4:] == FAILED
    day(GOOD)
    assert told()[6:] == RECOVERED


def test_zero_pauses_never(make_app, day: Day, daily: uuid.UUID, moved_clock: Clock) -> None:
    with make_app(DUEPOST_PAUSE_AFTER_FAILURES="0").app_context():
        for _ in range(8):
            day(BAD)
        assert schedule(daily).state == "ACTIVE"
        assert schedule(daily).failure_streak == 8


def test_a_new_owner_hears_of_the_next_failure(day: Day, daily: uuid.UUID, cast: Cast, moved_clock: Clock) -> None:
    day(BAD)
    with write_session() as db:
        db.add(
            User(
                organization_id=cast.lakeside,
                email="new@example.org",
                name="New",
                role="OFFICER",
                active=True,
                created_at=moved_clock.now(),
            )
        )
        db.flush()
        new = db.scalars(sa.select(User.id).where(User.email == "new@example.org")).one()
    reassign_schedule(cast.lakeside, daily, owner_id=new, actor=ANA, now=moved_clock.now())
    day(BAD)
    assert told()[2:] == [("FAILED", "ana@example.org"), ("FAILED", "new@example.org")]
    day(GOOD)
    assert {address for kind, address in told() if kind == "RECOVERED"} == {
        "ana@example.org",
        "otto@example.org",
        "new@example.org",
    }


def test_a_deleted_schedule_tells_nobody(day: Day, daily: uuid.UUID, moved_clock: Clock) -> None:
    run_id = day(GOOD)
    change(daily, state="DELETED")
    with write_session() as db:
        run = db.get_one(Run, run_id)
        note_end(db, run, RunState.FAILED, "It failed.", now=moved_clock.now())
    assert told() == []
    assert run_of(run_id).kind is RunKind.PLANNED
    with write_session() as db:
        assert set(db.scalars(sa.select(Delivery.state))) == {DeliveryState.ACCEPTED}
