"""A notice is written down in the transaction that gives the cause: both happen, or neither."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from portal.delivery.ledger import GIVE_UP_AFTER
from portal.models import Notice, NoticeState, insert_into
from portal.notices.people import Recipient
from portal.plumbing.mail_text import one_line

LONGEST_KEY = 250


def post(
    db: Session,
    *,
    organization_id: uuid.UUID,
    key: str,
    kind: str,
    to: Iterable[Recipient],
    subject: str,
    text: str,
    now: datetime,
) -> None:
    """One notice for each (user id, address), sent by the next sweep.

    `key` names what is said, in at most 250 characters: whoever has been told under it is not told again. `text` is
    paragraphs divided by empty lines; what people typed stands in it as single harmless lines (`one_line`).
    """
    if len(key) > LONGEST_KEY:
        raise ValueError("the key of a notice is too long")
    rows = [
        {
            "id": uuid.uuid4(),
            "organization_id": organization_id,
            "key": f"{key}>{user_id}",
            "kind": kind,
            "user_id": user_id,
            "address": address,
            "subject": one_line(subject, 200),
            "text": text,
            "state": NoticeState.PENDING,
            "attempts": 0,
            "next_attempt_at": now,
            "give_up_at": now + GIVE_UP_AFTER,
            "message_id": f"<{uuid.uuid4().hex}@duepost.notice>",
            "reason": "",
            "created_at": now,
        }
        for user_id, address in to
    ]
    if rows:
        db.execute(insert_into(db, Notice).on_conflict_do_nothing(index_elements=[Notice.key]), rows)
