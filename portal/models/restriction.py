"""What became of the cases that somebody is kept from, in each file: the evidence of a conflict of interest."""

from __future__ import annotations

import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Base, Json, Tenant, tenant_keys


class ArtifactRestriction(Tenant, Base):
    """A case that some person is kept from and that was in the scope of an artifact: in it, or withheld from it.

    Written with the artifact, never changed. Whether a viewer may learn of the artifact goes by these rows.
    """

    __tablename__ = "artifact_restrictions"
    __table_args__ = (
        *tenant_keys(("artifact_id", "artifacts"), ("case_id", "cases")),
        sa.UniqueConstraint("artifact_id", "case_id"),
        sa.Index("ix_artifact_restrictions_case", "organization_id", "case_id"),
    )

    artifact_id: Mapped[uuid.UUID]
    case_id: Mapped[uuid.UUID]
    withheld: Mapped[bool]
    # for whom of the artifact's recipients it was withheld, and as what they are kept from it
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)
