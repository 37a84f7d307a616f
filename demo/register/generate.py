"""Making a register: one case after the other in the order of time, written in batches, nothing held but the batch."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date, timedelta
from random import Random

import sqlalchemy as sa

from demo.register import moments
from demo.register.case_rows import attachment_rows, case_row, intake_rows, subject_rows
from demo.register.disclosure_rows import disclosure_rows
from demo.register.facts import Facts, draw
from demo.register.investigation_rows import investigation_rows, remediation_rows
from demo.register.rows import SOURCE, Batch
from demo.register.surroundings import RegisterError, Surroundings, find_organization, settle
from portal.models import CaseImport, ImportState, write_session

CASES_A_BATCH = 4_000


def generate_register(
    organization_id: uuid.UUID,
    cases: int,
    seed: int,
    today: date,
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[str, int]:
    """Fill an organization's empty register with `cases` made cases of the three years up to the day before `today`.

    The same arguments and the same users make the same register. `on_progress` hears (cases written, cases asked for)
    after each batch. Gives the number of rows by table. Raises RegisterError.
    """
    if cases < 1:
        raise RegisterError("Ask for at least one case.")
    rng = Random(seed)
    with write_session() as session:
        around = settle(session, find_organization(session, organization_id), rng, today, seed)
    batch = Batch(organization_id, seed)
    numbers: dict[int, int] = {}
    for count, (opened, years, by_day) in enumerate(moments.openings(rng, cases, today, around.zone), start=1):
        year = opened.astimezone(around.zone).year
        numbers[year] = numbers.get(year, 0) + 1
        _tell(rng, around, batch, draw(rng, around, f"C-{year}-{numbers[year]:06d}", opened, years, by_day))
        if count % CASES_A_BATCH == 0 or count == cases:
            with write_session() as session:
                batch.write(session)
            if on_progress:
                on_progress(count, cases)
    _note_import(organization_id, around, batch.written)
    return batch.written


def _tell(rng: Random, around: Surroundings, batch: Batch, case: Facts) -> None:
    """All rows of one case."""
    case_id = case_row(rng, around, batch, case)
    intake_rows(rng, around, batch, case_id, case)
    subjects = subject_rows(rng, around, batch, case_id, case)
    investigation_rows(rng, around, batch, case_id, case, subjects)
    disclosure_rows(rng, around, batch, case_id, case)
    remediation_rows(rng, around, batch, case_id, case)
    attachment_rows(rng, batch, case_id, case)


def _note_import(organization_id: uuid.UUID, around: Surroundings, written: dict[str, int]) -> None:
    """The register is as of the midnight that it ends at, and says so like one that was imported."""
    with write_session() as session:
        session.execute(
            sa.insert(CaseImport).values(
                id=uuid.uuid4(),
                organization_id=organization_id,
                source=SOURCE,
                files=[],
                state=ImportState.SUCCEEDED,
                counts={table: {"new": count} for table, count in written.items()},
                started_at=around.end - timedelta(minutes=1),
                finished_at=around.end,
            )
        )
