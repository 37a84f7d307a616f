"""Invitations: a person becomes a user of one organization by a link that works once, until it expires."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import audit
from portal.config import settings
from portal.extensions import db
from portal.models import OneTimeToken, Organization, Role, TokenPurpose, User, write_session
from portal.people import passwords, tokens
from portal.people.addresses import parse_address
from portal.plumbing.mail_text import one_line

LONGEST_NAME = 200


class InvitationError(Exception):
    """The invitation cannot be made or used. The text is one sentence that says what to do."""


class UnknownInvitationError(InvitationError):
    """No invitation has this token."""


class AlreadyHereError(InvitationError):
    """The address already belongs to a person of this organization."""


@dataclass(frozen=True)
class Invitation:
    """What the mail says. `link` is None where the address is at home elsewhere: nobody may learn that here."""

    email: str
    organization_name: str
    link: str | None
    expires_at: datetime


@dataclass(frozen=True)
class OpenInvitation:
    """An invitation that can be accepted now."""

    token_id: uuid.UUID
    user: User
    organization: Organization


def invite(
    organization_id: uuid.UUID, email: str, name: str, role: Role, *, now: datetime, actor: audit.Actor
) -> Invitation:
    """Make a user who cannot sign in yet, and the link with which they set their password.

    An address of another organization gets an invitation without a link. Raises AddressError, AlreadyHereError.
    """
    address = parse_address(email)
    shown_name = one_line(name, LONGEST_NAME) or address.partition("@")[0]
    with write_session() as session:
        organization = session.get_one(Organization, organization_id)
        known = session.execute(sa.select(User).where(User.email == address)).scalar_one_or_none()
        if known is not None and known.organization_id == organization_id:
            raise AlreadyHereError(f"{address} already belongs to a person of {organization.name}.")
        token, user_id = None, None
        if known is None:
            user = User(
                organization_id=organization_id, email=address, name=shown_name, role=role, active=True, created_at=now
            )
            session.add(user)
            session.flush()
            user_id = user.id
            token = _new_token(session, user, now)
        audit.record(
            session,
            organization_id=organization_id,
            at=now,
            actor=actor,
            action="user.invited",
            subject=("user", user_id or "unknown"),
            body={"email": address, "name": shown_name, "role": role.value},
        )
    return _invitation(address, organization, token, now)


def invite_again(organization_id: uuid.UUID, user_id: uuid.UUID, *, now: datetime, actor: audit.Actor) -> Invitation:
    """A new link for a person who has not accepted yet; the old one stops working. Raises InvitationError."""
    with write_session() as session:
        organization = session.get_one(Organization, organization_id)
        user = session.execute(
            sa.select(User).where(User.organization_id == organization_id, User.id == user_id).with_for_update()
        ).scalar_one()
        if user.password_hash is not None or not user.active:
            raise InvitationError(f"{user.name} has no open invitation.")
        void_tokens(session, user.id, now)
        token = _new_token(session, user, now)
        audit.record(
            session,
            organization_id=organization_id,
            at=now,
            actor=actor,
            action="user.invited_again",
            subject=("user", user.id),
            body={"email": user.email},
        )
    return _invitation(user.email, organization, token, now)


def open_invitation(token: str, now: datetime) -> OpenInvitation:
    """Whom the token invites. Raises UnknownInvitationError, or InvitationError where it was used or has expired."""
    if not tokens.looks_right(token):
        raise UnknownInvitationError("This invitation link is not valid; ask for a new one.")
    found = db.session.execute(
        sa.select(OneTimeToken, User, Organization)
        .join(User, User.id == OneTimeToken.user_id)
        .join(Organization, Organization.id == OneTimeToken.organization_id)
        .where(OneTimeToken.token_hash == tokens.hash_of(token), OneTimeToken.purpose == TokenPurpose.INVITATION)
    ).one_or_none()
    if found is None:
        raise UnknownInvitationError("This invitation link is not valid; ask for a new one.")
    row, user, organization = found
    if row.used_at is not None or user.password_hash is not None:
        raise InvitationError(
            "This invitation has been used or replaced by a newer one; sign in, or ask for a new one."
        )
    if row.expires_at <= now or not user.active:
        raise InvitationError("This invitation has expired; ask for a new one.")
    return OpenInvitation(row.id, user, organization)


def accept(token: str, *, name: str, password: str, now: datetime) -> User:
    """Set the person's name and password, once. Raises InvitationError; also where another took the same token first.

    The password was checked by `passwords.problem_with`.
    """
    invitation = open_invitation(token, now)
    password_hash = passwords.hash_of(password)  # slow on purpose, so before the transaction
    with write_session() as session:
        taken = session.execute(
            sa.update(OneTimeToken)
            .where(OneTimeToken.id == invitation.token_id, OneTimeToken.used_at.is_(None))
            .values(used_at=now)
            .returning(OneTimeToken.id)
        ).scalar_one_or_none()
        if taken is None:
            raise InvitationError("This invitation has just been used; sign in, or ask for a new one.")
        user = session.get_one(User, invitation.user.id)
        user.name = one_line(name, LONGEST_NAME)
        user.password_hash = password_hash
        audit.record(
            session,
            organization_id=user.organization_id,
            at=now,
            actor=audit.user_actor(user.id, user.email),
            action="invitation.accepted",
            subject=("user", user.id),
            body={"name": user.name},
        )
    return user


def void_tokens(session: Session, user_id: uuid.UUID, now: datetime) -> None:
    """Within the caller's transaction: no link mailed to this person before works any more."""
    session.execute(
        sa.update(OneTimeToken)
        .where(OneTimeToken.user_id == user_id, OneTimeToken.used_at.is_(None))
        .values(used_at=now)
    )


def _new_token(session: Session, user: User, now: datetime) -> str:
    token = tokens.new_token()
    session.add(
        OneTimeToken(
            organization_id=user.organization_id,
            user_id=user.id,
            purpose=TokenPurpose.INVITATION,
            token_hash=tokens.hash_of(token),
            created_at=now,
            expires_at=now + timedelta(days=settings().invitation_days),
        )
    )
    return token


def _invitation(email: str, organization: Organization, token: str | None, now: datetime) -> Invitation:
    link = f"{settings().public_url.rstrip('/')}/invitation/{token}" if token else None
    return Invitation(email, organization.name, link, now + timedelta(days=settings().invitation_days))
