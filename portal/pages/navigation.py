"""The main navigation: what is there and what this person may open."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app, request, url_for

from portal.pages.access import current_user, rule_of
from portal.people.rights import Right

ENTRIES = (
    ("Today", "today.show"),
    ("Schedules", "schedules.list"),
    ("Calendar", "calendar.show"),
    ("History", "runs.history"),
    ("Board report", "board_report.show"),
    ("Cases", "cases.list"),
    ("Field tags", "field_tags.list"),
    ("People", "people.list"),
    ("Settings", "settings.show"),
    ("Outbox", "outbox.list"),
)


@dataclass(frozen=True)
class NavEntry:
    label: str
    url: str
    current: bool


def nav_entries() -> list[NavEntry]:
    """Entries whose page exists and that the signed-in person may open; the one they are in is current."""
    return [
        NavEntry(label, url_for(endpoint), request.blueprint == endpoint.partition(".")[0])
        for label, endpoint in ENTRIES
        if _open_to_user(endpoint)
    ]


def _open_to_user(endpoint: str) -> bool:
    if endpoint not in current_app.view_functions:
        return False
    rule = rule_of(current_app, endpoint)
    return current_user.may(rule) if isinstance(rule, Right) else True
