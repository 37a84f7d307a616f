"""Workers, the sweep and people act on the same runs at once: no mistake, and the tables hold (B9, D5)."""

from __future__ import annotations

import random
import threading
import uuid
from collections import Counter
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal import audit
from portal.extensions import db as database
from portal.models import Delivery, DeliveryState, Run, ScheduleState, write_session
from portal.runs import recover, verify
from portal.runs.cancel import cancel_run
from portal.runs.make import make_run
from portal.runs.retry import retry_failed
from portal.runs.send_again import send_again
from portal.runs.settle_unknown import send_it_again, they_have_it
from portal.runs.states import OPEN
from portal.runs.transitions import Refused
from portal.schedules.changes import ChangedMeanwhile, delete_schedule
from tests.support.apps import Clock
from tests.support.cast import Cast
from tests.support.mail import Sink
from tests.support.schedules import make_schedule

NewRun = Callable[..., uuid.UUID]
ANA = audit.Actor("USER", "ana@example.org")
PEOPLE = ["priya@example.org", "tomas@example.org", "refused@example.org", "busy@example.org"]
ACTS = 25


class Everybody:
    """Each of the acts, on a run by chance."""

    def __init__(self, cast: Cast, clock: Clock, runs: list[uuid.UUID], schedules: list[uuid.UUID]) -> None:
        self.cast, self.clock, self.runs, self.schedules = cast, clock, runs, schedules

    def act(self, chance: random.Random) -> None:
        acts: list[Callable[[uuid.UUID, random.Random], None]] = [self.work, self.work, self.sweep, self.cancel]
        acts += [self.retry, self.again, self.settle, self.delete]
        chance.choice(acts)(chance.choice(self.runs), chance)

    def work(self, run_id: uuid.UUID, _: random.Random) -> None:
        make_run(run_id)

    def sweep(self, _: uuid.UUID, __: random.Random) -> None:
        recover.sweep(self.clock.now())

    def cancel(self, run_id: uuid.UUID, _: random.Random) -> None:
        cancel_run(self.cast.lakeside, run_id, actor=ANA, now=self.clock.now())

    def retry(self, run_id: uuid.UUID, _: random.Random) -> None:
        retry_failed(self.cast.lakeside, run_id, actor=ANA, now=self.clock.now())

    def again(self, run_id: uuid.UUID, chance: random.Random) -> None:
        rows = rows_of(run_id)
        if rows:
            chosen = {chance.choice(rows).id}
            key = str(uuid.UUID(int=chance.getrandbits(2)))  # often the same form once more
            send_again(self.cast.lakeside, run_id, chosen, form_key=key, actor=ANA, now=self.clock.now())

    def settle(self, run_id: uuid.UUID, chance: random.Random) -> None:
        for row in rows_of(run_id):
            if row.state is DeliveryState.UNKNOWN:
                verb = they_have_it if chance.random() < 0.5 else send_it_again
                verb(self.cast.lakeside, row.id, actor=ANA, now=self.clock.now())

    def delete(self, _: uuid.UUID, chance: random.Random) -> None:
        if chance.random() < 0.2:
            delete_schedule(self.cast.lakeside, chance.choice(self.schedules), actor=ANA, now=self.clock.now())


def rows_of(run_id: uuid.UUID) -> list[Delivery]:
    with Session(database.engine) as session:
        return list(session.scalars(sa.select(Delivery).where(Delivery.run_id == run_id).order_by(Delivery.round)))


@pytest.mark.parametrize("seed", [1, 2])
def test_workers_and_people_at_once_leave_tables_that_hold(
    app: Flask, new_run: NewRun, cast: Cast, moved_clock: Clock, mail_sink: Sink, seed: int
) -> None:
    idle = {"state": ScheduleState.PAUSED, "next_run_at": None}  # no tick is under test here
    schedules = [make_schedule(cast.lakeside, cast.otto, recipients=PEOPLE, **idle) for _ in range(3)]
    runs = []
    for schedule_id in schedules * 2:
        runs.append(new_run(schedule_id))
        moved_clock.forward(seconds=1)
        with write_session() as db:
            db.execute(sa.update(Run).where(Run.id == runs[-1]).values(kind="CATCH_UP"))
    everybody = Everybody(cast, moved_clock, runs, schedules)
    mistakes: list[BaseException] = []

    def be_somebody(number: int) -> None:
        chance = random.Random(f"{seed} {number}")
        with app.app_context():
            for _ in range(ACTS):
                try:
                    everybody.act(chance)
                except (Refused, ChangedMeanwhile):
                    continue
                except BaseException as mistake:
                    mistakes.append(mistake)
                    raise

    threads = [threading.Thread(target=be_somebody, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert mistakes == []
    for _ in range(30):  # whoever waits is served, or cancelled
        moved_clock.forward(minutes=61)
        recover.sweep(moved_clock.now())
        for run_id in runs:
            make_run(run_id)
    with Session(database.engine) as session:
        assert [str(breach) for breach in verify.find_breaches(session, None, moved_clock.now(), hash_files=True)] == []
        assert not OPEN & set(session.scalars(sa.select(Run.state)))
        ids = set(session.scalars(sa.select(Delivery.message_id).where(Delivery.state == DeliveryState.ACCEPTED)))
    mails = Counter(message["Message-ID"] for message in mail_sink.messages())
    assert ids <= set(mails)
    assert max(mails.values(), default=1) == 1
