"""What people do while everything breaks: run now, edit, pause, resume, cancel, try again. Each act may fail."""

from __future__ import annotations

import contextlib
import functools
import random
import threading
import time as real_time
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session

from portal import audit
from portal.extensions import db
from portal.models import (
    CatchUp,
    Delivery,
    DeliveryState,
    DestinationKind,
    Run,
    RunState,
    Schedule,
    ScheduleState,
)
from portal.runs import cancel, produce, retry, send_again, settle_unknown
from portal.runs.states import OPEN
from portal.runs.transitions import Refused
from portal.schedules import changes
from portal.schedules.inputs import ScheduleInput, check
from portal.schedules.run_now import CannotRun, run_now
from tests.faults.installation import Installation, Tenant
from tests.faults.plan import Life, WallClock

ZONES = ["UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe"]


MOST_BEHIND = 60.0
"""Seconds of acts that are made up for at once after a wait."""


class NothingThere(Exception):  # noqa: N818  # a wish that cannot be had just now
    """No run or recipient is in the state that the act is for."""


class People(threading.Thread):
    """Acts until `stop`. `lives`: what they know of their schedules; `pressed`: the runs promised to them."""

    def __init__(self, place: Installation, seed: int, pause_seconds: float) -> None:
        super().__init__(name="people", daemon=True)
        self.place, self.chance, self.pause_seconds = place, random.Random(seed), pause_seconds
        self.lives: dict[uuid.UUID, Life] = {}
        self.tenants: dict[uuid.UUID, Tenant] = {}
        self.pressed: set[uuid.UUID] = set()
        self.acts: Counter[str] = Counter()
        self.problems: list[str] = []
        self._over = threading.Event()

    def make_schedules(self, count: int, within: timedelta) -> None:
        """Spread over the time to come, so that some are due at any time."""
        for number in range(count):
            tenant = self.place.tenants[number % len(self.place.tenants)]
            before = self.place.now()
            rule = self._rule(before + within * self.chance.random())
            given = self._input(tenant, rule, number)
            schedule_id = changes.create_schedule(tenant.id, given, actor=_actor(tenant), now=before)
            self.lives[schedule_id] = life = Life(tenant.id, schedule_id)
            self.tenants[schedule_id] = tenant
            life.change(rule, before, self.place.now())
        forget_the_page()

    def run(self) -> None:
        acts: list[tuple[int, Callable[[Life], str]]] = [
            (60, self._run_now),
            (16, self._edit),
            (6, self._pause_or_resume),
            (10, self._cancel),
            (4, self._retry),
            (3, self._settle),
            (3, self._send_again),
            (3, self._produce),
        ]
        with self.place.app.app_context():
            due = real_time.monotonic()
            while not self._over.wait(due - real_time.monotonic()):
                # whoever was kept waiting by a locked database makes up for it, within reason
                due = max(due + self.chance.expovariate(1 / self.pause_seconds), real_time.monotonic() - MOST_BEHIND)
                (act,) = self.chance.choices([act for _, act in acts], [weight for weight, _ in acts])
                self._try(act, self.chance.choice(list(self.lives.values())))

    def stop(self) -> None:
        self._over.set()
        self.join()

    def pause_everything(self) -> None:
        """The end of the plan: from here on nothing more falls due."""
        for life in self.lives.values():
            if life.rule is not None:
                self._change(life, None, functools.partial(self._pause, life))
        forget_the_page()

    def _try(self, act: Callable[[Life], str], life: Life) -> None:
        try:
            self.acts[act(life)] += 1
        except (SQLAlchemyError, CannotRun, Refused, NothingThere, changes.ChangedMeanwhile) as refused:
            self.acts[f"in vain: {type(refused).__name__}"] += 1
        except Exception as unforeseen:
            self.problems.append(f"a person met {type(unforeseen).__name__}: {unforeseen}")
        finally:
            forget_the_page()

    def _run_now(self, life: Life) -> str:
        tenant, key = self.tenants[life.schedule_id], str(uuid.uuid4())
        for again in (True, True, False):
            try:
                now = self.place.now()
                run_id = run_now(tenant.id, life.schedule_id, idempotency_key=key, actor=_actor(tenant), now=now)
                break
            except DBAPIError:
                if not again:
                    raise
        self.pressed.add(run_id)
        return "run now"

    def _edit(self, life: Life) -> str:
        if life.rule is None:
            return self._pause_or_resume(life)
        tenant = self.tenants[life.schedule_id]
        rule = self._rule(self.place.now() + timedelta(minutes=self.chance.choice([1, 1, 2, 4])))
        number = list(self.lives).index(life.schedule_id)

        def edit() -> None:
            now = self.place.now()
            with Session(db.engine) as session:
                revision = session.get_one(Schedule, life.schedule_id).revision
            given = self._input(tenant, rule, number)
            changes.edit_schedule(tenant.id, life.schedule_id, given, revision=revision, actor=_actor(tenant), now=now)

        self._change(life, rule, edit)
        return "edit"

    def _pause_or_resume(self, life: Life) -> str:
        if life.rule is not None:
            self._change(life, None, lambda: self._pause(life))
            return "pause"
        rule = next(span.rule for span in reversed(life.spans) if span.rule is not None)
        tenant = self.tenants[life.schedule_id]

        def resume() -> None:
            changes.resume_schedule(tenant.id, life.schedule_id, actor=_actor(tenant), now=self.place.now())

        self._change(life, rule, resume)
        return "resume"

    def _a_run(self, life: Life, *states: RunState) -> uuid.UUID:
        """One of its runs in such a state. Raises NothingThere."""
        statement = sa.select(Run.id).where(Run.organization_id == life.organization_id, Run.state.in_(states))
        with Session(db.engine) as session:
            found = session.scalars(statement.order_by(Run.id)).all()
        if not found:
            raise NothingThere
        return self.chance.choice(found)

    def _cancel(self, life: Life) -> str:
        run_id = self._a_run(life, *OPEN)
        came_to = cancel.cancel_run(life.organization_id, run_id, actor=self._actor(life), now=self.place.now())
        return f"cancel, {came_to.value.lower()}"

    def _retry(self, life: Life) -> str:
        run_id = self._a_run(life, RunState.PARTIAL, RunState.FAILED)
        retry.retry_failed(life.organization_id, run_id, actor=self._actor(life), now=self.place.now())
        return "retry failed"

    def _settle(self, life: Life) -> str:
        statement = sa.select(Delivery.id).where(
            Delivery.organization_id == life.organization_id,
            Delivery.state == DeliveryState.UNKNOWN,
            Delivery.settled_at.is_(None),
        )
        with Session(db.engine) as session:
            found = session.scalars(statement.order_by(Delivery.id)).all()
        if not found:
            raise NothingThere
        word = self.chance.choice([settle_unknown.they_have_it, settle_unknown.send_it_again])
        word(life.organization_id, self.chance.choice(found), actor=self._actor(life), now=self.place.now())
        return word.__name__.replace("_", " ")

    def _send_again(self, life: Life) -> str:
        run_id = self._a_run(life, RunState.SUCCEEDED, RunState.PARTIAL)
        with Session(db.engine) as session:
            people = session.scalars(
                sa.select(Delivery.id)
                .where(Delivery.run_id == run_id, Delivery.kind == DestinationKind.EMAIL, Delivery.round == 1)
                .order_by(Delivery.position)
            ).all()
        send_again.send_again(
            life.organization_id,
            run_id,
            people[:1],
            form_key=str(uuid.uuid4()),
            actor=self._actor(life),
            now=self.place.now(),
        )
        return "send again to one"

    def _produce(self, life: Life) -> str:
        run_id = self._a_run(life, RunState.MISSED)
        produce.produce_missed(life.organization_id, run_id, actor=self._actor(life), now=self.place.now())
        return "produce a missed one"

    def _actor(self, life: Life) -> audit.Actor:
        return _actor(self.tenants[life.schedule_id])

    def _pause(self, life: Life) -> None:
        tenant = self.tenants[life.schedule_id]
        changes.pause_schedule(
            tenant.id, life.schedule_id, reason="", resume_at=None, actor=_actor(tenant), now=self.place.now()
        )

    def _change(self, life: Life, rule: WallClock | None, act: Callable[[], None]) -> None:
        """Do it, and note what really holds from then on: an error does not tell whether it was done."""
        before = self._answered(self.place.now)
        try:
            act()
        finally:
            held = self._answered(lambda: self._held(life.schedule_id))
            expected = (ScheduleState.PAUSED, None) if rule is None else (ScheduleState.ACTIVE, rule)
            if held[0] is expected[0] and (rule is None or (rule.to_rule(), rule.zone) == held[1:]):
                life.change(rule, before, self._answered(self.place.now))

    def _held(self, schedule_id: uuid.UUID) -> tuple[ScheduleState, dict[str, Any], str]:
        with Session(db.engine) as session:
            row = session.get_one(Schedule, schedule_id)
            return (
                row.state,
                {key: row.rule[key] for key in row.rule if key in {"freq", "time", "weekdays"}},
                row.timezone,
            )

    def _answered(self, ask: Callable[[], Any]) -> Any:
        """Ask the database until it answers."""
        while True:
            try:
                return ask()
            except SQLAlchemyError:
                real_time.sleep(0.2)

    def _rule(self, near: datetime) -> WallClock:
        zone = self.chance.choice(ZONES)
        local = near.astimezone(ZoneInfo(zone))
        weekdays = frozenset(range(1, 8)) if self.chance.random() < 0.7 else frozenset({local.isoweekday()})
        return WallClock(time(local.hour, local.minute), zone, weekdays)

    def _input(self, tenant: Tenant, rule: WallClock, number: int) -> ScheduleInput:
        people = [f"p{each}-of-{number}@example.org" for each in range(1 + number % 3)]
        return check(
            {
                "name": f"Report {number}",
                "export_type": "FLAT_FILE",
                "format": "XLSX" if number % 5 == 0 else "CSV",
                "period": "last_30_days",
                "rule": rule.to_rule(),
                "timezone": rule.zone,
                "recipients": ", ".join(people),
                "folders": "reports/{year}-{month}" if number % 4 == 0 else "",
                "attach": number % 2 == 0,
                "link": True,
                "catch_up": self.chance.choice([CatchUp.LATEST, CatchUp.LATEST, CatchUp.ALL, CatchUp.NONE]),
                "owner_id": tenant.owner,
            },
            organization_id=tenant.id,
            now=self.place.now(),
        )


def forget_the_page() -> None:
    """As at the end of a request; the connection may be gone."""
    with contextlib.suppress(SQLAlchemyError):
        db.session.remove()


def _actor(tenant: Tenant) -> audit.Actor:
    return audit.user_actor(tenant.owner, f"owner@{tenant.slug}")
