"""One run of each kind, brought to the place at which a fault is to meet it, and the end that it must come to."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import audit, clock, leases
from portal.audit.verify import verify_chains
from portal.config import settings
from portal.extensions import db
from portal.models import Artifact, Delivery, DeliveryAttempt, DeliveryState, Run, RunKind, RunState
from portal.plumbing import wakeups
from portal.runs.verify import find_breaches, one_moment
from portal.schedules.run_now import run_now
from tests.faults.hatchery import Hatchery
from tests.support.cast import Cast
from tests.support.mail import Sink
from tests.support.schedules import make_schedule

TICK, SWEEP = "worker.jobs.start_due_schedules", "worker.jobs.recover_lost_runs"
PEOPLE = ("priya@example.org", "tomas@example.org")
FOLDER = "reports/{schedule}"
NEVER = {"freq": "once", "date": "2090-01-02", "time": "08:00"}


@dataclass(frozen=True)
class End:
    """What a run comes to: its state, and how often each recipient's mail reached the witness."""

    state: RunState
    mails: tuple[int, int] = (1, 1)


WELL = End(RunState.SUCCEEDED)
# the first recipient's message was begun: from there on nobody can know, and a mail with the file is not sent again
AFTER_THE_POINT_OF_NO_RETURN = {
    "after-data-mark": End(RunState.PARTIAL, (0, 1)),
    "answered": End(RunState.PARTIAL, (1, 1)),
    "finish-before-commit": End(RunState.PARTIAL, (1, 1)),
}
OF_A_RUN = (
    "take-before-commit",
    "take-after-commit",
    "first-page",
    "made-file",
    "stored-file",
    "artifact-before-commit",
    "artifact-after-commit",
    "recover-before-commit",
    "sending-after-commit",
    "connected",
    "before-data-mark",
    "after-data-mark",
    "answered",
    "folder-after-put",
    "finish-before-commit",
    "finish-after-commit",
    "settle-before",
    "settle-before-commit",
    "settle-after-commit",
)
OF_A_TICK = ("tick-before-commit", "tick-after-commit", "tick-after-wake")
OF_A_LOST_RUN = ("lapsed-before-commit", "lapsed-after-commit")
OF_A_LOST_WAKE_UP = ("wake-after-commit",)
OF_A_LOST_CANCEL = ("cancel-left-before-commit",)
OF_A_NOTICE = ("notice-taken", "notice-answered")
OF_GIVING_BACK = ("hand-back-before-commit", "hand-back-after-commit")


class Lives:
    def __init__(self, cast: Cast, hatchery: Hatchery, sink: Sink) -> None:
        self.cast, self.hatchery, self.sink = cast, hatchery, sink

    def schedule(self, name: str, **given: object) -> uuid.UUID:
        more = {"rule": NEVER, "recipients": list(PEOPLE), "folders": [FOLDER], "name": name, **given}
        return make_schedule(self.cast.lakeside, self.cast.otto, now=clock.now(), **more)

    def pressed(self, name: str) -> uuid.UUID:
        """A run now of a schedule of its own; its wake-up waits in Redis."""
        return run_now(
            self.cast.lakeside,
            self.schedule(name),
            idempotency_key=str(uuid.uuid4()),
            actor=audit.user_actor(self.cast.otto, "otto@example.org"),
            now=clock.now(),
        )

    def due(self, name: str) -> uuid.UUID:
        """A schedule whose one moment is now."""
        moment = (clock.now() + timedelta(minutes=1)).replace(second=0, microsecond=0)
        rule = {"freq": "once", "date": f"{moment:%Y-%m-%d}", "time": f"{moment:%H:%M}"}
        schedule_id = self.schedule(name, rule=rule, timezone="UTC")
        self.hatchery.forward(61)
        return schedule_id

    def lost(self, name: str) -> uuid.UUID:
        """A run whose worker has been silent for longer than its lease."""
        self.pause_wake_ups()
        run_id = self.pressed(name)
        assert leases.take(run_id, leases.new_owner(), clock.now())
        self.hatchery.forward(settings().lease_seconds + 1)
        return run_id

    def unwoken(self, name: str) -> uuid.UUID:
        """A run whose wake-up was lost."""
        run_id = self.pressed(name)
        self.pause_wake_ups()
        self.hatchery.forward(31)
        return run_id

    def pause_wake_ups(self) -> None:
        """What waits in Redis is gone."""
        with wakeups.connect() as connection:
            connection.flushall()

    def upkeep(self, job: str) -> None:
        with wakeups.connect() as connection:
            wakeups.queue(wakeups.UPKEEP, connection).enqueue(job, result_ttl=0)


def state_of_run(run_id: uuid.UUID) -> RunState:
    with Session(db.engine) as session:
        return session.execute(sa.select(Run.state).where(Run.id == run_id)).scalar_one()


def runs_of(schedule_id: uuid.UUID) -> list[uuid.UUID]:
    with Session(db.engine) as session:
        return list(session.scalars(sa.select(Run.id).where(Run.schedule_id == schedule_id)))


def next_look(run_id: uuid.UUID) -> tuple[bool, float]:
    """Whether a worker has it in hand, and the seconds until its lease lapses or somebody looks at it by himself."""
    with Session(db.engine) as session:
        columns = Run.wake_after, Run.lease_until
        wake_after, lease_until = session.execute(sa.select(*columns).where(Run.id == run_id)).one()
    moment = lease_until or wake_after
    return lease_until is not None, max((moment - clock.now()).total_seconds(), 0.0) if moment else 0.0


def end_of_run(run_id: uuid.UUID, sink: Sink) -> End:
    """As the ledger and the witness tell it; every disagreement beyond that is an assertion that fails."""
    with Session(db.engine) as session:
        run = session.get_one(Run, run_id)
        rows = session.scalars(sa.select(Delivery).where(Delivery.run_id == run_id).order_by(Delivery.position)).all()
        artifacts = session.scalars(sa.select(Artifact).where(Artifact.run_id == run_id)).all()
    counts = Counter(str(message["Message-ID"]) for message in sink.messages())
    mails = [counts[row.message_id or ""] for row in rows if row.message_id]
    assert len(artifacts) == 1, "one file"
    assert run.finished_at
    if run.kind is not RunKind.RUN_NOW:
        assert len(runs_of(run.schedule_id)) == 1, "one run of one occurrence"
    for row in rows:
        if row.state is DeliveryState.ACCEPTED and row.message_id:
            assert counts[row.message_id] == 1, f"{row.target} was accepted and arrived {counts[row.message_id]} times"
    (folder,) = [row for row in rows if not row.message_id]
    assert folder.state is DeliveryState.ACCEPTED
    return End(run.state, (mails[0], mails[1]))


def assert_all_holds() -> None:
    """After however many runs: no invariant is broken, no chain of the audit log."""
    with one_moment() as session:
        breaches = [str(each) for each in find_breaches(session, None, clock.now(), hash_files=True)]
    breaches += [report.problem for report in verify_chains() if report.problem]
    assert not breaches, "\n".join(breaches)


def ledger_of(run_id: uuid.UUID) -> list[tuple[object, ...]]:
    """All that a worker could write of a run, to see that one wrote nothing."""
    with Session(db.engine) as session:
        run = session.execute(
            sa.select(Run.state, Run.attempt, Run.reason, Run.lease_owner, Run.rows_written, Run.finished_at).where(
                Run.id == run_id
            )
        ).all()
        columns = Delivery.id, Delivery.state, Delivery.attempts, Delivery.reason, Delivery.next_attempt_at
        rows = session.execute(sa.select(*columns).where(Delivery.run_id == run_id).order_by(Delivery.position)).all()
        tries = session.execute(
            sa.select(DeliveryAttempt.delivery_id, DeliveryAttempt.number, DeliveryAttempt.state)
            .join(Delivery, Delivery.id == DeliveryAttempt.delivery_id)
            .where(Delivery.run_id == run_id)
            .order_by(DeliveryAttempt.delivery_id, DeliveryAttempt.number)
        ).all()
        files = session.execute(sa.select(Artifact.id, Artifact.sha256).where(Artifact.run_id == run_id)).all()
    return [tuple(row) for found in (run, rows, tries, files) for row in found]
