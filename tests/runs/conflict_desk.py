"""A register in which somebody is kept from a case, a schedule whose recipients differ, and what its run made."""

from __future__ import annotations

import io
import uuid
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from portal import audit, clock
from portal.models import (
    Artifact,
    ArtifactRestriction,
    Case,
    CaseRestriction,
    CaseStatus,
    Delivery,
    Destination,
    Investigation,
    Priority,
    RestrictionKind,
    Subject,
    write_session,
)
from portal.plumbing import storage
from portal.runs.make import make_run
from portal.schedules.run_now import run_now
from tests.support.cast import Cast

PRIYA, TOMAS, NADIA = "priya@example.org", "tomas@example.org", "nadia@example.org"
SECRET = "SECRET-77"
TITLE = "The zebra affair"
FINDING = "A zebra was paid for twice"
TRACES = (SECRET, TITLE, FINDING, "Zelda Quill")


@dataclass(frozen=True)
class Kept:
    """The case that somebody is kept from."""

    id: uuid.UUID

    @property
    def traces(self) -> list[str]:
        return [*TRACES, str(self.id), self.id.hex]


def add_case(organization_id: uuid.UUID, created_at: datetime, number: str = SECRET, **given: Any) -> Kept:
    """One with a title, an investigation and a subject of its own words."""
    case_id = uuid.uuid4()
    with write_session() as db:
        values = {"title": TITLE, "status": CaseStatus.OPEN, "priority": Priority.HIGH, **given}
        db.add(
            Case(
                id=case_id,
                organization_id=organization_id,
                case_number=number,
                created_at=created_at,
                updated_at=created_at,
                first_seen_at=created_at,
                custom_fields={"secret": TITLE},
                **values,
            )
        )
        db.flush()
        of_case = {"organization_id": organization_id, "case_id": case_id}
        db.add(Investigation(id=uuid.uuid4(), finding_summary=FINDING, custom_fields={}, **of_case))
        db.add(Subject(id=uuid.uuid4(), name="Zelda Quill", email=None, custom_fields={}, **of_case))
    return Kept(case_id)


def put_on_list(organization_id: uuid.UUID, case: Kept, kind: RestrictionKind, **who: Any) -> None:
    with write_session() as db:
        if kind is RestrictionKind.SUBJECT:
            values = {"name": "Subject", "custom_fields": {}, **who}
            db.add(Subject(id=uuid.uuid4(), organization_id=organization_id, case_id=case.id, **values))
        else:
            db.add(CaseRestriction(id=uuid.uuid4(), organization_id=organization_id, case_id=case.id, kind=kind, **who))


def give_own_rows(schedule_id: uuid.UUID, target: str, filters: dict[str, Any]) -> None:
    with write_session() as db:
        statement = sa.update(Destination).where(Destination.schedule_id == schedule_id, Destination.target == target)
        db.execute(statement.values(own_filters=filters))


def run_it(cast: Cast, schedule_id: uuid.UUID) -> uuid.UUID:
    """Queued and made; its id."""
    actor = audit.user_actor(cast.otto, "otto@example.org")
    run_id = run_now(cast.lakeside, schedule_id, idempotency_key=str(uuid.uuid4()), actor=actor, now=clock.now())
    assert make_run(run_id)
    return run_id


def artifacts_of(run_id: uuid.UUID) -> list[Artifact]:
    with write_session() as db:
        return list(db.scalars(sa.select(Artifact).where(Artifact.run_id == run_id).order_by(Artifact.rows)))


def artifact_for(run_id: uuid.UUID, target: str) -> Artifact:
    with write_session() as db:
        of_target = sa.select(Artifact).join(Delivery, Delivery.artifact_id == Artifact.id)
        return db.scalars(of_target.where(Delivery.run_id == run_id, Delivery.target == target)).one()


def withheld_in(artifact: Artifact) -> set[uuid.UUID]:
    with write_session() as db:
        statement = sa.select(ArtifactRestriction.case_id).where(
            ArtifactRestriction.artifact_id == artifact.id, ArtifactRestriction.withheld
        )
        return set(db.scalars(statement))


def content(artifact: Artifact) -> bytes:
    return b"".join(storage.chunks(storage.artifact_store(), artifact.storage_key))


def found_in(data: bytes, traces: Iterable[str]) -> set[str]:
    """Which of the traces the file tells, unzipped and with its streams unpacked."""
    opened = data
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            opened = b"\n".join(archive.read(name) for name in archive.namelist()) + data
    if data.startswith(b"%PDF"):
        opened = data + b"\n".join(_streams(data))
        import pypdf

        opened += "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages).encode()
    if data.startswith(b"PAR1"):
        import pyarrow.parquet as pq

        opened = data + str(pq.read_table(io.BytesIO(data)).to_pylist()).encode() + repr(_statistics(data)).encode()
    return {trace for trace in traces if trace.encode() in opened}


def _streams(data: bytes) -> Iterable[bytes]:
    for part in data.split(b"stream\n")[1:]:
        try:
            yield zlib.decompressobj().decompress(part)
        except zlib.error:
            continue


def _statistics(data: bytes) -> list[Any]:
    import pyarrow.parquet as pq

    metadata = pq.ParquetFile(io.BytesIO(data)).metadata
    return [
        metadata.row_group(group).column(column).to_dict()
        for group in range(metadata.num_row_groups)
        for column in range(metadata.num_columns)
    ]


def yesterday(moment: datetime) -> datetime:
    return moment - timedelta(days=1)
