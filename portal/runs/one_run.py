"""All that is known of one run: the frozen configuration, files, recipients, links, tries, and its audit events."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.delivery import by_hand
from portal.models import (
    Artifact,
    AuditEvent,
    Delivery,
    DeliveryAttempt,
    DeliveryState,
    DestinationKind,
    DownloadLink,
    Run,
    RunState,
    Schedule,
    ScheduleState,
)
from portal.runs.send_again import people_to_choose
from portal.runs.states import DELIVERABLE_AGAIN, IN_HAND, OPEN, RETRIABLE_BY_A_PERSON


@dataclass(frozen=True)
class RunRecord:
    """Everything a page shows of a run, read at one moment."""

    run: Run
    schedule_is_there: bool
    """False where the schedule was deleted since; the run stays readable."""
    artifacts: Sequence[Artifact]
    deliveries: Sequence[Delivery]
    links: Mapping[uuid.UUID, DownloadLink]
    """By delivery."""
    events: Sequence[AuditEvent]
    """Of the run, its files and its recipients, oldest first."""

    @property
    def people(self) -> list[Delivery]:
        return [each for each in self.deliveries if each.kind is DestinationKind.EMAIL]

    @property
    def folders(self) -> list[Delivery]:
        return [each for each in self.deliveries if each.kind is DestinationKind.FOLDER]

    @property
    def is_open(self) -> bool:
        return self.run.state in OPEN

    @property
    def destinations(self) -> int:
        """How many places the file was or is to be handed to."""
        return len({each.destination for each in self.deliveries})

    @property
    def reached(self) -> int:
        """Accepted, or settled by a person."""
        return self.destinations - len({each.destination for each in by_hand.not_reached(self.deliveries)})

    @property
    def to_try_again(self) -> list[Delivery]:
        """Those a person may have tried again; only once the run is over, and while its file is kept."""
        if self.run.state not in {RunState.PARTIAL, RunState.FAILED} or not self.file_is_kept:
            return []
        return [each for each in by_hand.not_reached(self.deliveries) if each.state in RETRIABLE_BY_A_PERSON]

    @property
    def to_send_again(self) -> list[Delivery]:
        """Those a person may choose to send the stored file to once more."""
        if self.run.state not in DELIVERABLE_AGAIN or not self.file_is_kept:
            return []
        return people_to_choose(self.deliveries)

    @property
    def file_is_kept(self) -> bool:
        return bool(self.artifacts) and not any(each.deleted_at for each in self.artifacts)


def read_run(db: Session, run: Run) -> RunRecord:
    """The rest of a run that the caller may see."""
    artifacts = db.scalars(sa.select(Artifact).where(Artifact.run_id == run.id).order_by(Artifact.variant)).all()
    in_order = (Delivery.round, Delivery.position, Delivery.id)
    deliveries = db.scalars(sa.select(Delivery).where(Delivery.run_id == run.id).order_by(*in_order)).all()
    links = db.scalars(
        sa.select(DownloadLink).join(Delivery, Delivery.id == DownloadLink.delivery_id).where(Delivery.run_id == run.id)
    ).all()
    state = db.scalar(sa.select(Schedule.state).where(Schedule.id == run.schedule_id))
    return RunRecord(
        run=run,
        schedule_is_there=state is not None and state is not ScheduleState.DELETED,
        artifacts=artifacts,
        deliveries=deliveries,
        links={link.delivery_id: link for link in links},
        events=_events(db, run, [each.id for each in artifacts], [each.id for each in deliveries]),
    )


def attempts_of(db: Session, run: Run) -> Sequence[sa.Row[DeliveryAttempt, str]]:
    """Each try with the target it was for, oldest first."""
    return db.execute(
        sa.select(DeliveryAttempt, Delivery.target)
        .join(Delivery, Delivery.id == DeliveryAttempt.delivery_id)
        .where(Delivery.run_id == run.id)
        .order_by(DeliveryAttempt.ended_at, Delivery.position, DeliveryAttempt.number)
    ).all()


@dataclass(frozen=True)
class Progress:
    """How far an open run is: rows of the file, then destinations."""

    rows_written: int
    rows_expected: int | None
    destinations: int
    settled: int
    """Destinations that need no further try."""
    changed: str
    """Another text whenever the page would show something else than numbers."""


def progress_of(db: Session, run: Run) -> Progress:
    counts = db.execute(
        sa.select(Delivery.state, sa.func.count()).where(Delivery.run_id == run.id).group_by(Delivery.state)
    ).all()
    by_state: dict[DeliveryState, int] = {state: count for state, count in counts}  # noqa: C416  # a row is no pair to mypy
    waiting = sum(by_state.get(state, 0) for state in IN_HAND)
    total = sum(by_state.values())
    shown = ",".join(f"{state.value}{count}" for state, count in sorted(by_state.items()))
    asked = " cancel" if run.cancel_requested_at else ""
    changed = f"{run.state.value} {run.attempt} {shown}{asked}"
    return Progress(run.rows_written, run.rows_expected, total, total - waiting, changed)


def _events(
    db: Session, run: Run, artifact_ids: Sequence[uuid.UUID], delivery_ids: Sequence[uuid.UUID]
) -> Sequence[AuditEvent]:
    subjects = [("run", [run.id]), ("artifact", artifact_ids), ("delivery", delivery_ids)]
    about = [
        sa.and_(AuditEvent.subject_type == kind, AuditEvent.subject_id.in_([str(each) for each in ids]))
        for kind, ids in subjects
    ]
    statement = sa.select(AuditEvent).where(AuditEvent.chain_id == run.organization_id, sa.or_(*about))
    return db.scalars(statement.order_by(AuditEvent.sequence)).all()
