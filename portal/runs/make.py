"""One run, from its wake-up to its end: take it, make the file, hand it over to one recipient after the other.

Safe to call twice, at any time, from any number of workers: whoever does not get the lease returns.
"""

from __future__ import annotations

import tempfile
import time
import traceback
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from portal import clock, failpoints
from portal.config import VERSION, settings
from portal.delivery import ledger
from portal.delivery.mail_message import message_size
from portal.exports.errors import ExportError
from portal.exports.file_names import file_name
from portal.exports.make_file import MadeFile, make_file
from portal.exports.request import ExportRequest
from portal.extensions import db
from portal.leases import Lease, LeaseLost, fence, heartbeat, new_owner, take
from portal.models import Artifact, Run, RunState, write_session
from portal.plumbing import storage
from portal.plumbing.logs import log
from portal.runs import recover, settle, stopping
from portal.runs.deliver import deliver_all
from portal.runs.hand_back import hand_back
from portal.runs.stopping import StopAsked
from portal.runs.transitions import change_state, without_configuration

VARIANT = "all"
PROGRESS_SECONDS = 0.5
BACK_OFF = (timedelta(minutes=1), timedelta(minutes=5))
logger = log(__name__)


@dataclass(frozen=True)
class _Plan:
    """The frozen run, copied so that no session is open while it is made."""

    id: uuid.UUID
    organization_id: uuid.UUID
    configuration: dict[str, Any]
    request: ExportRequest


def make_run(run_id: uuid.UUID, token: str | None = None) -> bool:
    """Do all that can be done for the run now; False where it is not this worker's to take.

    `token` ends the name under which the lease is held, for whoever watches over this process.
    """
    taken = take(run_id, new_owner(token), clock.now())
    if taken is None:
        return False
    lease, state = taken
    failpoints.reach("take-after-commit")
    try:
        with heartbeat(lease) as still_ours:
            check = _both(still_ours, stopping.check)
            if state is RunState.RUNNING and not _render(lease, check):
                return True
            with write_session() as session:
                fence(session, lease, clock.now())
                ledger.recover_in_flight(session, run_id, clock.now())
                failpoints.reach("recover-before-commit")
            check()
            deliver_all(lease, check)
            failpoints.reach("settle-before")
            settle.settle(lease, clock.now())
            failpoints.reach("settle-after-commit")
    except LeaseLost:
        logger.warning("run left: another worker took it over", run_id=str(run_id), attempt=lease.attempt)
    except StopAsked:
        _given_back(lease)
    return True


def _given_back(lease: Lease) -> None:
    logger.info("run given back: this worker was asked to end", run_id=str(lease.run_id), attempt=lease.attempt)
    try:
        hand_back(lease, clock.now())
    except LeaseLost:
        logger.warning("run left: it is no longer this worker's", run_id=str(lease.run_id), attempt=lease.attempt)


def _both(first: Callable[[], None], second: Callable[[], None]) -> Callable[[], None]:
    def check() -> None:
        first()
        second()

    return check


def _render(lease: Lease, check: Callable[[], None]) -> bool:
    """Make and keep the file; True when the run is DELIVERING, False when it failed or is to be tried again."""
    try:
        plan = _plan(lease.run_id)
        with tempfile.TemporaryDirectory(prefix="duepost-") as folder:
            path = Path(folder) / "artifact"
            made = make_file(plan.request, path, on_rows=_progress(lease, check), run_reference=str(plan.id))
            failpoints.reach("made-file")
            check()
            extension = plan.request.file_type.extension
            key = f"{plan.organization_id}/{plan.id}/{lease.attempt}-{VARIANT}.{extension}"
            storage.put_new(storage.artifact_store(), key, path)
            failpoints.reach("stored-file")
        _kept(lease, plan, made, key, clock.now())
        failpoints.reach("artifact-after-commit")
    except (LeaseLost, StopAsked):
        raise
    except Exception as error:
        logger.exception("making the file failed", run_id=str(lease.run_id), attempt=lease.attempt)
        _failed(lease, error, clock.now())
        return False
    finally:
        recover.wake_next(_schedule_of(lease.run_id))
    return True


def _schedule_of(run_id: uuid.UUID) -> uuid.UUID:
    with Session(db.engine) as session:
        return session.execute(sa.select(Run.schedule_id).where(Run.id == run_id)).scalar_one()


def _plan(run_id: uuid.UUID) -> _Plan:
    with Session(db.engine) as session:
        run = session.get_one(Run, run_id)
        return _Plan(
            id=run.id,
            organization_id=run.organization_id,
            configuration=run.configuration,
            request=ExportRequest.from_json(run.configuration["export"]),
        )


def _progress(lease: Lease, check: Callable[[], None]) -> Callable[[int, int], None]:
    """Called after each page of rows: stops the work once the lease is lost, and shows how far it is, not too often."""
    last = 0.0

    def on_rows(written: int, expected: int) -> None:
        nonlocal last
        failpoints.reach("first-page")
        check()
        if time.monotonic() - last < PROGRESS_SECONDS:
            return
        last = time.monotonic()
        try:
            with write_session() as session:
                fence(session, lease, clock.now())
                values = {"rows_written": written, "rows_expected": expected}
                session.execute(sa.update(Run).where(Run.id == lease.run_id).values(values))
        except OperationalError:
            # the database is busy with another: no reason to throw the work away
            logger.warning("progress not shown", run_id=str(lease.run_id), exc_info=True)

    return on_rows


def _kept(lease: Lease, plan: _Plan, made: MadeFile, key: str, now: datetime) -> None:
    """Artifact, deliveries and state in one transaction: either all of it is known, or none."""
    schedule, delivery = plan.configuration["schedule"], plan.configuration["delivery"]
    local_day = datetime.fromisoformat(plan.configuration["local_day"]).date()
    artifact = Artifact(
        id=uuid.uuid4(),
        organization_id=plan.organization_id,
        run_id=plan.id,
        variant=VARIANT,
        file_name=file_name(schedule["name"], local_day, plan.request.file_type.extension),
        media_type=plan.request.file_type.media_type,
        storage_key=key,
        sha256=made.sha256,
        bytes=made.bytes,
        rows=made.rows,
        columns=len(made.columns),
        cells_changed=made.cells_changed,
        notes=list(made.notes),
        created_at=now,
        expires_at=now + timedelta(days=settings().file_days),
    )
    fits = message_size(made.bytes) <= settings().mail_size_limit_bytes
    attach = bool(delivery.get("attach")) and fits
    reason = (
        "" if fits or not delivery.get("attach") else "The file is too big for mail, so a link to it is sent instead."
    )
    with write_session() as session:
        fence(session, lease, now)
        session.add(artifact)
        session.flush()
        ledger.open_rows(
            session,
            artifact=artifact,
            destinations=[each for each in plan.configuration["destinations"] if each["variant"] == VARIANT],
            delivery_config=delivery,
            attach=attach,
            link_reason=reason,
            now=now,
        )
        moved = change_state(
            session,
            plan.id,
            RunState.RUNNING,
            RunState.DELIVERING,
            now=now,
            reason="The file is made and is being handed over.",
            body={"sha256": made.sha256, "bytes": made.bytes, "rows": made.rows, "storage_key": key},
            columns={
                "rows_written": made.rows,
                "rows_expected": made.rows,
                "register_as_of": made.register_as_of,
                "software_version": VERSION,
                "made_at": now,
                "wake_after": now,
            },
        )
        if not moved:
            raise LeaseLost(f"run {plan.id}")
        failpoints.reach("artifact-before-commit")


def _failed(lease: Lease, error: Exception, now: datetime) -> None:
    """Try again later where that may help and tries are left; else the run has failed, with the reason in words."""
    sentence = _storable(str(error)) if isinstance(error, (ExportError, storage.StorageError)) else _UNFORESEEN
    permanent = isinstance(error, (ExportError, storage.StorageError)) and error.permanent
    with write_session() as session:
        fence(session, lease, now)
        run = session.get_one(Run, lease.run_id, options=[without_configuration()])
        failures = run.generation_failures + 1
        columns = {
            "generation_failures": failures,
            "error_message": sentence,
            "error_details": _storable("".join(traceback.format_exception(error)))[-8_000:],
            "lease_owner": None,
            "lease_until": None,
        }
        if permanent or failures >= settings().generation_attempts:
            settle.fail(session, run, sentence, now=now, columns=columns)
            return
        again = now + BACK_OFF[min(failures, len(BACK_OFF)) - 1]
        change_state(
            session,
            run.id,
            RunState.RUNNING,
            RunState.QUEUED,
            now=now,
            reason=f"{sentence} It is tried again by itself.",
            columns={**columns, "not_before": again, "wake_after": again},
        )


def _storable(text: str) -> str:
    """Without what no database keeps (NUL, lone surrogates): the error must not be lost over its own words."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


_UNFORESEEN = "Making the file failed for a reason that was not foreseen; the details are kept with the run."
