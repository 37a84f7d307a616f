"""What is made and what is missed after nothing was running for a while (B4)."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from portal.models import CatchUp, RunKind
from portal.schedules.calendar_rule import Plan, moments, next_moment
from portal.schedules.catch_up import judge
from portal.schedules.rule import parse_rule
from portal.zones import zone

NEW_YORK = zone("America/New_York")
DAILY = parse_rule({"freq": "daily", "time": "08:00"})
START = datetime(2026, 11, 1, 18, 0, tzinfo=UTC)


def kinds(days: int, late: timedelta, policy: CatchUp, rule=DAILY) -> list[RunKind | None]:
    due = list(itertools.islice(moments(Plan(rule, NEW_YORK), START), days))
    now = due[-1].instant + late
    following = next_moment(Plan(rule, NEW_YORK), now)
    return [verdict.kind for verdict in judge(due, following, now=now, policy=policy, grace=None)]


def test_a_few_minutes_late_is_an_ordinary_run() -> None:
    assert kinds(1, timedelta(minutes=5), CatchUp.LATEST) == [RunKind.PLANNED]
    assert kinds(1, timedelta(minutes=5), CatchUp.NONE) == [RunKind.PLANNED]


def test_the_latest_missed_one_is_made_and_older_ones_are_written_down() -> None:
    assert kinds(3, timedelta(hours=2), CatchUp.LATEST) == [None, None, RunKind.CATCH_UP]


def test_beyond_half_the_distance_to_the_next_nothing_is_made() -> None:
    assert kinds(1, timedelta(hours=12), CatchUp.LATEST) == [RunKind.CATCH_UP]
    assert kinds(1, timedelta(hours=12, seconds=1), CatchUp.LATEST) == [None]


def test_a_single_moment_has_a_week() -> None:
    once = parse_rule({"freq": "once", "date": "2026-11-05", "time": "09:00"})
    assert kinds(1, timedelta(days=7), CatchUp.LATEST, once) == [RunKind.CATCH_UP]
    assert kinds(1, timedelta(days=7, seconds=1), CatchUp.LATEST, once) == [None]


def test_none_makes_nothing_late() -> None:
    assert kinds(2, timedelta(minutes=6), CatchUp.NONE) == [None, None]


def test_all_makes_those_of_the_last_week() -> None:
    assert kinds(10, timedelta(hours=1), CatchUp.ALL) == [None] * 3 + [RunKind.CATCH_UP] * 7


def test_every_verdict_that_makes_nothing_says_why() -> None:
    due = list(itertools.islice(moments(Plan(DAILY, NEW_YORK), START), 3))
    verdicts = judge(due, None, now=due[-1].instant + timedelta(days=9), policy=CatchUp.LATEST, grace=None)
    assert all(verdict.reason.startswith("Missed: ") for verdict in verdicts)
