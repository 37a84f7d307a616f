"""`flask runs`, and `flask verify-artifacts`: whether the stored files are still those that were made."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any, NoReturn

import click
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.delivery.stored_file import NotServed, StoredFile, checked_copy
from portal.extensions import db
from portal.models import Artifact, RunState
from portal.moments import instant_text
from portal.runs.history import Row, Wanted, all_runs

BATCH = 500
NONE = "–"


@click.command("runs")
@click.option("--schedule", "schedule", metavar="ID", help="Only runs of this schedule.")
@click.option("--state", "state", metavar="STATE", help=f"Only runs in this state: {', '.join(RunState)}.")
@click.option("--json", "as_json", is_flag=True, help="A JSON object a line.")
def list_runs(schedule: str | None, state: str | None, as_json: bool) -> None:
    """Every run, newest planned moment first: id, state, planned moment, rows, hash, schedule and reason."""
    wanted = Wanted(schedule_id=_id(schedule), state=_state(state))
    with Session(db.engine) as session:
        for row in all_runs(session, None, wanted, viewer=None):
            click.echo(json.dumps(_answer(row)) if as_json else _line(row))


@click.command("verify-artifacts")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def verify_artifacts(as_json: bool) -> None:
    """Read every stored file back and compare it with its row; exit 1 where one is missing or changed."""
    checked, bad = 0, []
    for file in _kept():
        checked += 1
        try:
            checked_copy(file).close()
        except NotServed as problem:
            if _deleted_meanwhile(file.artifact_id):
                continue
            bad.append({"artifact": str(file.artifact_id), "storage_key": file.storage_key, "problem": str(problem)})
            if not as_json:
                click.echo(f"{file.artifact_id}  {file.storage_key}  {problem}")
    if as_json:
        click.echo(json.dumps({"checked": checked, "bad": bad}, indent=1))
    else:
        click.echo(f"{checked} files checked, {len(bad)} of them not as they were made.")
    if bad:
        raise SystemExit(1)


def _kept() -> Iterator[StoredFile]:
    """Artifacts whose file was not deleted, in the order of their ids."""
    last: uuid.UUID | None = None
    while True:
        statement = sa.select(Artifact).where(Artifact.deleted_at.is_(None)).order_by(Artifact.id).limit(BATCH)
        if last is not None:
            statement = statement.where(Artifact.id > last)
        with Session(db.engine) as session:
            files = [StoredFile.of(artifact) for artifact in session.scalars(statement)]
        yield from files
        if len(files) < BATCH:
            return
        last = files[-1].artifact_id


def _deleted_meanwhile(artifact_id: uuid.UUID) -> bool:
    """Its time was over while this command was on its way to it."""
    with Session(db.engine) as session:
        return bool(session.scalar(sa.select(Artifact.deleted_at.is_not(None)).where(Artifact.id == artifact_id)))


def _line(row: Row) -> str:
    rows = ",".join(str(file.rows) for file in row.files) or NONE
    sha256 = ",".join(file.sha256[:12] for file in row.files) or NONE
    planned = instant_text(row.planned_for)
    return f"{row.id}  {row.state.value:<10}  {planned}  {rows:>8}  {sha256:<12}  {row.schedule}: {row.reason or NONE}"


def _answer(row: Row) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "organization_id": str(row.organization_id),
        "schedule_id": str(row.schedule_id),
        "schedule": row.schedule,
        "state": row.state.value,
        "reason": row.reason,
        "kind": row.kind.value,
        "planned_for": instant_text(row.planned_for),
        "started_at": instant_text(row.started_at) if row.started_at else None,
        "finished_at": instant_text(row.finished_at) if row.finished_at else None,
        "late_seconds": row.late_seconds,
        "missed_moments": row.missed_count,
        "requested_by": row.requested_by,
        "files": [
            {
                "id": str(file.id),
                "name": file.name,
                "rows": file.rows,
                "bytes": file.bytes,
                "sha256": file.sha256,
                "kept": file.kept,
            }
            for file in row.files
        ],
    }


def _id(text: str | None) -> uuid.UUID | None:
    if text is None:
        return None
    try:
        return uuid.UUID(text)
    except ValueError:
        _refuse("The schedule's id looks like 6f2c8a1e-0d3b-4c57-9a51-2f6f0b7d9e10; flask schedules lists them.")


def _state(text: str | None) -> RunState | None:
    if text is None:
        return None
    try:
        return RunState(text.strip().upper())
    except ValueError:
        _refuse(f"There is no such state; choose one of {', '.join(RunState)}.")


def _refuse(sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    raise SystemExit(2)


COMMANDS = (list_runs, verify_artifacts)
