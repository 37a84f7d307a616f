"""One row of each kind that a page's address may name, all of Lakeside Health: what a stranger must not reach.

A new kind of address argument gets its maker here, by the argument's name.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from portal.models import (
    Artifact,
    Case,
    CaseRestriction,
    CaseStatus,
    Delivery,
    DeliveryState,
    DestinationKind,
    RestrictionKind,
    Run,
    RunKind,
    RunState,
    UnknownPolicy,
    write_session,
)
from tests.support.cast import Cast
from tests.support.schedules import make_schedule

THEN = datetime(2026, 11, 2, 13, 0, tzinfo=UTC)


def schedule_of_lakeside(cast: Cast) -> uuid.UUID:
    return make_schedule(cast.lakeside, owner_id=cast.ana)


def run_of_lakeside(cast: Cast) -> uuid.UUID:
    run = Run(
        id=uuid.uuid4(),
        organization_id=cast.lakeside,
        schedule_id=schedule_of_lakeside(cast),
        occurrence_key=f"test:{uuid.uuid4()}",
        kind=RunKind.PLANNED,
        planned_for=THEN,
        configuration={},
        state=RunState.PARTIAL,
        queued_at=THEN,
    )
    with write_session() as session:
        session.add(run)
    return run.id


def artifact_of_lakeside(cast: Cast) -> uuid.UUID:
    artifact = Artifact(
        id=uuid.uuid4(),
        organization_id=cast.lakeside,
        run_id=run_of_lakeside(cast),
        variant="all",
        file_name="open-cases.csv",
        media_type="text/csv",
        storage_key=f"test/{uuid.uuid4()}",
        sha256="0" * 64,
        bytes=1,
        rows=1,
        columns=1,
        cells_changed=0,
        created_at=THEN,
        expires_at=THEN + timedelta(days=90),
    )
    with write_session() as session:
        session.add(artifact)
    return artifact.id


def delivery_of_lakeside(cast: Cast) -> uuid.UUID:
    artifact_id = artifact_of_lakeside(cast)
    with write_session() as session:
        artifact = session.get_one(Artifact, artifact_id)
        delivery = Delivery(
            id=uuid.uuid4(),
            organization_id=cast.lakeside,
            run_id=artifact.run_id,
            artifact_id=artifact.id,
            destination="EMAIL:priya@example.org",
            kind=DestinationKind.EMAIL,
            target="priya@example.org",
            position=1,
            state=DeliveryState.REJECTED,
            give_up_at=THEN + timedelta(days=1),
            unknown_policy=UnknownPolicy.HOLD,
            created_at=THEN,
        )
        session.add(delivery)
    return delivery.id


def case_of_lakeside(cast: Cast) -> uuid.UUID:
    case = Case(
        id=uuid.uuid4(),
        organization_id=cast.lakeside,
        case_number=f"C-{uuid.uuid4().hex[:8]}",
        status=CaseStatus.OPEN,
        created_at=THEN,
        updated_at=THEN,
        custom_fields={},
    )
    with write_session() as session:
        session.add(case)
    return case.id


def entry_of_lakeside(cast: Cast) -> uuid.UUID:
    entry = CaseRestriction(
        id=uuid.uuid4(),
        organization_id=cast.lakeside,
        case_id=case_of_lakeside(cast),
        kind=RestrictionKind.BY_HAND,
        email="kept@example.org",
    )
    with write_session() as session:
        session.add(entry)
    return entry.id


def person_of_lakeside(cast: Cast) -> uuid.UUID:
    return cast.otto


MAKERS: dict[str, Callable[[Cast], uuid.UUID]] = {
    "schedule_id": schedule_of_lakeside,
    "run_id": run_of_lakeside,
    "artifact_id": artifact_of_lakeside,
    "delivery_id": delivery_of_lakeside,
    "case_id": case_of_lakeside,
    "entry_id": entry_of_lakeside,
    "user_id": person_of_lakeside,
}
