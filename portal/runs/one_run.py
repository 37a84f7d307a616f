"""All that a viewer may know of one run: its configuration, files, recipients, links, tries, and audit events."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.delivery import by_hand, ledger
from portal.models import (
    Artifact,
    AuditEvent,
    Delivery,
    DeliveryAttempt,
    DestinationKind,
    DownloadLink,
    NoRows,
    Run,
    RunState,
    Schedule,
    ScheduleState,
)
from portal.runs.send_again import people_to_choose
from portal.runs.sending import nothing_sent
from portal.runs.states import DELIVERABLE_AGAIN, IN_HAND, OPEN, RETRIABLE_BY_A_PERSON, Standing
from portal.runs.viewer import Sight, Viewer, reason_for, sight_of
from portal.runs.withheld import Withheld, withheld_from


@dataclass(frozen=True)
class RunRecord:
    """Everything a page shows of a run, read at one moment."""

    run: Run
    reason: str
    """How it went, in words that the viewer may read."""
    schedule_is_there: bool
    """False where the schedule was deleted since; the run stays readable."""
    artifacts: Sequence[Artifact]
    """Those that the viewer may know of."""
    deliveries: Sequence[Delivery]
    """Of the recipients, earlier rounds first; what is sent to the backup recipient stands apart."""
    backups: Sequence[Delivery]
    links: Mapping[uuid.UUID, DownloadLink]
    """By delivery."""
    events: Sequence[AuditEvent]
    """Of the run, its files and its recipients, oldest first."""
    withheld: Sequence[Withheld]
    """What was withheld from whom, for a viewer who may know."""
    shown_as: Mapping[uuid.UUID, uuid.UUID]
    """Which file the viewer is shown in the place of one that was sent."""
    made: bool
    """Whether the run has files, also where the viewer is shown none."""
    is_whole: bool
    """Whether all of them are still kept."""
    notices: frozenset[uuid.UUID]
    """Deliveries that said that there is nothing to report."""

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
    def nothing_sent(self) -> bool:
        """Whether nobody was sent any of the files, as the schedule asks."""
        return nothing_sent(self.run.state, [each.not_sent for each in self.artifacts])

    @property
    def unsent_to(self) -> list[Mapping[str, Any]]:
        """Destinations, as they were frozen, that others were sent something beside."""
        sent = {each.destination for each in self.deliveries}
        frozen: Sequence[Mapping[str, Any]] = self.run.configuration["destinations"] if sent else ()
        return [each for each in frozen if ledger.name_of(each) not in sent]

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
        return people_to_choose([*self.deliveries, *self.backups])

    @property
    def file_is_kept(self) -> bool:
        return self.made and self.is_whole

    def readers_of(self, artifact: Artifact) -> list[str]:
        """Whom the file was made for, by name or address, each once."""
        rows = (each for each in (*self.deliveries, *self.backups) if self._shown_as(each) == artifact.id)
        return list(dict.fromkeys(each.name or each.target for each in rows))

    def _shown_as(self, delivery: Delivery) -> uuid.UUID:
        return self.shown_as.get(delivery.artifact_id, delivery.artifact_id)


def read_run(db: Session, run: Run, viewer: Viewer) -> RunRecord:
    """The rest of a run that the caller may see, as far as the viewer may know of it."""
    sight = sight_of(db, viewer, run.id)
    found = {each.id: each for each in db.scalars(sa.select(Artifact).where(Artifact.run_id == run.id))}
    shown = _shown_deliveries(db, run, sight)
    ids = [each.id for each in shown]
    links = db.scalars(sa.select(DownloadLink).where(DownloadLink.delivery_id.in_(ids))).all()
    state = db.scalar(sa.select(Schedule.state).where(Schedule.id == run.schedule_id))
    deliveries = [each for each in shown if not each.backup]
    artifacts = [found[each] for each in sight.artifacts]
    notices = _notices(run, sight, artifacts, shown)
    standings = [Standing(each.destination, each.state, each.settled_at is not None, each.round) for each in deliveries]
    return RunRecord(
        run=run,
        reason=reason_for(sight, run.state, run.reason, standings),
        schedule_is_there=state is not None and state is not ScheduleState.DELETED,
        artifacts=artifacts,
        deliveries=deliveries,
        backups=[each for each in shown if each.backup],
        links={link.delivery_id: link for link in links if link.delivery_id not in notices},
        events=_events(db, run, sight.artifacts, ids),
        withheld=withheld_from(db, viewer, run.id) if viewer.manages_conflicts else (),
        shown_as=sight.shown_as,
        made=bool(found),
        is_whole=not any(each.deleted_at for each in found.values()),
        notices=notices,
    )


def _notices(run: Run, sight: Sight, artifacts: Sequence[Artifact], shown: Sequence[Delivery]) -> frozenset[uuid.UUID]:
    """Where by the viewer's own files everybody would have got a notice, that is what they are shown."""
    all_of_them = (
        sight.discreet
        and run.configuration["no_rows"] == NoRows.SEND_NOTICE
        and bool(artifacts)
        and not any(each.rows or each.not_sent for each in artifacts)
    )
    mails = (each for each in shown if each.kind is DestinationKind.EMAIL)
    return frozenset(each.id for each in mails if all_of_them or each.notice_only)


def _shown_deliveries(db: Session, run: Run, sight: Sight) -> list[Delivery]:
    in_order = (Delivery.round, Delivery.position, Delivery.id)
    rows = db.scalars(sa.select(Delivery).where(Delivery.run_id == run.id).order_by(*in_order))
    return [each for each in rows if sight.shows(each.artifact_id, backup=each.backup)]


def attempts_of(db: Session, record: RunRecord) -> Sequence[sa.Row[DeliveryAttempt, str]]:
    """Each try with the target it was for, oldest first."""
    shown = [each.id for each in (*record.deliveries, *record.backups)]
    return db.execute(
        sa.select(DeliveryAttempt, Delivery.target)
        .join(Delivery, Delivery.id == DeliveryAttempt.delivery_id)
        .where(Delivery.id.in_(shown))
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


def progress_of(db: Session, run: Run, viewer: Viewer) -> Progress:
    sight = sight_of(db, viewer, run.id) if run.state is RunState.DELIVERING else Sight()
    rows = db.execute(
        sa.select(Delivery.artifact_id, Delivery.state).where(Delivery.run_id == run.id, ~Delivery.backup)
    )
    by_state = Counter(row.state for row in rows if sight.shows(row.artifact_id, backup=False))
    waiting = sum(by_state[state] for state in IN_HAND)
    total = by_state.total()
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
