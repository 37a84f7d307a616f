"""The mail that carries an invitation. Best effort: whoever invites is told when it could not be handed over."""

from __future__ import annotations

import uuid
from datetime import UTC
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from flask import current_app

from portal import clock, deadline
from portal.config import settings
from portal.moments import moment_in_words
from portal.people.invitations import Invitation
from portal.plumbing.logs import log
from portal.plumbing.mail_text import one_line
from portal.plumbing.smtp import MailConnection, Outcome
from portal.plumbing.smtp_host import Patience

logger = log(__name__)
# a page waits for this: half for the connection, half for the message
BRIEF_SECONDS = 2


def mail_invitation(invitation: Invitation) -> bool:
    """Whether the mail server took it, within two seconds or what is left of the page's time."""
    half = deadline.left(BRIEF_SECONDS) / 2
    brief = Patience(connect=half, reply=half, end=half, quit=0.1, total=half)
    message = _message(invitation)
    content = message.as_bytes()
    with MailConnection(current_app.extensions["mail"], brief) as connection:
        result = connection.hand_over(
            sender=parseaddr(settings().mail_default_sender)[1],
            recipient=invitation.email,
            message=[content],
            size=len(content),
            before_data=lambda: None,
        )
    if result.outcome is not Outcome.ACCEPTED:
        logger.warning("invitation not mailed", outcome=result.outcome.value, reply=result.reply.text)
    return result.outcome is Outcome.ACCEPTED


def _message(invitation: Invitation) -> EmailMessage:
    message = EmailMessage()
    organization = one_line(invitation.organization_name, 200)
    message["From"] = settings().mail_default_sender
    message["To"] = invitation.email
    message["Subject"] = f"Invitation to Duepost from {organization}"
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = f"<{uuid.uuid4().hex}@duepost.invitation>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_text(invitation, organization))
    return message


def _text(invitation: Invitation, organization: str) -> str:
    if invitation.link is None:
        return (
            f"{organization} invited you to Duepost, but this address already has an account there.\n"
            "An address can belong to one organization only. If you need access to both, give them another address.\n"
        )
    return (
        f"{organization} invites you to Duepost, where exports of its case register are scheduled and delivered.\n\n"
        f"Choose your password here:\n\n    {invitation.link}\n\n"
        f"The link works once, until {moment_in_words(invitation.expires_at, UTC)}.\n"
        "If you did not expect this, you need not do anything.\n"
    )
