"""A machine that sleeps over a weekend with 2,000 schedules: what is made, what is missed, who is told (B4, B11)."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.extensions import db
from portal.models import (
    Destination,
    DestinationKind,
    ExportFormat,
    ExportType,
    Notice,
    OnBlackout,
    Role,
    Run,
    RunKind,
    RunState,
    Schedule,
    ScheduleState,
    User,
    write_session,
)
from portal.plumbing import wakeups
from portal.runs.make import make_run
from portal.runs.recover import sweep
from portal.schedules import clock_watch
from portal.schedules.planning import plan_from
from portal.schedules.tick import tick
from tests.support.apps import Clock
from tests.support.cast import LONG_AGO, Cast
from tests.support.mail import Sink
from tests.support.schedules import make_cases

MANY = 2_000
FRIDAY = datetime(2026, 11, 6, 18, 0, tzinfo=UTC)
MONDAY = datetime(2026, 11, 9, 7, 0, tzinfo=UTC)
OFFSETS = {"UTC": 0, "America/New_York": -5, "Asia/Kolkata": 5.5}
"""In hours, in that week: New York's clocks went back on the Sunday before."""
MADE = 12


@dataclass(frozen=True)
class Planned:
    """A schedule as this test reckons with it, by plain arithmetic and none of the product's own."""

    id: uuid.UUID
    owner: uuid.UUID | None
    rule: Mapping[str, Any]
    timezone: str

    def moments(self, after: datetime, until: datetime) -> list[datetime]:
        found = []
        day = after.date() - timedelta(days=1)
        while day <= until.date() + timedelta(days=1):
            if self._falls_on(day):
                local = datetime.combine(day, time.fromisoformat(self.rule["time"]), UTC)
                instant = local - timedelta(hours=OFFSETS[self.timezone])
                if after < instant <= until:
                    found.append(instant)
            day += timedelta(days=1)
        return found

    def _falls_on(self, day: Any) -> bool:
        if self.rule["freq"] == "daily":
            return True
        if self.rule["freq"] == "weekly":
            return day.isoweekday() in self.rule["weekdays"]
        return bool(day.day == self.rule["day"])

    @property
    def due(self) -> list[datetime]:
        return self.moments(FRIDAY, MONDAY)

    @property
    def made(self) -> datetime | None:
        """The latest, where it is not later than half the distance to the next one, a week at most."""
        if not self.due:
            return None
        following = self.moments(MONDAY, MONDAY + timedelta(days=45))[0]
        grace = min((following - self.due[-1]) / 2, timedelta(days=7))
        return self.due[-1] if MONDAY - self.due[-1] <= max(grace, timedelta(minutes=5)) else None

    @property
    def missed(self) -> list[datetime]:
        return [each for each in self.due if each != self.made]


def plan(number: int, owner: uuid.UUID | None) -> Planned:
    at = f"{number * 7 % 24:02d}:{number * 5 % 60:02d}"
    rules: tuple[dict[str, Any], ...] = (
        {"freq": "daily", "time": at},
        {"freq": "daily", "time": at},
        {"freq": "weekly", "weekdays": [1 + number % 7], "time": at},
        {"freq": "monthly", "day": 1 + number % 28, "time": at},
    )
    return Planned(uuid.uuid4(), owner, rules[number % 4], tuple(OFFSETS)[number % 3])


@pytest.fixture
def owners(cast: Cast) -> Sequence[uuid.UUID | None]:
    """Ana, Otto, three more, and nobody."""
    more = [uuid.uuid4() for _ in range(3)]
    with write_session() as session:
        session.add_all(
            User(
                id=each,
                organization_id=cast.lakeside,
                email=f"owner-{number}@example.org",
                name=f"Owner {number}",
                role=Role.OFFICER,
                active=True,
                created_at=LONG_AGO,
            )
            for number, each in enumerate(more)
        )
    return [cast.ana, cast.otto, *more, None]


@pytest.fixture
def planned(cast: Cast, owners: Sequence[uuid.UUID | None]) -> list[Planned]:
    """As they stood on Friday evening."""
    made = [plan(number, owners[number % len(owners)]) for number in range(MANY)]
    with write_session() as session:
        session.add_all(_rows(session, cast.lakeside, made))
    return made


def _rows(session: Session, organization_id: uuid.UUID, made: Sequence[Planned]) -> Iterator[Schedule]:
    for number, each in enumerate(made):
        schedule = Schedule(
            id=each.id,
            organization_id=organization_id,
            name=f"Schedule {number}",
            description="",
            export_type=ExportType.FLAT_FILE,
            format=ExportFormat.CSV,
            format_options={},
            filters={},
            period="last_30_days",
            column_config={},
            masking={},
            rule=dict(each.rule),
            timezone=each.timezone,
            delivery_config={"attach": True, "link": False},
            on_blackout=OnBlackout.RUN,
            state=ScheduleState.ACTIVE,
            owner_id=each.owner,
            created_at=FRIDAY,
            updated_at=FRIDAY,
            revision=1,
            destinations=[
                Destination(
                    id=uuid.uuid4(),
                    organization_id=organization_id,
                    position=0,
                    kind=DestinationKind.EMAIL,
                    target=f"reader-{number}@example.org",
                )
            ],
        )
        plan_from(session, schedule, FRIDAY)
        yield schedule


@pytest.fixture
def asleep(moved_clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time since the machine started goes on while it sleeps: nothing jumped."""
    moved_clock.set(FRIDAY)
    monkeypatch.setattr(clock_watch, "boot_time", lambda: ("this start", moved_clock.now().timestamp() - 1e9))
    return moved_clock


@pytest.fixture
def upkeep(make_app: Any, redis_url: str, mail_sink: Sink) -> Flask:
    """The process that ticks: an application of its own on the same database."""
    app: Flask = make_app(REDIS_URL=redis_url, MAIL_PORT=str(mail_sink.port))
    return app


def rows() -> dict[uuid.UUID, list[Any]]:
    found: dict[uuid.UUID, list[Any]] = {}
    with write_session() as session:
        for row in session.execute(
            sa.select(Run.schedule_id, Run.state, Run.kind, Run.planned_for).order_by(Run.planned_for)
        ):
            found.setdefault(row.schedule_id, []).append(row)
    return found


def test_one_run_each_by_its_rule_the_rest_missed_and_the_pages_usable_meanwhile(
    upkeep: Flask, app: Flask, page: Any, cast: Cast, planned: list[Planned], asleep: Clock
) -> None:
    make_cases(cast.lakeside, 3, created_at=FRIDAY)
    with upkeep.app_context():
        assert tick(FRIDAY) == 0
    asleep.set(MONDAY)
    queued = _tick_while_people_work(upkeep, page, planned)

    found = rows()
    for each in planned:
        states = found.get(each.id, [])
        assert [row.planned_for for row in states] == each.due
        assert [row.planned_for for row in states if row.state is RunState.QUEUED] == [each.made] * bool(each.made)
        assert [row.planned_for for row in states if row.state is RunState.MISSED] == each.missed
        assert {row.kind for row in states if row.state is RunState.QUEUED} <= {RunKind.CATCH_UP, RunKind.PLANNED}
    assert queued == sum(each.made is not None for each in planned) > 500
    assert sum(len(each.missed) for each in planned) > 1_500
    db.session.rollback()
    assert not db.session.scalars(sa.select(Schedule.id).where(Schedule.next_run_at <= MONDAY)).all()

    _the_oldest_first(upkeep, planned)
    _one_summary_for_each_owner(upkeep, planned)
    for address in ("/", "/schedules", "/history", "/history?state=MISSED"):
        assert page.otto.get(address).status == 200


def _tick_while_people_work(upkeep: Flask, page: Any, planned: Sequence[Planned]) -> int:
    """Every page that is asked for and every change that is made while the tick catches up is answered as ever."""
    ticked: list[int] = []

    def catch_up() -> None:
        with upkeep.app_context():
            ticked.append(tick(MONDAY))

    page.otto.csrf_token()
    thread = threading.Thread(target=catch_up)
    thread.start()
    asked = 0
    while thread.is_alive():
        name = f"Otto {asked}"
        assert page.otto.post("/account", {"name": name, "timezone": ""}).status == 303
        assert page.otto.get(("/", "/schedules", "/history")[asked % 3]).status == 200
        asked += 1
    thread.join()
    assert asked
    return ticked[0]


def _one_summary_for_each_owner(upkeep: Flask, planned: Sequence[Planned]) -> None:
    """B11: and one to the admin about schedules that are nobody's."""
    with upkeep.app_context():
        sweep(MONDAY + timedelta(seconds=1))
        sweep(MONDAY + timedelta(seconds=31))
    with write_session() as session:
        users = dict(session.execute(sa.select(User.email, User.id)).tuples().all())
        told = session.execute(sa.select(Notice.address, Notice.subject).where(Notice.kind == "MISSED")).all()
    expected: Counter[uuid.UUID | None] = Counter()
    for each in planned:
        expected[each.owner] += len(each.missed)
    ownerless = expected.pop(None)
    subjects = Counter((users[address], subject) for address, subject in told)
    wanted = Counter({(owner, f"Missed: {count:,} exports"): 1 for owner, count in expected.items()})
    wanted[users["ana@example.org"], f"Missed: {ownerless:,} exports"] += 1
    assert subjects == wanted


def _the_oldest_first(upkeep: Flask, planned: Sequence[Planned]) -> None:
    """The queue is in the order of the planned moments; worked off from its head, the oldest are made first."""
    moments = {each.id: each.made for each in planned if each.made}
    with write_session() as session:
        schedule_of = {
            str(run_id): schedule_id for run_id, schedule_id in session.execute(sa.select(Run.id, Run.schedule_id))
        }
    with upkeep.app_context():
        with wakeups.connect() as connection:
            jobs = [job[4:40] for job in wakeups.queue(wakeups.EXPORTS, connection).job_ids]
        in_queue = [moments[schedule_of[job]] for job in jobs]
        assert len(in_queue) == len(moments)
        assert all(earlier <= later for earlier, later in pairwise(in_queue))
        for job in jobs[:MADE]:
            make_run(uuid.UUID(job))
    with write_session() as session:
        done = session.scalars(sa.select(Run.planned_for).where(Run.state == RunState.SUCCEEDED)).all()
    assert sorted(done) == sorted(moments.values())[:MADE]
