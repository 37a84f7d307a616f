"""Download links: signed, each for one recipient, expiring, revocable, counted, and every use written down."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy.orm import Session

from portal import audit
from portal.cases.kept_from import Person
from portal.config import settings
from portal.delivery.held_cases import not_for
from portal.models import (
    Artifact,
    Delivery,
    Destination,
    DownloadLink,
    LinkUse,
    Organization,
    Run,
    Schedule,
    updated_rows,
    write_session,
)
from portal.moments import last_import_in_words
from portal.plumbing.mail_text import one_line
from portal.zones import zone


class LinkState(StrEnum):
    """What a link is good for at a moment."""

    GOOD = "GOOD"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"
    USED_UP = "USED_UP"
    FILE_GONE = "FILE_GONE"
    REMOVED = "REMOVED"


@dataclass(frozen=True)
class LinkedFile:
    """What a recipient sees before the download, and what the download needs."""

    link_id: uuid.UUID
    artifact_id: uuid.UUID
    organization_id: uuid.UUID
    organization: str
    schedule: str
    file_name: str
    media_type: str
    bytes: int
    sha256: str
    storage_key: str
    recipient: str
    expires_at: datetime
    last_import: str
    zone: str
    sign_in_required: bool
    state: LinkState


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(settings().secret_key, salt="duepost download link")


def link_token(link_id: uuid.UUID) -> str:
    """Always the same for a link, so that a mail sent again holds the same bytes."""
    return str(_signer().dumps(link_id.hex))


def link_url(link_id: uuid.UUID) -> str:
    return f"{settings().public_url.rstrip('/')}/d/{link_token(link_id)}"


def read_token(token: str) -> uuid.UUID | None:
    """The link's id; None for anything that this installation did not sign for this purpose."""
    if len(token) > 200:
        return None
    try:
        return uuid.UUID(hex=_signer().loads(token))
    except (BadSignature, ValueError, TypeError, AttributeError):
        return None


def linked_file(db: Session, link_id: uuid.UUID, now: datetime) -> LinkedFile | None:
    """The file behind the link and the link's state at `now`."""
    of_schedule = sa.exists().where(Destination.schedule_id == Run.schedule_id, Destination.target == Delivery.target)
    as_backup = sa.exists().where(Schedule.id == Run.schedule_id, Schedule.backup_address == Delivery.target)
    still_a_recipient = sa.case((Delivery.backup, as_backup), else_=of_schedule)
    row = db.execute(
        sa.select(
            DownloadLink,
            Artifact,
            Delivery.target,
            Delivery.user_id,
            Delivery.name.label("recipient_name"),
            Organization.name,
            Run.configuration,
            Run.register_as_of,
            still_a_recipient,
        )
        .join(Artifact, Artifact.id == DownloadLink.artifact_id)
        .join(Delivery, Delivery.id == DownloadLink.delivery_id)
        .join(Run, Run.id == Artifact.run_id)
        .join(Organization, Organization.id == DownloadLink.organization_id)
        .where(DownloadLink.id == link_id)
    ).one_or_none()
    if row is None:
        return None
    link, artifact, recipient, user_id, name, organization, configuration, register_as_of, is_recipient = row
    return LinkedFile(
        link_id=link.id,
        artifact_id=artifact.id,
        organization_id=link.organization_id,
        organization=organization,
        schedule=configuration["schedule"]["name"],
        file_name=artifact.file_name,
        media_type=artifact.media_type,
        bytes=artifact.bytes,
        sha256=artifact.sha256,
        storage_key=artifact.storage_key,
        recipient=recipient,
        expires_at=link.expires_at,
        last_import=last_import_in_words(register_as_of, zone(configuration["schedule"]["timezone"])),
        zone=configuration["schedule"]["timezone"],
        sign_in_required=link.sign_in_required,
        state=_state(
            link,
            artifact,
            is_recipient=is_recipient,
            for_them=not not_for(db, artifact, Person(recipient, user_id, name)),
            now=now,
        ),
    )


def _state(link: DownloadLink, artifact: Artifact, *, is_recipient: bool, for_them: bool, now: datetime) -> LinkState:
    if link.revoked_at is not None or not for_them:
        return LinkState.REVOKED
    if not is_recipient:
        return LinkState.REMOVED
    if link.expires_at <= now:
        return LinkState.EXPIRED
    if link.max_downloads is not None and link.downloads >= link.max_downloads:
        return LinkState.USED_UP
    return LinkState.GOOD if artifact.deleted_at is None else LinkState.FILE_GONE


def use_link(link_id: uuid.UUID, *, address: str, user_agent: str, now: datetime) -> LinkedFile | None:
    """Count one download and write down who did it; the file's `state` says whether it may be served.

    The count goes up by one conditional update, so that two at once cannot both be the last one allowed.
    """
    with write_session() as db:
        file = linked_file(db, link_id, now)
        if file is None:
            return None
        state = file.state
        if state is LinkState.GOOD:
            allowed = sa.or_(DownloadLink.max_downloads.is_(None), DownloadLink.downloads < DownloadLink.max_downloads)
            counted = updated_rows(
                db,
                sa.update(DownloadLink)
                .where(DownloadLink.id == link_id, DownloadLink.revoked_at.is_(None), DownloadLink.expires_at > now)
                .where(allowed)
                .values(downloads=DownloadLink.downloads + 1),
            )
            state = LinkState.GOOD if counted == 1 else LinkState.USED_UP
        db.add(
            LinkUse(
                id=uuid.uuid4(),
                organization_id=file.organization_id,
                link_id=link_id,
                at=now,
                address=address[:64],
                user_agent=one_line(user_agent, 300),
                outcome=state.value,
            )
        )
        audit.record(
            db,
            organization_id=file.organization_id,
            at=now,
            actor=audit.recipient(file.recipient),
            action="link.downloaded" if state is LinkState.GOOD else "link.refused",
            subject=("link", link_id),
            body={"file": file.file_name, "sha256": file.sha256, "address": address[:64], "state": state.value},
        )
        return LinkedFile(**{**vars(file), "state": state})


def revoke_link(organization_id: uuid.UUID, delivery_id: uuid.UUID, *, actor: audit.Actor, now: datetime) -> bool:
    """Make the recipient's link useless from now on; False where there is none that still works."""
    with write_session() as db:
        link_id = db.scalar(
            sa.update(DownloadLink)
            .where(
                DownloadLink.organization_id == organization_id,
                DownloadLink.delivery_id == delivery_id,
                DownloadLink.revoked_at.is_(None),
            )
            .values(revoked_at=now)
            .returning(DownloadLink.id)
            .execution_options(synchronize_session=False)
        )
        if link_id is None:
            return False
        audit.record(
            db,
            organization_id=organization_id,
            at=now,
            actor=actor,
            action="link.revoked",
            subject=("delivery", delivery_id),
            body={"link": str(link_id)},
        )
        return True
