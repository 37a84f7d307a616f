"""Delivery by mail: one message to one recipient, the ledger committed right before DATA."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from types import TracebackType
from typing import Self

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import clock, failpoints
from portal.config import settings
from portal.delivery import ledger
from portal.delivery.ledger import InHand, Result
from portal.delivery.links import link_url
from portal.delivery.mail_message import (
    EncodedAttachment,
    MailFacts,
    build_message,
    message_size,
    nothing_subject_line,
    subject_line,
)
from portal.delivery.stored_file import StoredFile, checked_copy, parts_of
from portal.leases import Lease
from portal.models import Artifact, Delivery, DeliveryState, DownloadLink, Organization, Run
from portal.moments import changes_in_words, last_import_in_words, moment_in_words
from portal.plumbing import storage
from portal.plumbing.mail_text import UnusableAddressError
from portal.plumbing.smtp import NoConnectionError, Outcome, SmtpResult, connect_to_mail_server
from portal.zones import zone, zone_words

NOTHING = "There is nothing to report: nothing in the register fits this report at present."
NOTHING_CHANGED = "There is nothing to report: no case that fits is new or has changed since the last time."
TOO_BIG = "The file is too big for mail, so a link to it is sent instead."
_STATES = {
    Outcome.ACCEPTED: DeliveryState.ACCEPTED,
    Outcome.TEMPORARY: DeliveryState.PENDING,
    Outcome.REJECTED: DeliveryState.REJECTED,
    Outcome.UNKNOWN: DeliveryState.UNKNOWN,
}
_REASONS = {
    Outcome.ACCEPTED: "The mail server accepted the message.",
    Outcome.TEMPORARY: "Not taken for now; it is tried again.",
    Outcome.REJECTED: "The mail server refused it.",
    Outcome.UNKNOWN: "The connection broke after the message was begun; it may have arrived.",
}


@dataclass(frozen=True)
class _Letter:
    """What one mail says, and the file it may carry; a notice has none."""

    facts: MailFacts
    attach: bool
    file: StoredFile
    media_type: str
    zone_name: str


class Mailer:
    """One connection and one encoded file, used for the recipients of a run one after the other."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._connection = connect_to_mail_server()
        self._attachments: dict[str, EncodedAttachment] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._connection.close()
        for attachment in self._attachments.values():
            attachment.close()

    def send(self, db: Session, delivery: InHand) -> Result:
        """Hand the message over; `db` reads what it says and is left before the server is spoken to.

        Raises LeaseLost where the lease was lost before DATA: then nothing was sent.
        """
        with db:
            letter = _letter(db, delivery)
        try:
            self._connection.open()
            failpoints.reach("connected")
            letter = self._fitted(letter, delivery)
            attachment = self._attachment(letter) if letter.attach else None
            message = build_message(letter.facts, attachment)
        except NoConnectionError as failed:
            return _result(failed.result)
        except UnusableAddressError as error:
            return Result(DeliveryState.REJECTED, str(error))
        except storage.StorageError as error:
            return Result(DeliveryState.REJECTED if error.permanent else DeliveryState.PENDING, str(error))
        answer = self._connection.hand_over(
            sender=message.envelope_sender,
            recipient=message.envelope_recipient,
            message=message.chunks(),
            size=message.size,
            before_data=lambda: self._point_of_no_return(delivery),
        )
        return _result(answer)

    def _point_of_no_return(self, delivery: InHand) -> None:
        failpoints.reach("before-data-mark")
        ledger.mark_data(self._lease, delivery, clock.now())
        failpoints.reach("after-data-mark")

    def _fitted(self, letter: _Letter, delivery: InHand) -> _Letter:
        """The same letter, or the one with a link where this server says that it takes nothing so large."""
        limit = self._connection.size_limit
        if not letter.attach or limit is None or message_size(letter.facts.file_size) <= limit:
            return letter
        link_id, expires_at = ledger.switch_to_link(self._lease, delivery, TOO_BIG, clock.now())
        url, expiry = _link_words(link_id, expires_at, letter.zone_name)
        facts = replace(letter.facts, why_link=TOO_BIG, link_url=url, link_expiry=expiry)
        return replace(letter, facts=facts, attach=False)

    def _attachment(self, letter: _Letter) -> EncodedAttachment:
        found = self._attachments.get(letter.file.storage_key)
        if found is None:
            with checked_copy(letter.file) as copy:
                found = EncodedAttachment.from_chunks(parts_of(copy), letter.media_type)
            self._attachments[letter.file.storage_key] = found
        return found


def _letter(db: Session, delivery: InHand) -> _Letter:
    row = db.get_one(Delivery, delivery.id)
    artifact = db.get_one(Artifact, delivery.artifact_id)
    run = db.get_one(Run, delivery.run_id)
    organization = db.get_one(Organization, delivery.organization_id)
    link = db.scalars(sa.select(DownloadLink).where(DownloadLink.delivery_id == delivery.id)).one_or_none()
    schedule = run.configuration["schedule"]
    place = zone(schedule["timezone"])
    url, expiry = _link_words(link.id, link.expires_at, place.key) if link else (None, None)
    period = run.configuration["period_in_words"]
    changes = None
    if run.configuration["export"].get("only_changes"):
        changes = changes_in_words(run.changes_from, place)
    facts = MailFacts(
        sender=settings().mail_default_sender,
        recipient=delivery.target,
        subject=subject_line(schedule["name"], period),
        message_id=delivery.message_id or "",
        date=delivery.created_at,
        report_name=schedule["name"],
        organization=organization.name,
        period=period,
        planned_for=f"{moment_in_words(run.planned_for, place)} ({zone_words(place.key)})",
        last_import=last_import_in_words(run.register_as_of, place),
        rows=artifact.rows,
        file_name=artifact.file_name,
        file_size=artifact.bytes,
        sha256=artifact.sha256,
        run_reference=str(run.id),
        why_link=row.link_reason or None,
        remark=" ".join(artifact.notes) or None,
        link_url=url,
        link_expiry=expiry,
        changes=changes,
    )
    if row.notice_only:
        facts = _notice(facts, run, artifact, row.destination)
    return _Letter(facts, row.with_attachment, StoredFile.of(artifact), artifact.media_type, place.key)


def _notice(facts: MailFacts, run: Run, artifact: Artifact, destination: str) -> MailFacts:
    """The same mail as a notice that there is nothing to report."""
    filters: str = run.configuration["filters_in_words"]
    own = [
        each.get("own_filters_in_words", "")
        for each in run.configuration["destinations"]
        if ledger.name_of(each) == destination
    ]
    return replace(
        facts,
        subject=nothing_subject_line(facts.report_name, facts.period),
        nothing=NOTHING_CHANGED if facts.changes else NOTHING,
        remark=None,
        # what a masked file does not tell, a mail about it does not either
        filters="; and ".join(filter(None, [filters, *own])) if artifact.masking == "NONE" else None,
    )


def _link_words(link_id: uuid.UUID, expires_at: datetime, zone_name: str) -> tuple[str, str]:
    """(address, until when)."""
    return link_url(link_id), f"until {moment_in_words(expires_at, zone(zone_name))}"


def _result(answer: SmtpResult) -> Result:
    return Result(
        _STATES[answer.outcome],
        _REASONS[answer.outcome] if answer.reply.code is not None else answer.reply.text or _REASONS[answer.outcome],
        smtp_code=answer.reply.code,
        smtp_text=answer.reply.text,
        smtp_stage=answer.reply.stage.value,
    )
