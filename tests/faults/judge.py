"""What the plan, the ledger and the mail witness say about each other when it is over. Each breach is one sentence."""

from __future__ import annotations

import json
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.audit.verify import verify_chains
from portal.extensions import db
from portal.models import (
    Artifact,
    Delivery,
    DeliveryAttempt,
    DeliveryState,
    DestinationKind,
    Notice,
    Run,
    RunKind,
)
from portal.runs.states import OPEN
from portal.runs.verify import find_breaches, one_moment
from tests.faults.plan import Life

SLACK = timedelta(minutes=10)


@dataclass
class Seen:
    """What the witness saw of one Message-ID. `arrived`: whole messages that it did not refuse.

    `contents` are of all but those that it refused for good: nobody has them, and when a person tries again, the link
    in the mail is good for longer.
    """

    recipients: set[str] = field(default_factory=set)
    contents: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    arrived: int = 0
    accepted: int = 0


def read_journal(path: Path) -> dict[str, Seen]:
    """By Message-ID. A last line that a kill cut off is left out: what it told was not yet answered."""
    seen: dict[str, Seen] = defaultdict(Seen)
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            note = json.loads(line)
        except json.JSONDecodeError:
            continue
        if note["event"] != "got":
            continue
        one = seen[note["message_id"]]
        one.recipients.add(note["rcpt"])
        if not note["answer"].startswith("5"):
            one.contents.add(note["sha256"])
        one.files |= set(note["files"])
        one.arrived += note["answer"][:1] not in {"4", "5"}
        one.accepted += note["answer"] == "250"
    return dict(seen)


def breaches_of_the_plan(lives: Iterable[Life], pressed: Iterable[uuid.UUID], now: datetime) -> Iterator[str]:
    """Lost: an occurrence without a row, a run now that is not there. Doubled: two rows; or one nobody planned."""
    with Session(db.engine) as session:
        rows = session.execute(sa.select(Run.schedule_id, Run.planned_for).where(Run.kind != RunKind.RUN_NOW)).all()
        there = set(session.scalars(sa.select(Run.id).where(Run.kind == RunKind.RUN_NOW)))
    planned: dict[uuid.UUID, list[datetime]] = defaultdict(list)
    for schedule_id, moment in rows:
        planned[schedule_id].append(moment)
    for life in lives:
        have, required = Counter(planned[life.schedule_id]), life.required(now)
        for lost in sorted(required - set(have)):
            yield f"lost: schedule {life.schedule_id} has no row for {lost}"
        for strange in sorted(set(have) - life.allowed(now, SLACK)):
            yield f"unplanned: schedule {life.schedule_id} has a row for {strange}"
        for doubled, count in have.items():
            if count > 1:
                yield f"doubled: schedule {life.schedule_id} has {count} rows for {doubled}"
    for lost_press in set(pressed) - there:
        yield f"lost: run now {lost_press} was promised and is not there"


def breaches_of_the_end() -> Iterator[str]:
    """Stuck: what is still open although all faults are over and time has passed."""
    with Session(db.engine) as session:
        for run in session.execute(sa.select(Run.id, Run.state, Run.reason).where(Run.state.in_(OPEN))):
            yield f"stuck: run {run.id} is {run.state.value}: {run.reason}"


def breaches_of_the_mail(seen: dict[str, Seen]) -> Iterator[str]:
    """The witness against the ledger, one message after the other."""
    with Session(db.engine) as session:
        attempts = _attempts(session)
        hashes = {row.id: row.sha256 for row in session.execute(sa.select(Artifact.id, Artifact.sha256))}
        rows = session.scalars(sa.select(Delivery).where(Delivery.kind == DestinationKind.EMAIL)).all()
        known = {row.message_id for row in rows} | set(session.scalars(sa.select(Notice.message_id)))
        for row in rows:
            yield from _of_one(row, attempts[row.id], seen.get(row.message_id or "", Seen()), hashes[row.artifact_id])
    for message_id in seen.keys() - known:
        yield f"unknown mail: nobody sent {message_id}"


def breaches_of_the_tables(now: datetime) -> Iterator[str]:
    """What the product's own look at its tables, files and audit log finds."""
    with one_moment() as session:
        for breach in find_breaches(session, None, now, hash_files=True):
            yield f"{breach.name}: {breach.subject}: {breach.sentence}"
    for report in verify_chains():
        if report.problem:
            yield f"audit log of {report.chain_id}: {report.problem}"


def _attempts(session: Session) -> dict[uuid.UUID, Counter[DeliveryState]]:
    found: dict[uuid.UUID, Counter[DeliveryState]] = defaultdict(Counter)
    statement = sa.select(DeliveryAttempt.delivery_id, DeliveryAttempt.state)
    for delivery_id, state in session.execute(statement):
        found[delivery_id][state] += 1
    return found


def _of_one(row: Delivery, attempts: Counter[DeliveryState], seen: Seen, sha256: str) -> Iterator[str]:
    name = f"{row.message_id} to {row.target}"
    accounted = attempts[DeliveryState.ACCEPTED] + attempts[DeliveryState.UNKNOWN]
    if seen.arrived > accounted:
        yield f"mail too many: {name} arrived {seen.arrived} times, the ledger accounts for {accounted}"
    if row.state is DeliveryState.ACCEPTED and not seen.accepted:
        yield f"not accepted: the ledger says that {name} was, the server never said 250"
    if len(seen.contents) > 1:
        yield f"other bytes: {name} was not the same message each time"
    if seen.recipients - {row.target}:
        yield f"other recipient: {name} went to {', '.join(seen.recipients)}"
    if seen.files - {sha256}:
        yield f"other file: {name} carried a file that is not the run's"


def summary() -> dict[str, dict[str, int]]:
    """How many runs and deliveries stand in each state."""
    with Session(db.engine) as session:
        runs = session.execute(sa.select(Run.state, sa.func.count()).group_by(Run.state))
        mails = session.execute(sa.select(Delivery.state, sa.func.count()).group_by(Delivery.state))
        return {
            "runs": {state.value: count for state, count in runs},
            "deliveries": {state.value: count for state, count in mails},
        }


def planned() -> int:
    with Session(db.engine) as session:
        statement = sa.select(sa.func.count()).select_from(Run).where(Run.kind != RunKind.RUN_NOW)
        return session.scalar(statement) or 0
