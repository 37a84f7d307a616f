"""What a viewer may know of runs: which files, which recipients, and what is said of how they went.

Whoever is kept from a case that is, or may be, in a file never learns of that file. They are shown the run as if it had
made one file alone for each way of masking and own rows: the one that they get themselves, or that was made for them to
see. docs/decisions/010-conflicts-of-interest.md says why.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.cases.kept_from import Person
from portal.delivery.held_cases import File, KeptCase, OnRecord, files_of, is_hidden, kept_cases_of, on_record
from portal.models import Artifact, ArtifactRestriction, Delivery, RunState
from portal.runs.outcome import summary
from portal.runs.states import Standing

BEING_HANDED_OVER = "The file is made and is being handed over."
NOTHING_SENT = "Nothing was sent, as the schedule asks."
_ENDS = (RunState.SUCCEEDED, RunState.PARTIAL, RunState.FAILED, RunState.CANCELLED)


@dataclass(frozen=True)
class Viewer:
    """For whom pages of runs are read."""

    organization_id: uuid.UUID
    person: Person
    manages_conflicts: bool = False


@dataclass(frozen=True)
class Sight:
    """What the viewer may know of one run."""

    artifacts: tuple[uuid.UUID, ...] = ()
    discreet: bool = False
    """Whether the run is shown as something else than it is: none but these files exist."""
    unsent: frozenset[uuid.UUID] = frozenset()
    """Files that others were sent, where by the viewer's own file nothing would have been sent."""
    sees_backup: bool = False
    why_not: str = ""
    """What the viewer's own files say of why nothing was sent."""

    def shows(self, artifact_id: uuid.UUID, *, backup: bool) -> bool:
        """Whether a delivery of that file is shown."""
        return artifact_id not in self.unsent and (self.sees_backup or not backup)


def sights(db: Session, viewer: Viewer, run_ids: Collection[uuid.UUID]) -> Mapping[uuid.UUID, Sight]:
    """Of each run that has files; of the others nothing but themselves is to be known."""
    if not run_ids:
        return {}
    kept = kept_cases_of(db, viewer.organization_id, viewer.person)
    files: dict[uuid.UUID, list[File]] = defaultdict(list)
    for each in files_of(db, run_ids):
        files[each.run_id].append(each)
    ids = [each.id for of_run in files.values() for each in of_run]
    record = on_record(db, viewer.organization_id, viewer.person, ids) if kept else OnRecord()
    return {run_id: _sight(db, viewer, of_run, kept, record) for run_id, of_run in files.items()}


def sight_of(db: Session, viewer: Viewer, run_id: uuid.UUID) -> Sight:
    """Of one run."""
    return sights(db, viewer, [run_id]).get(run_id, Sight())


def artifacts_for(db: Session, viewer: Viewer, run_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """The files of these runs that the viewer may know of."""
    return {each for sight in sights(db, viewer, run_ids).values() for each in sight.artifacts}


def may_know(db: Session, viewer: Viewer, artifact: Artifact) -> bool:
    """Whether the viewer may know of the file at all."""
    return artifact.id in sight_of(db, viewer, artifact.run_id).artifacts


def reason_for(sight: Sight, run_state: RunState, reason: str, rows: Sequence[Standing]) -> str:
    """How a run ended, in words that tell of nothing but what the viewer is shown; `rows` are shown to them."""
    if not sight.discreet or run_state not in _ENDS:
        return BEING_HANDED_OVER if sight.discreet and run_state is RunState.DELIVERING else reason
    by = f"{reason.partition('. ')[0]}. " if run_state is RunState.CANCELLED else ""
    return by + (summary(rows) if rows else sight.why_not or NOTHING_SENT)


def shown_standings(db: Session, run_id: uuid.UUID, sight: Sight) -> list[Standing]:
    """The rows of the run's ledger that the viewer is shown, earlier rounds first."""
    settled = Delivery.settled_at.is_not(None)
    columns = Delivery.artifact_id, Delivery.destination, Delivery.state, settled, Delivery.round
    statement = sa.select(*columns).where(Delivery.run_id == run_id, ~Delivery.backup)
    rows = db.execute(statement.order_by(Delivery.round, Delivery.position))
    return [Standing(*row[1:]) for row in rows if sight.shows(row.artifact_id, backup=False)]


def _sight(db: Session, viewer: Viewer, files: Sequence[File], kept: Sequence[KeptCase], record: OnRecord) -> Sight:
    hidden = {each.id for each in files if is_hidden(each, kept, record, viewer.person)}
    if not hidden and not any(record.withheld[each.id] for each in files):
        backup = viewer.manages_conflicts
        shown = [each.id for each in files if not each.only_to_see and (backup or not each.backup)]
        return Sight(tuple(shown), sees_backup=backup)
    ranks = _ranks(db, viewer, [each.id for each in files])
    chosen: dict[str, File] = {}
    for each in sorted(
        (each for each in files if each.id not in hidden and not each.backup), key=lambda file: ranks[file.id]
    ):
        chosen.setdefault(each.group, each)
    shown = [each.id for each in files if each in chosen.values()]
    unsent = {each.id for each in files if each.id not in shown and _unsent(chosen.get(each.group))}
    words = {each.not_sent for each in chosen.values()}
    return Sight(
        tuple(shown),
        discreet=True,
        unsent=frozenset(unsent),
        why_not=words.pop() if len(words) == 1 else "",
    )


def _unsent(file: File | None) -> bool:
    return file is not None and bool(file.not_sent)


def _ranks(db: Session, viewer: Viewer, artifact_ids: Collection[uuid.UUID]) -> Mapping[uuid.UUID, tuple[bool, int]]:
    """First what the viewer was sent, then what lacks least."""
    theirs = sa.select(Delivery.artifact_id).where(
        Delivery.artifact_id.in_(artifact_ids),
        sa.or_(
            Delivery.user_id == viewer.person.user_id, sa.func.lower(Delivery.target) == viewer.person.email.lower()
        ),
    )
    lacking = (
        sa.select(ArtifactRestriction.artifact_id, sa.func.count().label("lacking"))
        .where(ArtifactRestriction.artifact_id.in_(artifact_ids), ArtifactRestriction.withheld)
        .group_by(ArtifactRestriction.artifact_id)
    )
    sent = set(db.scalars(theirs))
    lacks: dict[uuid.UUID, Any] = {row.artifact_id: row.lacking for row in db.execute(lacking)}
    return {each: (each not in sent, lacks.get(each, 0)) for each in artifact_ids}
