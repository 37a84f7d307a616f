"""One summary for each owner of what was missed, once the tick has caught up (B4, B11)."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.models import Run, Schedule, User, write_session
from portal.notices import tell_of_missed
from portal.runs import recover
from portal.schedules.tick import tick
from tests.notices.conftest import DAILY, FIRST, change, sent, told
from tests.support.apps import Clock
from tests.support.cast import Cast
from tests.support.mail import Sink
from tests.support.schedules import make_schedule as make


@pytest.fixture(autouse=True)
def asleep(app: Flask, moved_clock: Clock) -> None:
    """From Monday morning to Wednesday evening in New York nothing ran."""
    moved_clock.set(FIRST + timedelta(days=2, hours=13))


def make_schedule(organization_id: uuid.UUID, owner_id: uuid.UUID | None, **given: object) -> uuid.UUID:
    """Due for the first time when nothing ran any more."""
    return make(organization_id, owner_id, **{"rule": DAILY, "now": FIRST - timedelta(hours=6), **given})


def plain(sink: Sink, clock: Clock) -> dict[str, str]:
    return {message["To"]: message.get_body(("plain",)).get_content() for message in sent(sink, clock.now())}


def test_each_owner_gets_one_summary_and_admins_that_of_the_ownerless(
    cast: Cast, mail_sink: Sink, moved_clock: Clock
) -> None:
    """B4"""
    for name in ("First", "Second"):
        make_schedule(cast.lakeside, cast.otto, name=name)
    make_schedule(cast.lakeside, None, name="Nobody's")
    make_schedule(cast.strangers, cast.stella, name="Of strangers", timezone="Europe/Berlin")
    tick(moved_clock.now())
    recover.sweep(moved_clock.now())
    assert sorted(told()) == [
        ("MISSED", "ana@example.org"),
        ("MISSED", "otto@example.org"),
        ("MISSED", "stella@example.org"),
    ]
    texts = plain(mail_sink, moved_clock)
    # the last of the three days lies within the grace of no daily schedule after thirteen hours
    assert texts["otto@example.org"].count("- First: ") == texts["otto@example.org"].count("- Second: ") == 3
    assert "- First: Mon 2 Nov 2026, 08:00 EST" in texts["otto@example.org"]
    assert "Nobody's" not in texts["otto@example.org"]
    assert "no owner" in texts["ana@example.org"]
    assert "- Nobody's: Wed 4 Nov 2026, 08:00 EST" in texts["ana@example.org"]
    assert "08:00 CET" in texts["stella@example.org"]
    recover.sweep(moved_clock.forward(hours=1))
    assert len(told()) == 3


def test_an_owner_who_left_is_no_owner(cast: Cast, moved_clock: Clock) -> None:
    make_schedule(cast.lakeside, cast.otto)
    with write_session() as db:
        db.get_one(User, cast.otto).active = False
    tick(moved_clock.now())
    tell_of_missed(moved_clock.now())
    assert told() == [("MISSED", "ana@example.org")]


def test_the_link_leads_to_the_missed_ones(app: Flask, cast: Cast, mail_sink: Sink, moved_clock: Clock) -> None:
    make_schedule(cast.lakeside, cast.otto)
    tick(moved_clock.now())
    tell_of_missed(moved_clock.now())
    [link] = [line for line in plain(mail_sink, moved_clock)["otto@example.org"].splitlines() if "://" in line]
    assert link == "https://exports.example.org/history?state=MISSED"
    assert app.url_map.bind("localhost").match("/history") == ("runs.history", {})


def test_while_others_are_still_due_it_waits_for_ten_minutes_at_most(cast: Cast, moved_clock: Clock) -> None:
    make_schedule(cast.lakeside, cast.otto, name="Caught up")
    tick(moved_clock.now())
    waiting = make_schedule(cast.lakeside, cast.otto, name="Not yet")
    assert tell_of_missed(moved_clock.forward(minutes=5)) == 0
    assert told() == []
    assert tell_of_missed(moved_clock.forward(minutes=5)) == 1
    assert told() == [("MISSED", "otto@example.org")]
    with write_session() as db:
        assert db.get_one(Schedule, waiting).next_run_at == FIRST


def test_a_parked_schedule_and_those_of_others_hold_no_summary_up(cast: Cast, moved_clock: Clock) -> None:
    make_schedule(cast.lakeside, cast.otto)
    tick(moved_clock.now())
    parked = make_schedule(cast.lakeside, cast.otto)
    change(parked, parked_until=moved_clock.now() + timedelta(minutes=30))
    make_schedule(cast.strangers, cast.stella)
    assert tell_of_missed(moved_clock.now()) == 1


def test_fifty_are_named_and_the_rest_counted(cast: Cast, mail_sink: Sink, moved_clock: Clock) -> None:
    for number in range(18):
        make_schedule(cast.lakeside, cast.otto, name=f"Report {number:02d}")
    tick(moved_clock.now())
    tell_of_missed(moved_clock.now())
    text = plain(mail_sink, moved_clock)["otto@example.org"]
    assert text.startswith("54 exports were not made")
    assert text.count("\n- Report") == 50
    assert "and 4 more" in text


def test_a_row_that_stands_for_many_is_counted_as_many(cast: Cast, mail_sink: Sink, moved_clock: Clock) -> None:
    make_schedule(cast.lakeside, cast.otto, name="Daily")
    tick(moved_clock.forward(days=100))
    tell_of_missed(moved_clock.now())
    text = plain(mail_sink, moved_clock)["otto@example.org"]
    assert text.startswith("103 exports were not made")
    assert "- Daily: 103 times from Mon 2 Nov 2026, 08:00 EST to Fri 12 Feb 2027, 08:00 EST" in text


def test_a_schedule_that_was_deleted_meanwhile_is_left_out(cast: Cast, moved_clock: Clock) -> None:
    schedule_id = make_schedule(cast.lakeside, cast.otto)
    tick(moved_clock.now())
    change(schedule_id, state="DELETED", next_run_at=None)
    assert tell_of_missed(moved_clock.now()) == 1
    assert told() == []
    with write_session() as db:
        assert set(db.scalars(sa.select(Run.told_at))) == {moved_clock.now()}


def test_what_is_told_and_that_it_was_told_are_one_transaction(
    cast: Cast, moved_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_schedule(cast.lakeside, cast.otto)
    tick(moved_clock.now())

    def broken(*_: object, **__: object) -> uuid.UUID:
        raise RuntimeError("the notice cannot be written")

    with monkeypatch.context() as patched:
        patched.setattr("portal.notices.missed.post", broken)
        with pytest.raises(RuntimeError):
            tell_of_missed(moved_clock.now())
    with write_session() as db:
        assert set(db.scalars(sa.select(Run.told_at))) == {None}
    assert tell_of_missed(moved_clock.now()) == 1
    assert told() == [("MISSED", "otto@example.org")]
