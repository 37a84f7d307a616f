"""What a viewer may know of runs: which files, which recipients, and what is said of how they went.

Whoever is kept from a case that is, or may be, in a file never learns of that file. They are shown the run as if there
were no such case: in the place of each file that holds it stands one that lacks it and is like it otherwise, which
somebody else got or which was made for them to see. docs/decisions/010-conflicts-of-interest.md says why.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.cases.kept_from import Person
from portal.delivery.held_cases import File, KeptCase, OnRecord, files_of, is_hidden, kept_cases_of, on_record
from portal.models import Artifact, ArtifactRestriction, Delivery, RunState
from portal.runs.outcome import summary
from portal.runs.states import Standing

BEING_HANDED_OVER = "The file is made and is being handed over."
NOTHING_SENT = "Nothing was sent, as the schedule asks."
_Lacking = Mapping[uuid.UUID, set[uuid.UUID]]
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
    shown_as: Mapping[uuid.UUID, uuid.UUID] = field(default_factory=dict)
    """Which file stands for each that was sent; those without one are shown as sent, and nothing of the file."""
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


def unsent_for(db: Session, viewer: Viewer, since: datetime) -> set[uuid.UUID]:
    """Files made since then that others were sent, where the viewer is shown that nothing was."""
    if not kept_cases_of(db, viewer.organization_id, viewer.person):
        return set()
    by_some_file_unsent = sa.select(Artifact.run_id).where(
        Artifact.organization_id == viewer.organization_id, Artifact.created_at >= since, Artifact.not_sent != ""
    )
    run_ids = db.scalars(by_some_file_unsent.distinct()).all()
    return {each for sight in sights(db, viewer, run_ids).values() for each in sight.unsent}


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
        whole = (each.id for each in files if not each.only_to_see and (backup or not each.backup))
        return Sight(tuple(whole), sees_backup=backup)
    lacking = _lacking(db, [each.id for each in files])
    may_stand = [each for each in files if each.id not in hidden and not each.backup]
    sent = (each for each in files if not each.only_to_see and not each.backup)
    stand_ins = {each.id: found for each in sent if (found := _stand_in(each, may_stand, lacking))}
    words = {each.not_sent for each in stand_ins.values()}
    return Sight(
        tuple(dict.fromkeys(each.id for each in stand_ins.values())),
        discreet=True,
        shown_as={each: found.id for each, found in stand_ins.items()},
        unsent=frozenset(each for each, found in stand_ins.items() if found.id != each and found.not_sent),
        why_not=words.pop() if len(words) == 1 else "",
    )


def _stand_in(sent: File, may_stand: Sequence[File], lacking: _Lacking) -> File | None:
    """What is like the file but for the viewer's cases: it lacks what the file lacks, and as little beside as can be.

    Those that may stand in its place lack the viewer's cases, all of them.
    """
    like = (each for each in may_stand if each.group == sent.group and lacking[each.id] >= lacking[sent.id])
    return min(like, key=lambda each: (len(lacking[each.id]), each.id != sent.id, each.only_to_see), default=None)


def _lacking(db: Session, artifact_ids: Collection[uuid.UUID]) -> _Lacking:
    """What was withheld from each file."""
    statement = sa.select(ArtifactRestriction.artifact_id, ArtifactRestriction.case_id).where(
        ArtifactRestriction.artifact_id.in_(artifact_ids), ArtifactRestriction.withheld
    )
    found: dict[uuid.UUID, set[uuid.UUID]] = {each: set() for each in artifact_ids}
    for artifact_id, case_id in db.execute(statement):
        found[artifact_id].add(case_id)
    return found
