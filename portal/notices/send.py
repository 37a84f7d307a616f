"""The notices that are due are mailed: SENDING is committed before the connection, each message at every try the same.

A notice is no report: where nobody can know whether a mail arrived it is sent once more, under the same Message-ID.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import Session

from portal import failpoints
from portal.delivery.ledger import BACK_OFF, GIVE_UP_AFTER
from portal.extensions import db as database
from portal.models import Notice, NoticeState, User, updated_rows, write_session
from portal.notices.mail import envelope_sender, message_of
from portal.plumbing.logs import log
from portal.plumbing.smtp import MailConnection, Outcome, SmtpResult, Stage
from portal.plumbing.smtp_host import Patience

BATCH = 50
# The sweep has other things to do: one message takes at most `total`, and none is begun after BUDGET_SECONDS.
BRIEF = Patience(connect=3, reply=5, end=10, quit=0.5, total=15)
BUDGET_SECONDS = 10
# Whoever has had a notice in hand for so long is lost.
IN_HAND = timedelta(minutes=5)
SERVER_AWAY = timedelta(minutes=1)
LEFT = "Not sent: this person can no longer sign in."
OPENING = frozenset({Stage.CONNECT, Stage.EHLO, Stage.TLS, Stage.AUTH})
OPEN = (NoticeState.PENDING, NoticeState.SENDING)
# in the very words of the index, which SQLite uses only so
IS_OPEN = sa.text("notices.state IN ('PENDING', 'SENDING')")
logger = log(__name__)


@dataclass(frozen=True)
class _Letter:
    id: uuid.UUID
    attempts: int
    give_up_at: datetime
    address: str
    content: bytes


def send_due(now: datetime) -> int:
    """Mail what is due, for a few seconds at most, and return how many were accepted. Any number may do so at once."""
    sent, until = 0, time.monotonic() + BUDGET_SECONDS
    ids = _due(now)
    if not ids:
        return 0
    with MailConnection(current_app.extensions["mail"], BRIEF) as connection:
        for notice_id in ids:
            if time.monotonic() > until:
                break
            letter = _take(notice_id, now)
            if letter is None:
                continue
            failpoints.reach("notice-taken")
            result = connection.hand_over(
                sender=envelope_sender(),
                recipient=letter.address,
                message=[letter.content],
                size=len(letter.content),
                before_data=lambda: None,
            )
            failpoints.reach("notice-answered")
            _conclude(letter, result, now)
            sent += result.outcome is Outcome.ACCEPTED
            if _server_is_away(result):
                _put_off(now)
                break
    return sent


def _due(now: datetime) -> list[uuid.UUID]:
    statement = (
        sa.select(Notice.id)
        .where(IS_OPEN, Notice.next_attempt_at <= now)
        .order_by(Notice.next_attempt_at, Notice.id)
        .limit(BATCH)
    )
    with Session(database.engine) as session:
        return list(session.scalars(statement))


def _take(notice_id: uuid.UUID, now: datetime) -> _Letter | None:
    """SENDING, committed before the server is spoken to. None: another took it, or it is not to be sent."""
    with write_session() as db:
        notice = db.scalars(
            sa.select(Notice)
            .where(Notice.id == notice_id, Notice.state.in_(OPEN), Notice.next_attempt_at <= now)
            .with_for_update(skip_locked=True)
        ).one_or_none()
        if notice is None:
            return None
        try:
            problem = None if _still_here(db, notice) else LEFT
            content = message_of(notice)
        except ValueError as error:
            problem, content = str(error), b""
        if problem is not None:
            notice.state, notice.reason, notice.next_attempt_at = NoticeState.GIVEN_UP, problem, None
            return None
        if notice.attempts == 0:
            # nobody is given up untried, however long nothing ran
            notice.give_up_at = max(notice.give_up_at, now + GIVE_UP_AFTER)
        notice.state, notice.attempts, notice.next_attempt_at = NoticeState.SENDING, notice.attempts + 1, now + IN_HAND
        return _Letter(notice.id, notice.attempts, notice.give_up_at, notice.address, content)


def _still_here(db: Session, notice: Notice) -> bool:
    if notice.user_id is None:
        return True
    return bool(db.scalar(sa.select(User.active).where(User.id == notice.user_id)))


def _conclude(letter: _Letter, result: SmtpResult, now: datetime) -> None:
    """Only from where this try put it: whoever was thought lost and comes back late changes nothing."""
    values = _after(letter, result, now)
    with write_session() as db:
        changed = updated_rows(
            db,
            sa.update(Notice)
            .where(Notice.id == letter.id, Notice.state == NoticeState.SENDING, Notice.attempts == letter.attempts)
            .values(reason=result.reply.text, **values),
        )
    if changed and values["state"] is NoticeState.GIVEN_UP:
        logger.warning("a notice was given up", notice_id=str(letter.id), reply=result.reply.text)


def _after(letter: _Letter, result: SmtpResult, now: datetime) -> dict[str, object]:
    if result.outcome is Outcome.ACCEPTED:
        return {"state": NoticeState.SENT, "sent_at": now, "next_attempt_at": None}
    if result.outcome is Outcome.REJECTED or now >= letter.give_up_at:
        return {"state": NoticeState.GIVEN_UP, "next_attempt_at": None}
    wait = BACK_OFF[min(letter.attempts, len(BACK_OFF)) - 1]
    return {"state": NoticeState.PENDING, "next_attempt_at": now + wait}


def _server_is_away(result: SmtpResult) -> bool:
    """Not this message, but the server: the others would only wait for it too."""
    return result.outcome is not Outcome.ACCEPTED and (result.stage in OPENING or not result.connection_usable)


def _put_off(now: datetime) -> None:
    """Nothing more is tried for a minute, so that a server that hangs takes little of each sweep."""
    with write_session() as db:
        db.execute(
            sa.update(Notice)
            .where(Notice.state == NoticeState.PENDING, Notice.next_attempt_at <= now)
            .values(next_attempt_at=now + SERVER_AWAY)
        )
