"""An import from its first row to its last: read and spilled whole, then written case by case in short transactions."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import audit, clock
from portal.case_import.errors import BadRow, ImportRefusedError, shortened
from portal.case_import.fields import CHILDREN
from portal.case_import.files import Reading, plan
from portal.case_import.mapping import Mapping
from portal.case_import.register import Register
from portal.case_import.report import Report
from portal.case_import.spill import Spill
from portal.case_import.staging import CASE_SECTION, Staging
from portal.case_import.under_way import LOST_AFTER
from portal.case_import.upsert import Target
from portal.case_import.value_spec import fold
from portal.case_import.write import Pace, Writing
from portal.extensions import db
from portal.models import CaseImport, ImportState, Organization, write_session
from portal.zones import zone

A_MOMENT = timedelta(microseconds=1)


def find_organization(slug: str) -> Organization:
    """Raises ImportRefusedError where there is none."""
    # not by db.session: its snapshot would stay open for the whole import, and SQLite could never shorten its log
    with Session(db.engine) as session:
        found = session.scalar(sa.select(Organization).where(Organization.slug == slug))
    if found is None:
        raise ImportRefusedError(
            f'There is no organization "{shortened(slug)}"; make it with flask create-organization.'
        )
    return found


def import_cases(
    organization: Organization,
    mapping: Mapping,
    files: Sequence[Path],
    *,
    now: datetime,
    actor: audit.Actor,
    on_bad_row: Callable[[BadRow], None],
    dry_run: bool = False,
) -> Report:
    """Bring the register up to what the files say. Bad rows go to `on_bad_row` as they are met and stop nothing else.

    Nothing is written before every file was read to its end. A dry run counts the same and writes nothing.
    Raises ImportRefusedError where mapping or files are wrong.
    """
    home = zone(mapping.timezone or organization.timezone)
    readings = plan(mapping, files, home, {fold(organization.slug), fold(organization.name)})
    report = Report(on_bad_row)
    target = Target(organization.id, mapping.source, now, noted_at=now, writes=not dry_run)
    if dry_run:
        _run(target, mapping, readings, home, report)
    else:
        with _recorded(target, readings, report, actor) as noting:
            _run(noting, mapping, readings, home, report)
    return report


def _run(target: Target, mapping: Mapping, readings: Sequence[Reading], home: ZoneInfo, report: Report) -> None:
    names = [name for _, name in sorted({(reading.file, reading.path.name) for reading in readings})]
    with Staging() as staging:
        spill = Spill(mapping, staging, report)
        for reading in readings:
            spill.file(reading)
        register = Register(
            target, report, names, mapping.sections, _complete(mapping, readings, report), dated=_is_dated(mapping)
        )
        writing = Writing(mapping, staging, register, report, names, home)
        pace = Pace(writes=target.writes)
        writing.cases(pace)
        writing.without_case(pace)
    if any(number == CASE_SECTION for reading in readings for number, _ in reading.mappers):
        with Session(db.engine) as session:
            held = register.cases_held(session)
        tally = report.tally("cases")
        tally.kept = max(0, held - tally.updated - tally.unchanged - (tally.new if target.writes else 0))


def _complete(mapping: Mapping, readings: Sequence[Reading], report: Report) -> frozenset[str]:
    """The mapped entities all of whose sections have files in this import; each mapped one gets its line of counts."""
    read = {number for reading in readings for number, _ in reading.mappers}
    mapped = {each.entity.name for each in mapping.children}
    unread = {each.entity.name for number, each in enumerate(mapping.sections) if number not in read}
    for name in ("cases", *(each for each in CHILDREN if each in mapped)):
        report.tally(name)
    return frozenset(mapped - unread)


def _is_dated(mapping: Mapping) -> bool:
    return any(spec.field.name == "updated_at" and not spec.in_bag for spec in mapping.case.specs)


@contextmanager
def _recorded(target: Target, readings: Sequence[Reading], report: Report, actor: audit.Actor) -> Iterator[Target]:
    """The import's own row: RUNNING, then SUCCEEDED or FAILED, with an audit event of the outcome.

    Gives the target whose `noted_at` is later than any moment up to which an export without sight of this import may
    have vouched for the register (`under_way.complete_until`): one that did not see the row was opened before now, one
    that saw it vouches for no more than what was before `started_at`.
    """
    began = time.monotonic()
    import_id = _begin(target, sorted({reading.path.name for reading in readings}))
    noted_at = max(clock.now(), target.now) + A_MOMENT

    def end(state: ImportState, **more: str) -> None:
        _end(
            target,
            import_id,
            state,
            report.as_json() | more,
            target.now + timedelta(seconds=time.monotonic() - began),
            actor,
        )

    try:
        yield replace(target, noted_at=noted_at)
    except BaseException as problem:
        end(
            ImportState.FAILED,
            error=str(problem) if isinstance(problem, ImportRefusedError) else type(problem).__name__,
        )
        raise
    end(ImportState.SUCCEEDED)


def _begin(target: Target, files: list[str]) -> uuid.UUID:
    row = CaseImport(
        id=uuid.uuid4(),
        organization_id=target.organization_id,
        source=target.source,
        files=files,
        state=ImportState.RUNNING,
        counts={},
        started_at=target.now,
    )
    with write_session() as session:
        # an import that was killed cannot say so itself; nothing waits for it, only its row would claim to run for ever
        session.execute(
            sa.update(CaseImport)
            .where(
                CaseImport.organization_id == target.organization_id,
                CaseImport.state == ImportState.RUNNING,
                CaseImport.started_at < target.now - LOST_AFTER,
            )
            .values(state=ImportState.FAILED, counts={"error": "The import did not end."}, finished_at=target.now)
        )
        session.add(row)
    return row.id


def _end(
    target: Target,
    import_id: uuid.UUID,
    state: ImportState,
    counts: dict[str, object],
    finished: datetime,
    actor: audit.Actor,
) -> None:
    with write_session() as session:
        session.execute(
            sa.update(CaseImport)
            .where(CaseImport.organization_id == target.organization_id, CaseImport.id == import_id)
            .values(state=state, counts=counts, finished_at=finished)
        )
        audit.record(
            session,
            organization_id=target.organization_id,
            at=finished,
            actor=actor,
            action="register.imported" if state is ImportState.SUCCEEDED else "register.import_failed",
            subject=("case_import", import_id),
            body={"source": target.source, "counts": counts},
        )
