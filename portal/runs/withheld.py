"""What the files of a run leave out because somebody is kept from it: for those who manage such lists."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.cases.kept_from import kept_from_any
from portal.models import Artifact, ArtifactRestriction, Case, RestrictionKind
from portal.runs.viewer import Viewer


@dataclass(frozen=True)
class Withheld:
    """A case and a person that it was kept from; `kinds`: as what."""

    case_id: uuid.UUID
    case_number: str
    person: str
    kinds: tuple[RestrictionKind, ...]
    is_recipient: bool
    """False for one who only sees the run's pages."""


def withheld_from(db: Session, viewer: Viewer, run_id: uuid.UUID) -> Sequence[Withheld]:
    """By case and person. Cases that the viewer is kept from are not among them."""
    statement = (
        sa.select(Case.id, Case.case_number, ArtifactRestriction.reasons, Artifact.only_to_see)
        .join(ArtifactRestriction, ArtifactRestriction.case_id == Case.id)
        .join(Artifact, Artifact.id == ArtifactRestriction.artifact_id)
        .where(
            Artifact.run_id == run_id,
            Case.organization_id == viewer.organization_id,
            ArtifactRestriction.withheld,
            ~kept_from_any(viewer.organization_id, [viewer.person]),
        )
        .order_by(Case.case_number)
    )
    kinds: dict[tuple[uuid.UUID, str, str], set[RestrictionKind]] = defaultdict(set)
    recipients: set[tuple[uuid.UUID, str, str]] = set()
    for row in db.execute(statement):
        for reason in row.reasons:
            key = row.id, row.case_number, reason["email"]
            kinds[key] |= {RestrictionKind(kind) for kind in reason["as"]}
            if not row.only_to_see:
                recipients.add(key)
    return [
        Withheld(*key, tuple(sorted(kinds[key])), key in recipients) for key in sorted(kinds, key=lambda each: each[1:])
    ]
