"""Signing in and out. A sign-in is a row with the hash of a random token, so that it can be revoked at any moment."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import audit
from portal.config import settings
from portal.extensions import db
from portal.models import Organization, SignInSession, User, write_session
from portal.people import passwords, tokens
from portal.people.addresses import AddressError, parse_address
from portal.plumbing.mail_text import one_line


@dataclass(frozen=True)
class SignedIn:
    """Whose token it is."""

    session_id: uuid.UUID
    user: User
    organization: Organization


def sign_in(email: str, password: str, *, address: str, user_agent: str, now: datetime) -> str | None:
    """The new session's token, or None where address and password do not fit together.

    Takes as long and writes as much for an unknown address, a person without a password and a wrong password.
    """
    user = _user_of(email)
    right = passwords.fits(password, user.password_hash if user is not None and user.active else None)
    if user is None or not right:
        _note_failure(user, address, now)
        return None
    renewed = passwords.hash_of(password) if passwords.outdated(user.password_hash or "") else None
    return begin_session(user, address=address, user_agent=user_agent, now=now, renewed_hash=renewed)


def begin_session(user: User, *, address: str, user_agent: str, now: datetime, renewed_hash: str | None = None) -> str:
    """The token of a new session for a person who has just proven who they are."""
    token = tokens.new_token()
    with write_session() as session:
        session.add(
            SignInSession(
                organization_id=user.organization_id,
                user_id=user.id,
                token_hash=tokens.hash_of(token),
                created_at=now,
                expires_at=now + timedelta(hours=settings().session_hours),
                address=address[:64],
                user_agent=one_line(user_agent, 300),
            )
        )
        if renewed_hash is not None:
            session.execute(sa.update(User).where(User.id == user.id).values(password_hash=renewed_hash))
        audit.record(
            session,
            organization_id=user.organization_id,
            at=now,
            actor=audit.user_actor(user.id, user.email),
            action="user.signed_in",
            subject=("user", user.id),
            body={"address": address},
        )
    return token


def user_of_token(token: str, now: datetime) -> SignedIn | None:
    """Whose live session this is; None for one that is unknown, revoked, expired, or of a deactivated person."""
    if not tokens.looks_right(token):
        return None
    found = db.session.execute(
        sa.select(SignInSession, User, Organization)
        .join(User, User.id == SignInSession.user_id)
        .join(Organization, Organization.id == SignInSession.organization_id)
        .where(
            SignInSession.token_hash == tokens.hash_of(token),
            SignInSession.revoked_at.is_(None),
            SignInSession.expires_at > now,
            User.active.is_(True),
        )
    ).one_or_none()
    return SignedIn(found[0].id, found[1], found[2]) if found else None


def sign_out(session_id: uuid.UUID, *, now: datetime, actor: audit.Actor) -> None:
    """End one sign-in; a second time changes nothing."""
    with write_session() as session:
        organization_id = session.execute(
            sa.update(SignInSession)
            .where(SignInSession.id == session_id, SignInSession.revoked_at.is_(None))
            .values(revoked_at=now)
            .returning(SignInSession.organization_id)
        ).scalar_one_or_none()
        if organization_id is None:
            return
        audit.record(
            session,
            organization_id=organization_id,
            at=now,
            actor=actor,
            action="user.signed_out",
            subject=("sign_in_session", session_id),
        )


def sign_out_everywhere(organization_id: uuid.UUID, user_id: uuid.UUID, *, now: datetime, actor: audit.Actor) -> int:
    """End every sign-in of a person. Returns how many there were."""
    with write_session() as session:
        ended = revoke_sessions(session, user_id, now)
        audit.record(
            session,
            organization_id=organization_id,
            at=now,
            actor=actor,
            action="user.signed_out_everywhere",
            subject=("user", user_id),
            body={"sessions": ended},
        )
    return ended


def revoke_sessions(session: Session, user_id: uuid.UUID, now: datetime) -> int:
    """Within the caller's transaction: end a person's live sessions; how many there were."""
    ended = session.execute(
        sa.update(SignInSession)
        .where(SignInSession.user_id == user_id, SignInSession.revoked_at.is_(None), SignInSession.expires_at > now)
        .values(revoked_at=now)
        .returning(SignInSession.id)
    )
    return len(ended.all())


def _user_of(email: str) -> User | None:
    try:
        known_as = parse_address(email)
    except AddressError:
        return None
    return db.session.execute(sa.select(User).where(User.email == known_as)).scalar_one_or_none()


def _note_failure(user: User | None, address: str, now: datetime) -> None:
    """What was typed as an address is not written down where it is nobody's: it may be a password."""
    with write_session() as session:
        audit.record(
            session,
            organization_id=user.organization_id if user else None,
            at=now,
            actor=audit.system,
            action="sign_in.failed",
            subject=("user", user.id if user else "unknown"),
            body={"address": address},
        )
