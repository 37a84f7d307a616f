"""The list of people kept from a case: who is on it and why; putting on it, and taking off what was put by hand."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import audit
from portal.cases.kept_from import Person, kept_from_any
from portal.models import Case, CaseRestriction, RestrictionKind, Subject, User, write_session
from portal.people.addresses import AddressError, parse_address

NOT_COMMITTED = timedelta(minutes=1)
"""How long a change of the list may take to be committed: files made meanwhile do not see it, and vouch for their own
time all the same."""


class ListError(Exception):
    """What was asked of the list cannot be done; the text is one sentence for the person who asked."""


@dataclass(frozen=True)
class OnList:
    """One entry. `entry_id` where it can be taken off here: it was put by hand."""

    name: str
    email: str
    kind: RestrictionKind
    entry_id: uuid.UUID | None
    keeps: bool
    """False for a subject without an address: nobody could be told by it."""


def people_kept_from(db: Session, organization_id: uuid.UUID, case_id: uuid.UUID) -> Sequence[OnList]:
    """Subjects first, then who the reporter named, then those put by hand. For a caller who may know of the case."""
    of_case = (Subject.organization_id == organization_id, Subject.case_id == case_id)
    subjects = db.execute(sa.select(Subject.name, Subject.email).where(*of_case).order_by(Subject.name, Subject.id))
    found = [
        OnList(row.name or "", row.email or "", RestrictionKind.SUBJECT, None, keeps=bool(row.email))
        for row in subjects
    ]
    statement = (
        sa.select(CaseRestriction, User.email, User.name)
        .outerjoin(User, User.id == CaseRestriction.user_id)
        .where(CaseRestriction.organization_id == organization_id, CaseRestriction.case_id == case_id)
        .order_by(CaseRestriction.name, CaseRestriction.id)
    )
    listed = [
        OnList(
            row.name or name or "", row.email or email or "", row.kind, row.id if _by_hand(row) else None, keeps=True
        )
        for row, email, name in db.execute(statement)
    ]
    return found + sorted(listed, key=lambda each: list(RestrictionKind).index(each.kind))


def keep_from(
    organization_id: uuid.UUID, case_id: uuid.UUID, address: str, *, by: Person, actor: audit.Actor, now: datetime
) -> None:
    """Put an address on the list, and the user who has it. Twice is once. Raises ListError."""
    try:
        email = parse_address(address)
    except AddressError as error:
        raise ListError(str(error)) from error
    with write_session() as db:
        _check_case(db, organization_id, case_id, by)
        of_case = (CaseRestriction.organization_id == organization_id, CaseRestriction.case_id == case_id)
        same = sa.select(CaseRestriction.id).where(*of_case, CaseRestriction.email == email, _put_by_hand())
        if db.scalar(same) is not None:
            return
        user = db.scalars(sa.select(User).where(User.organization_id == organization_id, User.email == email)).first()
        entry = CaseRestriction(
            id=uuid.uuid4(),
            organization_id=organization_id,
            case_id=case_id,
            kind=RestrictionKind.BY_HAND,
            name=user.name if user else None,
            email=email,
            user_id=user.id if user else None,
        )
        db.add(entry)
        _record(db, organization_id, case_id, "case.kept_from", email, actor, now)


def let_in_again(
    organization_id: uuid.UUID,
    case_id: uuid.UUID,
    entry_id: uuid.UUID,
    *,
    by: Person,
    actor: audit.Actor,
    now: datetime,
) -> None:
    """Take off the list what was put there by hand. The case counts as changed, so that an export of changes, which has
    passed it by meanwhile, holds it again. Raises ListError."""
    with write_session() as db:
        _check_case(db, organization_id, case_id, by)
        of_case = (CaseRestriction.organization_id == organization_id, CaseRestriction.case_id == case_id)
        statement = sa.select(CaseRestriction).where(*of_case, CaseRestriction.id == entry_id, _put_by_hand())
        entry = db.scalars(statement.with_for_update()).one_or_none()
        if entry is None:
            raise ListError("This entry is no longer on the list, or comes from the register and stays.")
        db.delete(entry)
        db.execute(
            sa.update(Case)
            .where(Case.organization_id == organization_id, Case.id == case_id)
            .values(changed_at=now + NOT_COMMITTED)
        )
        _record(db, organization_id, case_id, "case.let_in_again", entry.email or "", actor, now)


def _check_case(db: Session, organization_id: uuid.UUID, case_id: uuid.UUID, by: Person) -> None:
    """Whoever is kept from the case cannot find out about its list, nor change it."""
    theirs = (Case.organization_id == organization_id, ~kept_from_any(organization_id, [by]))
    if db.scalar(sa.select(Case.id).where(Case.id == case_id, *theirs)) is None:
        raise ListError("This case is not there.")


def _put_by_hand() -> sa.ColumnElement[bool]:
    """And not imported: the next import would bring it back."""
    return sa.and_(CaseRestriction.kind == RestrictionKind.BY_HAND, CaseRestriction.source_key.is_(None))


def _by_hand(entry: CaseRestriction) -> bool:
    return entry.kind is RestrictionKind.BY_HAND and entry.source_key is None


def _record(
    db: Session,
    organization_id: uuid.UUID,
    case_id: uuid.UUID,
    action: str,
    email: str,
    actor: audit.Actor,
    now: datetime,
) -> None:
    audit.record(
        db,
        organization_id=organization_id,
        at=now,
        actor=actor,
        action=action,
        subject=("case", case_id),
        body={"address": email},
    )
