"""The owner of a schedule that cannot be started hears of it once for each trouble (B11, B12)."""

from __future__ import annotations

import uuid

from portal import audit
from portal.schedules.changes import resume_schedule
from portal.schedules.tick import tick
from tests.notices.conftest import FIRST, change, schedule, sent, told
from tests.support.apps import Clock
from tests.support.cast import Cast
from tests.support.mail import Sink

ANA = audit.Actor("USER", "ana@example.org")
BROKEN = {"status": ["NO_SUCH_STATUS"]}


def test_it_is_told_once_for_each_trouble(daily: uuid.UUID, mail_sink: Sink, moved_clock: Clock) -> None:
    change(daily, filters=BROKEN)
    for hours in range(5):
        tick(moved_clock.set(FIRST).replace(hour=13 + hours))
        moved_clock.set(FIRST.replace(hour=13 + hours, minute=1))
    assert told() == [("PARKED", "otto@example.org")]
    text = sent(mail_sink, moved_clock.now())[0].get_body(("plain",)).get_content()
    assert "could not be started" in text
    assert "next at Mon 2 Nov 2026, 09:00 EST" in text
    assert f"https://exports.example.org/schedules/{daily}" in text
    change(daily, filters={})
    tick(moved_clock.set(FIRST.replace(hour=20)))
    assert schedule(daily).parked_told_at is None
    change(daily, filters=BROKEN)
    tick(moved_clock.forward(days=1))
    assert told() == [("PARKED", "otto@example.org")] * 2


def test_where_nobody_owns_it_the_admins_are_told(daily: uuid.UUID, moved_clock: Clock) -> None:
    change(daily, filters=BROKEN, owner_id=None)
    tick(moved_clock.set(FIRST))
    assert told() == [("PARKED", "ana@example.org")]


def test_resuming_a_schedule_ends_its_trouble(daily: uuid.UUID, cast: Cast, moved_clock: Clock) -> None:
    change(daily, filters=BROKEN)
    tick(moved_clock.set(FIRST))
    change(daily, state="PAUSED", next_run_at=None, next_local=None)
    resume_schedule(cast.lakeside, daily, actor=ANA, now=moved_clock.now())
    assert schedule(daily).parked_told_at is None
