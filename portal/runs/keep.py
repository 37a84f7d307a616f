"""Putting a run's files on record: artifacts, what was withheld from them, deliveries and state in one transaction."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from portal import failpoints
from portal.config import VERSION, settings
from portal.delivery import ledger
from portal.delivery.mail_message import message_size
from portal.exports.file_names import file_name
from portal.leases import Lease, LeaseLost, fence
from portal.models import Artifact, ArtifactRestriction, DestinationKind, Run, RunState, write_session
from portal.runs import backup, settle
from portal.runs.render import Files, Rendered
from portal.runs.sending import Addressed, Sending, judge, why_unsent
from portal.runs.transitions import change_state
from portal.runs.variants import Variant

TOO_BIG = "The file is too big for mail, so a link to it is sent instead."


def keep(lease: Lease, run: Run, files: Files, now: datetime) -> bool:
    """Either all of it is known, or none; True when the run is DELIVERING, False when it is over, since nobody is to be
    sent anything. Raises LeaseLost where the run is no longer this worker's.
    """
    with write_session() as db:
        fence(db, lease, now)
        artifacts = [_kept(db, run, rendered, now) for rendered in files.rendered]
        columns = {
            "rows_written": files.rows,
            "rows_expected": files.rows,
            "register_as_of": files.rendered[0].made.register_as_of,
            "data_as_of": files.data_as_of,
            "kept_from": files.plan.kept_from,
            "software_version": VERSION,
            "made_at": now,
        }
        backup.tell_of_withheld(db, run, files.plan.withheld_from_all, files.plan.kept_from, now=now)
        unsent = all(artifact.not_sent for artifact in artifacts if not artifact.only_to_see)
        moved = (
            settle.end_unsent(db, run, why_unsent(artifacts), now=now, body=_told(artifacts), columns=columns)
            if unsent
            else change_state(
                db,
                run.id,
                RunState.RUNNING,
                RunState.DELIVERING,
                now=now,
                reason="The file is made and is being handed over.",
                body=_told(artifacts),
                columns={**columns, "wake_after": now},
            )
        )
        if not moved:
            raise LeaseLost(f"run {run.id}")
        failpoints.reach("artifact-before-commit")
    return not unsent


def _kept(db: Session, run: Run, rendered: Rendered, now: datetime) -> Artifact:
    artifact = _artifact(run, rendered, now)
    sending = judge(db, run, rendered.variant.request, artifact, _destinations(run, rendered.variant))
    artifact.not_sent = sending.why_not
    db.add(artifact)
    db.flush()
    _note_restrictions(db, artifact, rendered)
    _open_deliveries(db, artifact, rendered, sending, run.configuration["delivery"], now)
    return artifact


def _destinations(run: Run, variant: Variant) -> list[Addressed]:
    if variant.only_to_see:
        return [Addressed(DestinationKind(each["kind"])) for each in run.configuration["destinations"]]
    frozen = [each.frozen for each in variant.recipients]
    return [Addressed(DestinationKind(each["kind"]), ledger.name_of(each)) for each in frozen]


def _artifact(run: Run, rendered: Rendered, now: datetime) -> Artifact:
    local_day = datetime.fromisoformat(run.configuration["local_day"]).date()
    variant, made = rendered.variant, rendered.made
    file_type = variant.request.file_type
    return Artifact(
        id=uuid.uuid4(),
        organization_id=run.organization_id,
        run_id=run.id,
        variant=variant.name,
        file_name=file_name(run.configuration["schedule"]["name"], local_day, file_type.extension),
        media_type=file_type.media_type,
        storage_key=rendered.storage_key,
        sha256=made.sha256,
        bytes=made.bytes,
        rows=made.rows,
        columns=len(made.columns),
        cells_changed=made.cells_changed,
        masking=variant.profile.value,
        own_filters=variant.request.own_filters,
        only_to_see=variant.only_to_see,
        notes=list(made.notes),
        created_at=now,
        expires_at=now + timedelta(days=settings().file_days),
    )


def _note_restrictions(db: Session, artifact: Artifact, rendered: Rendered) -> None:
    db.add_all(
        ArtifactRestriction(
            id=uuid.uuid4(),
            organization_id=artifact.organization_id,
            artifact_id=artifact.id,
            case_id=each.case_id,
            withheld=each.withheld,
            reasons=[dict(reason) for reason in each.reasons],
        )
        for each in rendered.variant.restricted
    )


def _told(artifacts: Sequence[Artifact]) -> dict[str, Any]:
    """What the event of the run tells of its files, however many: their number is not for everybody who sees it."""
    files = [
        {
            "id": str(each.id),
            "sha256": each.sha256,
            "bytes": each.bytes,
            "rows": each.rows,
            "storage_key": each.storage_key,
        }
        for each in artifacts
    ]
    return {"files": files}


def _open_deliveries(
    db: Session, artifact: Artifact, rendered: Rendered, sending: Sending, asked: Mapping[str, Any], now: datetime
) -> None:
    fits = message_size(artifact.bytes) <= settings().mail_size_limit_bytes
    ledger.open_rows(
        db,
        artifact=artifact,
        recipients=[
            each for each in rendered.variant.recipients if sending.takes(DestinationKind(each.frozen["kind"]))
        ],
        notice_only=sending.notice_only,
        delivery_config=asked,
        attach=bool(asked.get("attach")) and fits,
        link_reason="" if fits or not asked.get("attach") else TOO_BIG,
        now=now,
    )
