"""What each role may do: one table, nothing else decides."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from portal.models import Role


class Right(StrEnum):
    SEE_SCHEDULES = "see schedules"
    EDIT_SCHEDULES = "create and change schedules"
    RUN_NOW = "run a schedule now"
    SEE_RUNS = "see runs and recipients"
    DOWNLOAD = "download files"
    SEE_CASES = "see cases"
    MANAGE_PEOPLE = "invite and manage people"
    SEE_AUDIT = "see the audit log"
    SEE_HEALTH = "see system health"
    MANAGE_TAGS = "manage field tags"
    MANAGE_CONFLICTS = "manage who is kept from a case"
    MANAGE_SETTINGS = "change the organization's settings"
    SEE_BOARD_REPORT = "see the board report"
    SEND_OUTSIDE = "send to people outside the organization"


# An auditor follows who received what, and reads no case; a viewer reads results, and changes nothing.
RIGHTS: dict[Role, frozenset[Right]] = {
    Role.ADMIN: frozenset(Right),
    Role.OFFICER: frozenset(
        {
            Right.SEE_SCHEDULES,
            Right.EDIT_SCHEDULES,
            Right.RUN_NOW,
            Right.SEE_RUNS,
            Right.DOWNLOAD,
            Right.SEE_CASES,
            Right.SEND_OUTSIDE,
            Right.SEE_BOARD_REPORT,
        }
    ),
    Role.VIEWER: frozenset({Right.SEE_SCHEDULES, Right.SEE_RUNS, Right.DOWNLOAD, Right.SEE_BOARD_REPORT}),
    Role.AUDITOR: frozenset({Right.SEE_SCHEDULES, Right.SEE_RUNS, Right.SEE_AUDIT}),
}

ROLE_WORDS: dict[Role, str] = {
    Role.ADMIN: "Admin",
    Role.OFFICER: "Compliance officer",
    Role.VIEWER: "Viewer",
    Role.AUDITOR: "Auditor",
}


class HasRole(Protocol):
    @property
    def role(self) -> Role: ...


def may(person: HasRole, right: Right) -> bool:
    """Whether a person of that role has the right."""
    return right in RIGHTS[person.role]
