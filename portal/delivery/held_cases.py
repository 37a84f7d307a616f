"""Whether a file holds, or may hold, a case that somebody is kept from now.

What a run looked at when it made its files stands on record to the case. Of what came later, a person put on a list or
a case that got another subject, nobody noted whether it was in a file; whatever may have been in it counts as held.
"""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.cases.kept_from import Person, kept_from_any
from portal.models import Artifact, ArtifactRestriction, Case, Delivery, ExportType, Run

_COUNTS_BY_OTHER_DATES = (ExportType.DISCLOSURES_ONLY, ExportType.BOARD_REPORT)


@dataclass(frozen=True)
class File:
    """An artifact with what its run says of it."""

    id: uuid.UUID
    run_id: uuid.UUID
    group: str
    """The same for files that differ in nothing but what was withheld."""
    only_to_see: bool
    not_sent: str
    created_at: datetime
    backup: bool
    start: datetime | None
    end: datetime | None
    by_creation: bool
    """Whether the period counts when cases were created."""
    kept_from: Mapping[str, Sequence[str]] | None
    """Whom its run looked at, and what they were kept from then."""


@dataclass(frozen=True)
class KeptCase:
    """A case that the person in question is kept from now."""

    id: uuid.UUID
    created_at: datetime
    first_seen_at: datetime | None


@dataclass
class OnRecord:
    """Which of those cases are known to be in files, and which to be withheld from them, by artifact."""

    held: dict[uuid.UUID, set[uuid.UUID]] = field(default_factory=lambda: defaultdict(set))
    withheld: dict[uuid.UUID, set[uuid.UUID]] = field(default_factory=lambda: defaultdict(set))


def not_for(db: Session, artifact: Artifact, person: Person) -> bool:
    """Whether the person may not have the file, because of a case that it holds or may hold."""
    kept = kept_cases_of(db, artifact.organization_id, person)
    if not kept:
        return False
    record = on_record(db, artifact.organization_id, person, [artifact.id])
    if record.held[artifact.id]:
        return True
    (file,) = (each for each in files_of(db, [artifact.run_id]) if each.id == artifact.id)
    return is_hidden(file, kept, record, person)


def kept_cases_of(db: Session, organization_id: uuid.UUID, person: Person) -> list[KeptCase]:
    """Nearly always none: then nothing else need be asked."""
    statement = sa.select(Case.id, Case.created_at, Case.first_seen_at).where(
        Case.organization_id == organization_id, kept_from_any(organization_id, [person])
    )
    return [KeptCase(*row) for row in db.execute(statement)]


def files_of(db: Session, run_ids: Collection[uuid.UUID]) -> Iterator[File]:
    """Of each run in the order of the schedule's recipients, those that nobody was sent last."""
    first = sa.select(sa.func.min(Delivery.position)).where(Delivery.artifact_id == Artifact.id).scalar_subquery()
    backup = sa.exists().where(Delivery.artifact_id == Artifact.id, Delivery.backup)
    statement = (
        sa.select(
            Artifact.id,
            Artifact.run_id,
            Artifact.masking,
            Artifact.own_filters,
            Artifact.only_to_see,
            Artifact.not_sent,
            Artifact.created_at,
            backup.label("backup"),
            Run.period_from,
            Run.period_to,
            Run.configuration[("export", "export_type")].as_string().label("export_type"),
            Run.configuration[("export", "filters", "date_field")].as_string().label("date_field"),
            Run.kept_from,
        )
        .join(Run, Run.id == Artifact.run_id)
        .where(Artifact.run_id.in_(run_ids))
        .order_by(first.is_(None), first, Artifact.created_at, Artifact.id)
    )
    for row in db.execute(statement):
        by_creation = row.date_field in (None, "created_at") and row.export_type not in _COUNTS_BY_OTHER_DATES
        yield File(
            id=row.id,
            run_id=row.run_id,
            group=json.dumps([row.masking, row.own_filters or None], sort_keys=True),
            only_to_see=row.only_to_see,
            not_sent=row.not_sent,
            created_at=row.created_at,
            backup=row.backup,
            start=row.period_from,
            end=row.period_to,
            by_creation=by_creation,
            kept_from=row.kept_from,
        )


def on_record(db: Session, organization_id: uuid.UUID, person: Person, artifact_ids: Collection[uuid.UUID]) -> OnRecord:
    mine = sa.select(Case.id).where(kept_from_any(organization_id, [person]))
    statement = sa.select(
        ArtifactRestriction.artifact_id, ArtifactRestriction.case_id, ArtifactRestriction.withheld
    ).where(ArtifactRestriction.artifact_id.in_(artifact_ids), ArtifactRestriction.case_id.in_(mine))
    record = OnRecord()
    for artifact_id, case_id, withheld in db.execute(statement):
        (record.withheld if withheld else record.held)[artifact_id].add(case_id)
    return record


def is_hidden(file: File, kept: Sequence[KeptCase], record: OnRecord, person: Person) -> bool:
    """Whether one of the cases is in the file, or may be.

    Where the run looked at the person and the case, the record is exact: what is not on it was not in scope.
    """
    if record.held[file.id]:
        return True
    looked_at = set((file.kept_from or {}).get(person.key, ()))
    return any(
        each.id not in record.withheld[file.id] and str(each.id) not in looked_at and _may_be_in(file, each)
        for each in kept
    )


def _may_be_in(file: File, case: KeptCase) -> bool:
    """By the two things that stay as they were: when the file was made, and when the case came in."""
    if (case.first_seen_at or case.created_at) > file.created_at:
        return False
    if not file.by_creation or file.end is None:
        return True
    return case.created_at < file.end and (file.start is None or case.created_at >= file.start)
