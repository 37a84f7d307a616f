"""What the tests of changes share: a register filled by imports, and the file that a press of "Run now" brings."""

from __future__ import annotations

import csv
import io
import uuid
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from portal import audit
from portal.models import Artifact, write_session
from portal.plumbing import storage
from portal.runs.make import make_run
from portal.schedules.run_now import run_now
from tests.case_import.conftest import bring_paths
from tests.support.apps import Clock
from tests.support.cast import Cast
from tests.support.schedules import make_schedule

ANA = audit.Actor("USER", "ana@example.org")
MAPPING = """
source = "desk"
[case]
key = "Number"
[case.fields]
status = "Status"
created_at = { constant = "2026-10-01T10:00:00Z" }
[investigations]
key = "Inv"
[investigations.fields]
type = "Type"
"""


class Desk:
    """Cases by number and status, brought in by imports; runs of one schedule of all of them, to one person."""

    def __init__(self, cast: Cast, clock: Clock, folder: Path) -> None:
        self.cast = cast
        self.clock = clock
        self._mapping = folder / "desk.toml"
        self._mapping.write_text(MAPPING)
        self._file = folder / "desk.csv"
        self._cases: dict[str, str] = {}

    def bring(self, **cases: str) -> None:
        """An hour later an import holds these cases with these statuses, and all those before."""
        self.clock.forward(hours=1)
        self._cases |= cases
        rows = [f"{number},{status},{number}-1,Audit" for number, status in self._cases.items()]
        self._file.write_text("\n".join(["Number,Status,Inv,Type", *rows]) + "\n")
        bring_paths(self._mapping, [self._file])

    def schedule(self, **given: Any) -> uuid.UUID:
        return make_schedule(self.cast.lakeside, self.cast.otto, **{"period": "all", "next_run_at": None, **given})

    def press(self, schedule_id: uuid.UUID) -> uuid.UUID:
        """A minute later somebody presses "Run now"; nobody has begun the run yet."""
        return run_now(
            self.cast.lakeside,
            schedule_id,
            idempotency_key=str(uuid.uuid4()),
            actor=ANA,
            now=self.clock.forward(minutes=1),
        )

    def made(self, schedule_id: uuid.UUID) -> uuid.UUID:
        run_id = self.press(schedule_id)
        assert make_run(run_id)
        return run_id


def artifacts_of(run_id: uuid.UUID) -> list[Artifact]:
    with write_session() as db:
        return list(db.scalars(sa.select(Artifact).where(Artifact.run_id == run_id)))


def changes_in(run_id: uuid.UUID) -> dict[str, str]:
    """What the one file of the run says has happened to each case, by its number."""
    (artifact,) = artifacts_of(run_id)
    content = b"".join(storage.chunks(storage.artifact_store(), artifact.storage_key)).decode()
    return {row["case_number"]: row["change"] for row in csv.DictReader(io.StringIO(content))}
