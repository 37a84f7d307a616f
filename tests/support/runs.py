"""Runs as they stand at any point of their life, with files, recipients and links, written straight into the tables."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from portal.config import settings
from portal.models import (
    Artifact,
    Delivery,
    DeliveryAttempt,
    DeliveryState,
    DestinationKind,
    DownloadLink,
    Run,
    RunKind,
    RunState,
    UnknownPolicy,
    write_session,
)
from portal.plumbing import storage

MONDAY = datetime(2026, 11, 2, 13, 0, tzinfo=UTC)
"""Monday 2 November 2026, 08:00 in New York."""
CONTENT = b"case_number,status\r\nC-00001,OPEN\r\n"
OVER = {RunState.SUCCEEDED, RunState.PARTIAL, RunState.FAILED, RunState.SKIPPED, RunState.MISSED, RunState.CANCELLED}
REPLIES = {
    DeliveryState.ACCEPTED: (250, "2.0.0 queued as 4Q7f1x", "The mail server accepted the message."),
    DeliveryState.REJECTED: (550, "5.1.1 No such mailbox here", "The mail server refused it."),
    DeliveryState.PENDING: (451, "4.7.1 Greylisted, come back later", "Not taken for now; it is tried again."),
    DeliveryState.UNKNOWN: (None, "", "The connection broke after the message was begun; it may have arrived."),
}


@dataclass(frozen=True)
class Made:
    """The ids of a run and what hangs on it; deliveries and links by target."""

    run: uuid.UUID
    artifact: uuid.UUID | None
    deliveries: Mapping[str, uuid.UUID]
    links: Mapping[str, uuid.UUID]


def configuration(name: str = "Open cases", **given: Any) -> dict[str, Any]:
    return {
        "schedule": {
            "id": str(uuid.uuid4()),
            "name": name,
            "description": "",
            "revision": 3,
            "rule": {"freq": "weekly", "weekdays": [1], "time": "08:00"},
            "in_words": "Every Monday at 08:00, New York time",
            "timezone": "America/New_York",
            "owner": None,
        },
        "local_day": "2026-11-02",
        "period": "previous_week",
        "period_in_words": "26 October 2026 to 1 November 2026, New York time",
        "filters_in_words": "Open cases, high and critical",
        "export": {"export_type": "FLAT_FILE", "format": "CSV"},
        "delivery": {"attach": True, "link": True},
        "no_rows": "SEND_EMPTY",
        "destinations": [],
        **given,
    }


def make_run_row(
    organization_id: uuid.UUID,
    schedule_id: uuid.UUID,
    state: RunState = RunState.SUCCEEDED,
    *,
    name: str = "Open cases",
    to: Mapping[str, DeliveryState] | None = None,
    folders: Mapping[str, DeliveryState] | None = None,
    content: bytes | None = CONTENT,
    link: Mapping[str, Any] | None = None,
    planned_for: datetime = MONDAY,
    configured: Mapping[str, Any] | None = None,
    **columns: Any,
) -> Made:
    """A run in that state. With `to` or `folders` it has an artifact of `content`, kept in the storage.

    `link`: columns of each recipient's download link; None: no links. Further `columns` are the run's.
    """
    run_id = uuid.uuid4()
    targets = [(DestinationKind.EMAIL, *pair) for pair in (to or {}).items()]
    targets += [(DestinationKind.FOLDER, *pair) for pair in (folders or {}).items()]
    destinations = [
        {"kind": kind.value, "target": target, "name": "", "user_id": None, "variant": "all"}
        for kind, target, _ in targets
    ]
    values = {
        "id": run_id,
        "organization_id": organization_id,
        "schedule_id": schedule_id,
        "occurrence_key": f"s:{schedule_id}:{planned_for.isoformat()}:{run_id}",
        "kind": RunKind.PLANNED,
        "planned_for": planned_for,
        "configuration": configuration(name, **{"destinations": destinations, **(configured or {})}),
        "state": state,
        "queued_at": planned_for,
        "started_at": planned_for + timedelta(seconds=6) if state not in _NEVER_STARTED else None,
        "finished_at": planned_for + timedelta(seconds=14) if state in OVER else None,
        "attempt": 1,
        "software_version": "0.1.0",
        "rows_written": 1 if targets else 0,
        **columns,
    }
    with write_session() as db:
        db.add(Run(**values))
        db.flush()
        artifact = _artifact(values, content) if targets and content is not None else None
        if artifact is None:
            return Made(run_id, None, {}, {})
        db.add(artifact)
        db.flush()
        deliveries = [_delivery(artifact, position, *each) for position, each in enumerate(targets)]
        db.add_all(deliveries)
        db.flush()
        db.add_all(_attempt(each) for each in deliveries if each.attempts)
        links = [_link(artifact, each, link) for each in deliveries if link is not None and each.message_id]
        db.add_all(links)
        return Made(
            run_id,
            artifact.id,
            {each.target: each.id for each in deliveries},
            {
                target: each.id
                for target, each in zip([d.target for d in deliveries if d.message_id], links, strict=False)
            },
        )


_NEVER_STARTED = {RunState.QUEUED, RunState.MISSED, RunState.SKIPPED}


def stored_path(artifact_id: uuid.UUID | None) -> Path:
    """Where the artifact's bytes lie, to be damaged by a test."""
    assert artifact_id is not None, "the run has no file"
    with write_session() as db:
        key = db.get_one(Artifact, artifact_id).storage_key
    return settings().var_folder / "files" / key


def _artifact(run: Mapping[str, Any], content: bytes) -> Artifact:
    key = f"{run['organization_id']}/{run['id']}/1-all.csv"
    file = settings().var_folder / f"{run['id']}.tmp"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    storage.put_new(storage.artifact_store(), key, file)
    file.unlink()
    made_at = run["planned_for"] + timedelta(seconds=10)
    return Artifact(
        id=uuid.uuid4(),
        organization_id=run["organization_id"],
        run_id=run["id"],
        variant="all",
        file_name="Open-cases-2026-11-02.csv",
        media_type="text/csv",
        storage_key=key,
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        rows=1,
        columns=2,
        cells_changed=0,
        notes=[],
        created_at=made_at,
        expires_at=made_at + timedelta(days=90),
    )


def _delivery(artifact: Artifact, position: int, kind: DestinationKind, target: str, state: DeliveryState) -> Delivery:
    code, text, reason = REPLIES.get(state, (None, None, ""))
    mail = kind is DestinationKind.EMAIL
    tried = artifact.created_at + timedelta(seconds=position)
    return Delivery(
        id=uuid.uuid4(),
        organization_id=artifact.organization_id,
        run_id=artifact.run_id,
        artifact_id=artifact.id,
        destination=f"{kind.value.lower()}:{target}",
        kind=kind,
        target=target,
        name="",
        position=position,
        state=state,
        reason=reason,
        attempts=1,
        next_attempt_at=tried + timedelta(minutes=1) if state is DeliveryState.PENDING else None,
        give_up_at=tried + timedelta(days=1),
        unknown_policy=UnknownPolicy.HOLD,
        message_id=f"<{uuid.uuid4()}@localhost>" if mail else None,
        with_attachment=mail,
        smtp_code=code if mail else None,
        smtp_text=text if mail else None,
        created_at=artifact.created_at,
        last_attempt_at=tried,
        accepted_at=tried if state is DeliveryState.ACCEPTED else None,
    )


def _attempt(delivery: Delivery) -> DeliveryAttempt:
    return DeliveryAttempt(
        id=uuid.uuid4(),
        organization_id=delivery.organization_id,
        delivery_id=delivery.id,
        number=delivery.attempts,
        ended_at=delivery.last_attempt_at,
        state=delivery.state,
        smtp_code=delivery.smtp_code,
        smtp_text=delivery.smtp_text,
        worker="host:1:abcd",
    )


def _link(artifact: Artifact, delivery: Delivery, given: Mapping[str, Any]) -> DownloadLink:
    return DownloadLink(
        **{
            "id": uuid.uuid4(),
            "organization_id": artifact.organization_id,
            "delivery_id": delivery.id,
            "artifact_id": artifact.id,
            "created_at": artifact.created_at,
            "expires_at": artifact.created_at + timedelta(days=14),
            **given,
        }
    )


def targets(*addresses: str, state: DeliveryState = DeliveryState.ACCEPTED) -> dict[str, DeliveryState]:
    return dict.fromkeys(addresses, state)


__all__: Sequence[str] = ["CONTENT", "MONDAY", "Made", "configuration", "make_run_row", "stored_path", "targets"]
