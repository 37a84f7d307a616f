"""Whether the tables of a living installation hold together: each breach of what the product promises, by its name.

Every look is a query that gives breaches alone, or goes through runs and files page by page: memory stays flat.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from portal.cases.kept_from import Person
from portal.delivery.stored_file import FileChanged, NotServed, StoredFile, checked_copy
from portal.extensions import db as database
from portal.models import (
    IS_OPEN,
    Artifact,
    ArtifactRestriction,
    AuditEvent,
    Delivery,
    DeliveryAttempt,
    DeliveryState,
    DestinationKind,
    Heartbeat,
    Notice,
    Run,
    RunKind,
    RunState,
    Schedule,
    ScheduleState,
)
from portal.plumbing import storage
from portal.runs import recover
from portal.runs.states import IN_HAND, OPEN, Standing, end_of

PAGE = 500
LONG = timedelta(minutes=15)
"""Longer than anything rests that is looked after: wake-ups are ten minutes apart at most, a tick is held for ten."""
_ENDED_BY_DELIVERIES = frozenset({RunState.SUCCEEDED, RunState.PARTIAL, RunState.FAILED})


@dataclass(frozen=True)
class Breach:
    """`name` is the invariant's; `subject` what breaks it, as "run <id>"."""

    name: str
    subject: str
    sentence: str


@dataclass(frozen=True)
class _Look:
    """What all looks share. `only`: one organization; None: all."""

    db: Session
    only: uuid.UUID | None
    now: datetime

    def rows(
        self, statement: sa.Select[*tuple[Any, ...]], organization: sa.SQLColumnExpression[uuid.UUID]
    ) -> Iterator[Any]:
        if self.only is not None:
            statement = statement.where(organization == self.only)
        yield from self.db.execute(statement.execution_options(yield_per=PAGE))


@contextmanager
def one_moment() -> Iterator[Session]:
    """A session that sees all tables as they are at its first question, whatever the workers do meanwhile."""
    engine = database.engine
    if engine.dialect.name == "postgresql":
        # on SQLite every transaction that only reads is such a snapshot
        engine = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with Session(engine) as session:
        yield session


def find_breaches(db: Session, only: uuid.UUID | None, now: datetime, *, hash_files: bool = False) -> Iterator[Breach]:
    """Everything that does not hold, of one organization or (None) of all.

    Of files the size is compared, with `hash_files` the hash of every byte.
    """
    look = _Look(db, only, now)
    yield from _not_started(look)
    yield from _occurrence_twice(look)
    yield from _two_running(look)
    yield from _over_with_open_deliveries(look)
    yield from _not_ended(look)
    yield from _lies_about(look)
    yield from _no_end_time(look)
    yield from _unsent_unsaid(look)
    yield from _sent_though_not(look)
    yield from _window_from_nowhere(look)
    yield from _accepted_without_250(look)
    yield from _attempts_differ(look)
    yield from _message_id_twice(look)
    yield from _file_of_another_run(look)
    yield from _not_withheld(look)
    yield from _runs_one_by_one(look)
    yield from _files(look, hash_files=hash_files)


def count_runs(db: Session, only: uuid.UUID | None) -> int:
    statement = sa.select(sa.func.count()).select_from(Run)
    return db.scalar(statement if only is None else statement.where(Run.organization_id == only)) or 0


def _not_started(look: _Look) -> Iterator[Breach]:
    overdue = sa.select(Schedule.id, Schedule.next_run_at).where(
        Schedule.state == ScheduleState.ACTIVE,
        Schedule.next_run_at <= look.now - LONG,
        sa.or_(Schedule.parked_until.is_(None), Schedule.parked_until <= look.now - LONG),
    )
    for row in look.rows(overdue, Schedule.organization_id):
        yield Breach("not-started", f"schedule {row.id}", f"It was due at {_text(row.next_run_at)} and has no run.")


def _occurrence_twice(look: _Look) -> Iterator[Breach]:
    twice = (
        sa.select(Run.schedule_id, Run.planned_for, sa.func.count().label("runs"))
        .where(Run.kind != RunKind.RUN_NOW)
        .group_by(Run.schedule_id, Run.planned_for)
        .having(sa.func.count() > 1)
    )
    for row in look.rows(twice, Run.organization_id):
        yield Breach(
            "occurrence-twice", f"schedule {row.schedule_id}", f"{row.runs} runs stand for {_text(row.planned_for)}."
        )


def _two_running(look: _Look) -> Iterator[Breach]:
    two = (
        sa.select(Run.schedule_id, sa.func.count().label("runs"))
        .where(Run.state == RunState.RUNNING)
        .group_by(Run.schedule_id)
        .having(sa.func.count() > 1)
    )
    for row in look.rows(two, Run.organization_id):
        yield Breach("two-running", f"schedule {row.schedule_id}", f"{row.runs} of its runs are made at once.")


def _open_delivery() -> sa.Exists:
    return sa.exists().where(Delivery.run_id == Run.id, Delivery.state.in_(IN_HAND))


def _over_with_open_deliveries(look: _Look) -> Iterator[Breach]:
    over = sa.select(Run.id, Run.state).where(Run.state.not_in(OPEN), _open_delivery())
    for row in look.rows(over, Run.organization_id):
        sentence = f"It is {row.state.value}, but somebody's delivery is still open."
        yield Breach("over-with-open-deliveries", f"run {row.id}", sentence)


def _long_free(look: _Look) -> sa.ColumnElement[bool]:
    """In nobody's hands, and past the time at which somebody should have looked."""
    return sa.and_(
        sa.or_(Run.lease_until.is_(None), Run.lease_until <= look.now - LONG),
        sa.or_(Run.wake_after.is_(None), Run.wake_after <= look.now - LONG),
    )


def _not_ended(look: _Look) -> Iterator[Breach]:
    done = sa.select(Run.id).where(Run.state == RunState.DELIVERING, ~_open_delivery(), _long_free(look))
    for row in look.rows(done, Run.organization_id):
        yield Breach("not-ended", f"run {row.id}", "All its deliveries are over, and it is still DELIVERING.")


def _lies_about(look: _Look) -> Iterator[Breach]:
    not_woken = sa.and_(_long_free(look), sa.false() if _sweep_is_at_it(look) else sa.true())
    left = sa.select(Run.id, Run.state).where(
        sa.or_(
            sa.and_(Run.state == RunState.QUEUED, not_woken),
            sa.and_(Run.state == RunState.DELIVERING, _open_delivery(), not_woken),
            sa.and_(
                Run.state == RunState.RUNNING,
                sa.or_(Run.lease_until.is_(None), Run.lease_until <= look.now - LONG),
            ),
        )
    )
    for row in look.rows(left, Run.organization_id):
        yield Breach("lies-about", f"run {row.id}", f"It is {row.state.value} and nobody looks after it.")


def _sweep_is_at_it(look: _Look) -> bool:
    """More runs wait than it wakes at once, and it goes on: it comes to the later ones when there are fewer."""
    seen_at = look.db.scalar(sa.select(Heartbeat.at).where(Heartbeat.name == "sweep"))
    waiting = look.db.scalar(sa.select(sa.func.count()).select_from(Run).where(IS_OPEN, Run.wake_after <= look.now))
    return seen_at is not None and seen_at > look.now - LONG and (waiting or 0) > recover.BATCH


def _no_end_time(look: _Look) -> Iterator[Breach]:
    wrong = sa.select(Run.id, Run.state).where(
        sa.or_(
            sa.and_(Run.state.not_in(OPEN), Run.finished_at.is_(None)),
            sa.and_(Run.state.in_(OPEN), Run.finished_at.is_not(None)),
        )
    )
    for row in look.rows(wrong, Run.organization_id):
        word = "has a time of its end" if row.state in OPEN else "has no time of its end"
        yield Breach("no-end-time", f"run {row.id}", f"It is {row.state.value} and {word}.")


def _unsent_unsaid(look: _Look) -> Iterator[Breach]:
    """A run that succeeded without a delivery did so because the schedule asked for it, and each file says why."""
    sent = sa.exists().where(Delivery.run_id == Run.id)
    of_run = (Artifact.run_id == Run.id, ~Artifact.only_to_see)
    said = sa.exists().where(*of_run, Artifact.not_sent != "")
    unsaid = sa.exists().where(*of_run, Artifact.not_sent == "")
    statement = sa.select(Run.id).where(Run.state == RunState.SUCCEEDED, ~sent, sa.or_(~said, unsaid))
    for row in look.rows(statement, Run.organization_id):
        yield Breach("unsent-unsaid", f"run {row.id}", "It succeeded, nobody was sent anything, and nothing says why.")


def _sent_though_not(look: _Look) -> Iterator[Breach]:
    sent = sa.exists().where(Delivery.artifact_id == Artifact.id)
    statement = sa.select(Artifact.id).where(Artifact.not_sent != "", sent)
    for row in look.rows(statement, Artifact.organization_id):
        yield Breach("sent-though-not", f"artifact {row.id}", "It says why nobody was sent it, and has deliveries.")


def _window_from_nowhere(look: _Look) -> Iterator[Breach]:
    """Changes are counted from where another run of the schedule left off, and from nowhere else."""
    earlier = aliased(Run)
    left_off = sa.exists().where(earlier.schedule_id == Run.schedule_id, earlier.data_as_of == Run.changes_from)
    statement = sa.select(Run.id).where(Run.changes_from.is_not(None), ~left_off)
    for row in look.rows(statement, Run.organization_id):
        yield Breach("window-from-nowhere", f"run {row.id}", "It counts changes from where no run left off.")


def _accepted_without_250(look: _Look) -> Iterator[Breach]:
    said = sa.exists().where(
        DeliveryAttempt.delivery_id == Delivery.id,
        DeliveryAttempt.state == DeliveryState.ACCEPTED,
        DeliveryAttempt.smtp_code.between(200, 299),
    )
    unsaid = sa.select(Delivery.id).where(
        Delivery.kind == DestinationKind.EMAIL, Delivery.state == DeliveryState.ACCEPTED, ~said
    )
    for row in look.rows(unsaid, Delivery.organization_id):
        yield Breach("accepted-without-250", f"delivery {row.id}", "No attempt of it holds the server's yes.")


def _attempts_differ(look: _Look) -> Iterator[Breach]:
    on_its_way = Delivery.state.in_([DeliveryState.SENDING, DeliveryState.DATA])
    ended = Delivery.attempts - sa.case((on_its_way, 1), else_=0)
    noted = (
        sa.select(sa.func.count())
        .where(DeliveryAttempt.delivery_id == Delivery.id)
        .correlate(Delivery)
        .scalar_subquery()
    )
    differing = sa.select(Delivery.id, ended.label("counted"), noted.label("noted")).where(ended != noted)
    for row in look.rows(differing, Delivery.organization_id):
        sentence = f"It counts {row.counted} attempts that ended, and {row.noted} are written down."
        yield Breach("attempts-differ", f"delivery {row.id}", sentence)


def _message_id_twice(look: _Look) -> Iterator[Breach]:
    columns = Delivery.message_id, Delivery.organization_id
    every = sa.union_all(
        sa.select(*columns).where(Delivery.message_id.is_not(None)),
        sa.select(Notice.message_id, Notice.organization_id),
    ).subquery()
    twice = sa.select(every.c.message_id).group_by(every.c.message_id).having(sa.func.count() > 1)
    for row in look.rows(twice, every.c.organization_id):
        yield Breach("message-id-twice", f"message {row.message_id}", "Two mails carry it.")


def _file_of_another_run(look: _Look) -> Iterator[Breach]:
    strange = (
        sa.select(Delivery.id)
        .join(Artifact, Artifact.id == Delivery.artifact_id)
        .where(sa.or_(Artifact.run_id != Delivery.run_id, Artifact.only_to_see))
    )
    for row in look.rows(strange, Delivery.organization_id):
        yield Breach("file-of-another-run", f"delivery {row.id}", "Its file is not one that its run made to be sent.")


def _not_withheld(look: _Look) -> Iterator[Breach]:
    """Nobody's file holds a case that they were kept from when it was made."""
    held = (
        sa.select(Delivery.id, Delivery.target, ArtifactRestriction.case_id, Run.kept_from)
        .join(ArtifactRestriction, ArtifactRestriction.artifact_id == Delivery.artifact_id)
        .join(Run, Run.id == Delivery.run_id)
        .where(~ArtifactRestriction.withheld, Run.kept_from.is_not(None), Delivery.kind == DestinationKind.EMAIL)
    )
    for row in look.rows(held, Delivery.organization_id):
        if str(row.case_id) in row.kept_from.get(Person(row.target).key, ()):
            yield Breach("not-withheld", f"delivery {row.id}", "Its file holds a case that they are kept from.")


def _runs_one_by_one(look: _Look) -> Iterator[Breach]:
    last: uuid.UUID | None = None
    while True:
        statement = sa.select(Run.id, Run.organization_id, Run.state).order_by(Run.id).limit(PAGE)
        if look.only is not None:
            statement = statement.where(Run.organization_id == look.only)
        if last is not None:
            statement = statement.where(Run.id > last)
        page = look.db.execute(statement).all()
        if page:
            yield from _trail_differs(look, page)
            yield from _end_differs(look, page)
        if len(page) < PAGE:
            return
        last = page[-1].id


def _trail_differs(look: _Look, page: Sequence[Any]) -> Iterator[Breach]:
    """The newest event that tells of a state is the one of the state in which the run stands."""
    newer = aliased(AuditEvent)
    states = [f"run.{state.value.lower()}" for state in RunState]
    of_these = (
        AuditEvent.chain_id.in_({row.organization_id for row in page}),
        AuditEvent.subject_type == "run",
        AuditEvent.subject_id.in_([str(row.id) for row in page]),
        AuditEvent.action.in_(states),
    )
    later = sa.exists().where(
        newer.chain_id == AuditEvent.chain_id,
        newer.subject_type == "run",
        newer.subject_id == AuditEvent.subject_id,
        newer.action.in_(states),
        newer.sequence > AuditEvent.sequence,
    )
    statement = sa.select(AuditEvent.subject_id, AuditEvent.action).where(*of_these, ~later)
    told = {row.subject_id: row.action for row in look.db.execute(statement)}
    for row in page:
        action = told.get(str(row.id), "nothing")
        if action != f"run.{row.state.value.lower()}":
            sentence = f"It is {row.state.value}; the last that the audit log tells of it is {action}."
            yield Breach("trail-differs", f"run {row.id}", sentence)


def _end_differs(look: _Look, page: Sequence[Any]) -> Iterator[Breach]:
    """The state is what the rows of the ledger come to."""
    ended = {row.id: row.state for row in page if row.state in _ENDED_BY_DELIVERIES}
    rows: dict[uuid.UUID, list[Standing]] = defaultdict(list)
    settled = Delivery.settled_at.is_not(None).label("settled")
    statement = sa.select(Delivery.run_id, Delivery.destination, Delivery.state, settled, Delivery.round)
    for row in look.db.execute(statement.where(Delivery.run_id.in_(ended), ~Delivery.backup)):
        rows[row.run_id].append(Standing(row.destination, row.state, row.settled, row.round))
    for run_id, standings in rows.items():
        end = end_of(standings)
        if end is not None and end is not ended[run_id]:
            sentence = f"It is {ended[run_id].value}; what its recipients got makes it {end.value}."
            yield Breach("end-differs", f"run {run_id}", sentence)


def _files(look: _Look, *, hash_files: bool) -> Iterator[Breach]:
    last: uuid.UUID | None = None
    while True:
        statement = sa.select(Artifact).where(Artifact.deleted_at.is_(None)).order_by(Artifact.id).limit(PAGE)
        if look.only is not None:
            statement = statement.where(Artifact.organization_id == look.only)
        if last is not None:
            statement = statement.where(Artifact.id > last)
        page = [StoredFile.of(artifact) for artifact in look.db.scalars(statement)]
        look.db.expunge_all()
        for file in page:
            yield from _hashed(file) if hash_files else _measured(file)
        if len(page) < PAGE:
            return
        last = page[-1].artifact_id


def _measured(file: StoredFile) -> Iterator[Breach]:
    try:
        size = storage.size_of(storage.artifact_store(), file.storage_key)
    except storage.StorageError as error:
        if not _deleted_meanwhile(file):
            yield Breach("file-missing", f"artifact {file.artifact_id}", str(error))
        return
    if size != file.bytes:
        sentence = f"The stored file has {size} bytes, not the {file.bytes} that were made."
        yield Breach("file-changed", f"artifact {file.artifact_id}", sentence)


def _hashed(file: StoredFile) -> Iterator[Breach]:
    try:
        checked_copy(file).close()
    except NotServed as problem:
        if _deleted_meanwhile(file):
            return
        name = "file-changed" if isinstance(problem, FileChanged) else "file-missing"
        yield Breach(name, f"artifact {file.artifact_id}", str(problem))


def _deleted_meanwhile(file: StoredFile) -> bool:
    """Its time was over while the check was on its way to it, which sees the tables as they were before."""
    deleted = sa.select(Artifact.deleted_at.is_not(None)).where(Artifact.id == file.artifact_id)
    with Session(database.engine) as session:
        return bool(session.scalar(deleted))


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
