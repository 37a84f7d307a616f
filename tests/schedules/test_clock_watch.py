"""A clock that jumps is noticed, and a leap ahead starts nothing until it has stood (B12)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from portal.models import Heartbeat, Run, RunState, write_session
from portal.schedules import clock_watch
from portal.schedules.clock_watch import Seen, look
from portal.schedules.tick import tick
from tests.support.apps import Clock
from tests.support.cast import Cast
from tests.support.schedules import make_schedule

START = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
DAILY = {"freq": "daily", "time": "08:00"}


def seen(*looks: tuple[float, float]) -> Seen:
    """After looks at (seconds since START on the wall, seconds since the machine started)."""
    found = None
    for wall, boot in looks:
        found = look(found, START + timedelta(seconds=wall), boot)
    assert found is not None
    return found


def runs() -> list[Run]:
    with write_session() as db:
        return list(db.scalars(sa.select(Run).order_by(Run.planned_for)))


def test_time_that_passes_is_no_jump() -> None:
    """Nor is a night's sleep of the machine: the time since its start goes on in it."""
    found = seen((0, 100), (15, 115), (30, 130), (30_000, 30_100))
    assert (found.jumped_at, found.trusted) == (None, None)


@pytest.mark.parametrize("moved", [61, -61, 3_600, -90_000])
def test_a_jump_is_noticed_and_alone_starts_no_hold(moved: int) -> None:
    found = seen((0, 100), (15 + moved, 115))
    assert found.jumped_by == pytest.approx(moved)
    assert found.jumped_at is not None
    assert found.trusted is None


@pytest.mark.parametrize("moved", [59, -59])
def test_small_steps_of_a_time_service_are_no_jump(moved: int) -> None:
    assert seen((0, 100), (15 + moved, 115)).jumped_at is None


def test_a_clock_that_is_kept_right_slowly_while_nothing_ticked_is_no_jump() -> None:
    assert seen((0, 100), (7 * 86_400 + 300, 7 * 86_400 + 100)).jumped_at is None


def test_a_leap_ahead_holds_until_it_has_stood_for_ten_minutes() -> None:
    leap = 7_200
    assert seen((0, 100), (leap, 115)).trusted is not None
    assert seen((0, 100), (leap, 115), (leap + 599, 714)).trusted is not None
    assert seen((0, 100), (leap, 115), (leap + 600, 715)).trusted is None


def test_a_clock_put_right_again_ends_the_hold_at_once() -> None:
    found = seen((0, 100), (7_200, 115), (30, 130))
    assert found.trusted is None
    assert found.jumped_by == pytest.approx(-7_185)


def test_a_second_leap_begins_the_ten_minutes_anew() -> None:
    found = seen((0, 100), (7_200, 115), (20_000, 700), (20_015, 715))
    assert found.trusted is not None
    assert found.stands_at == 1_300


def test_half_put_right_is_still_a_leap() -> None:
    assert seen((0, 100), (20_000, 115), (8_000, 130)).trusted is not None


@given(st.lists(st.tuples(st.integers(-200_000, 200_000), st.integers(1, 2_000)), max_size=12))
def test_no_jumps_hold_for_longer_than_the_ten_minutes_after_the_last(steps: list[tuple[int, int]]) -> None:
    wall, boot = 0.0, 100.0
    looks = [(wall, boot)]
    for jump, passed in steps:
        wall, boot = wall + passed + jump, boot + passed
        looks.append((wall, boot))
    assert seen(*looks, (wall + 601, boot + 601)).trusted is None


def test_ticks_are_held_back_and_go_on_when_the_clock_is_right_again(
    app: Flask, cast: Cast, moved_clock: Clock
) -> None:
    """Without this two days would have been called missed."""
    make_schedule(cast.lakeside, cast.otto, rule=DAILY, now=START)
    assert tick(moved_clock.now()) == 0
    moved_clock.jump(days=2)
    assert tick(moved_clock.forward(seconds=15)) == 0
    assert runs() == []
    with write_session() as db:
        assert db.get_one(Heartbeat, "tick").at == moved_clock.now()  # it is alive
    moved_clock.jump(days=-2)
    assert tick(moved_clock.forward(seconds=15)) == 0
    assert tick(moved_clock.set(START + timedelta(hours=1))) == 1
    assert [run.state for run in runs()] == [RunState.QUEUED]


def test_a_new_time_that_stands_is_believed(app: Flask, cast: Cast, moved_clock: Clock) -> None:
    make_schedule(cast.lakeside, cast.otto, rule=DAILY, now=START)
    tick(moved_clock.now())
    moved_clock.jump(days=2, hours=1)
    assert tick(moved_clock.now()) == 0
    for _ in range(39):
        assert tick(moved_clock.forward(seconds=15)) == 0
    assert runs() == []
    assert tick(moved_clock.forward(seconds=15)) == 1
    assert [run.state for run in runs()] == [RunState.MISSED, RunState.MISSED, RunState.QUEUED]


def test_each_machine_watches_its_own_clock(app: Flask, moved_clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not clock_watch.held_back(moved_clock.now())
    monkeypatch.setattr(clock_watch, "boot_time", lambda: ("another", 5.0))
    assert not clock_watch.held_back(moved_clock.forward(seconds=15))
    with write_session() as db:
        names = set(db.scalars(sa.select(Heartbeat.name)))
    assert names == {"clock:test", "clock:another"}


def test_a_machine_that_is_gone_is_forgotten(app: Flask, moved_clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    clock_watch.held_back(moved_clock.now())
    monkeypatch.setattr(clock_watch, "boot_time", lambda: ("another", 5.0))
    clock_watch.held_back(moved_clock.forward(days=31))
    with write_session() as db:
        assert set(db.scalars(sa.select(Heartbeat.name))) == {"clock:another"}


def test_a_system_that_does_not_tell_since_when_it_runs_is_not_watched(
    app: Flask, moved_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock_watch, "boot_time", lambda: None)
    assert not clock_watch.held_back(moved_clock.now())
    assert not clock_watch.held_back(moved_clock.forward(days=9))


def test_this_machine_tells() -> None:
    first, second = clock_watch.boot_time(), clock_watch.boot_time()
    assert first is not None
    assert second is not None
    assert first[0] == second[0]
    assert 0 < first[1] <= second[1]
