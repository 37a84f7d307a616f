"""What happens to a person afterwards: another role, leaving, coming back, their own name and time zone."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import audit
from portal.extensions import db
from portal.models import Role, User, write_session
from portal.people.invitations import LONGEST_NAME, void_tokens
from portal.people.sign_in import revoke_sessions
from portal.plumbing.mail_text import one_line


class PeopleError(Exception):
    """The change is not possible. The text is one sentence that says what to do."""


def people_of(organization_id: uuid.UUID) -> list[User]:
    """All people of the organization, those who can sign in first, by name."""
    rows = db.session.execute(
        sa.select(User).where(User.organization_id == organization_id).order_by(User.active.desc(), User.name, User.id)
    )
    return list(rows.scalars())


def change_role(
    organization_id: uuid.UUID, user_id: uuid.UUID, role: Role, *, now: datetime, actor: audit.Actor
) -> None:
    """Give a person another role. Raises PeopleError for the last admin."""
    with write_session() as session:
        user = _held(session, organization_id, user_id)
        if user.role is role:
            return
        if user.role is Role.ADMIN:
            _keep_one_admin(session, user)
        before, user.role = user.role, role
        _record(session, user, now, actor, "user.role_changed", {"before": before.value, "after": role.value})


def deactivate(organization_id: uuid.UUID, user_id: uuid.UUID, *, now: datetime, actor: audit.Actor) -> None:
    """End a person's access, sign-ins and open invitations too. Raises PeopleError for oneself or the last admin."""
    with write_session() as session:
        user = _held(session, organization_id, user_id)
        if actor.id == user.id:
            raise PeopleError("You cannot deactivate yourself; ask another admin.")
        if not user.active:
            return
        if user.role is Role.ADMIN:
            _keep_one_admin(session, user)
        user.active = False
        ended = revoke_sessions(session, user.id, now)
        void_tokens(session, user.id, now)
        _record(session, user, now, actor, "user.deactivated", {"sessions_ended": ended})


def reactivate(organization_id: uuid.UUID, user_id: uuid.UUID, *, now: datetime, actor: audit.Actor) -> None:
    """Let a person in again, with the role and password they had."""
    with write_session() as session:
        user = _held(session, organization_id, user_id)
        if user.active:
            return
        user.active = True
        _record(session, user, now, actor, "user.reactivated", {})


def change_own_account(
    organization_id: uuid.UUID, user_id: uuid.UUID, *, name: str, timezone: str | None, now: datetime
) -> None:
    """Set one's own name and time zone (an IANA name; None: the organization's)."""
    with write_session() as session:
        user = _held(session, organization_id, user_id)
        before = {"name": user.name, "timezone": user.timezone}
        user.name, user.timezone = one_line(name, LONGEST_NAME), timezone
        after = {"name": user.name, "timezone": user.timezone}
        if before != after:
            actor = audit.user_actor(user.id, user.email)
            _record(session, user, now, actor, "user.account_changed", {"before": before, "after": after})


def _held(session: Session, organization_id: uuid.UUID, user_id: uuid.UUID) -> User:
    return session.execute(
        sa.select(User).where(User.organization_id == organization_id, User.id == user_id).with_for_update()
    ).scalar_one()


def _keep_one_admin(session: Session, leaving: User) -> None:
    """The rows are locked in one order, so that two admins who demote each other at once do not both succeed."""
    admins = session.execute(
        sa.select(User.id)
        .where(
            User.organization_id == leaving.organization_id,
            User.role == Role.ADMIN,
            User.active.is_(True),
            User.password_hash.is_not(None),
        )
        .order_by(User.id)
        .with_for_update()
    ).scalars()
    if not any(admin != leaving.id for admin in admins):
        raise PeopleError(f"{leaving.name} is the last admin; make someone else an admin first.")


def _record(
    session: Session, user: User, now: datetime, actor: audit.Actor, action: str, body: dict[str, object]
) -> None:
    audit.record(
        session,
        organization_id=user.organization_id,
        at=now,
        actor=actor,
        action=action,
        subject=("user", user.id),
        body=body,
    )
