"""How a report of one organization looks: its accent colour, its logo, and the paper it is printed on."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from portal.exports.board_report.charts.palette import ACCENT, palette
from portal.exports.board_report.charts.picture import Tone
from portal.exports.locales import prints_on_letter
from portal.exports.owner import owner_of
from portal.people.branding import branding_of


@dataclass(frozen=True)
class Paper:
    """In points."""

    width: float
    height: float


A4, LETTER = Paper(595.28, 841.89), Paper(612, 792)


@dataclass(frozen=True)
class Look:
    """`accent` is "#rrggbb", readable on white; `logo` a PNG as `portal.people.branding` keeps it, or None."""

    accent: str = ACCENT
    logo: bytes | None = None
    paper: Paper = A4

    @property
    def colours(self) -> Mapping[Tone, str]:
        return palette(self.accent)


def look_of(connection: sa.Connection, organization_id: uuid.UUID) -> Look:
    """As the organization has chosen."""
    branding = branding_of(connection, organization_id)
    paper = LETTER if prints_on_letter(owner_of(organization_id).locale) else A4
    return Look(branding.accent or ACCENT, branding.logo, paper)
