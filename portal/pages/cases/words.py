"""A case's list of people kept from it, in words."""

from __future__ import annotations

from portal.models import RestrictionKind

KEPT_AS = {
    RestrictionKind.SUBJECT: "a subject of the case",
    RestrictionKind.NAMED_BY_REPORTER: "named by the reporter",
    RestrictionKind.BY_HAND: "put on the list by hand",
}
