"""How an organization's reports look: an accent colour that can be read, and a logo, of which the picture is kept."""

from __future__ import annotations

import hashlib
import io
import re
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from portal import audit
from portal.models import Organization, write_session

SETTING = "branding"
"""Its key in the organization's settings: {"accent": "#rrggbb" or None, "logo": SHA-256 of the picture or None}."""
LEAST_CONTRAST = 4.5
"""Of the accent on white and of white on it: WCAG 2.2, AA."""
MOST_LOGO_BYTES = 1_000_000
_MOST_PIXELS = 16_000_000
_KEPT_SIZE = (800, 320)
_HEX = re.compile(r"#[0-9a-fA-F]{6}")


class BrandingError(Exception):
    """The accent or the logo cannot be had. The text is one sentence that says what to do."""


@dataclass(frozen=True)
class Branding:
    """`accent` is "#rrggbb", or None for the product's own; `logo` a PNG or None."""

    accent: str | None = None
    logo: bytes | None = None


def branding_of(connection: sa.Connection, organization_id: uuid.UUID) -> Branding:
    """What is kept of it."""
    columns = Organization.settings, Organization.logo
    found = connection.execute(sa.select(*columns).where(Organization.id == organization_id)).one_or_none()
    if found is None:
        return Branding()
    return Branding((found.settings.get(SETTING) or {}).get("accent"), found.logo)


def change_branding(
    organization_id: uuid.UUID,
    *,
    accent: str | None,
    now: datetime,
    actor: audit.Actor,
    new_logo: bytes | None = None,
    without_logo: bool = False,
) -> bool:
    """Sets the accent, and the logo where there is a new one or it is to go. Returns whether anything changed.

    Raises BrandingError; then nothing is changed.
    """
    chosen = checked_accent(accent) if accent else None
    picture = redrawn(new_logo) if new_logo else None
    with write_session() as session:
        organization = session.get_one(Organization, organization_id, with_for_update=True)
        before = dict(organization.settings.get(SETTING) or {})
        logo = None if without_logo else before.get("logo")
        if picture:
            logo = hashlib.sha256(picture).hexdigest()
        after: dict[str, Any] = {key: value for key, value in (("accent", chosen), ("logo", logo)) if value}
        if after == before:
            return False
        organization.settings = {**organization.settings, SETTING: after}
        if logo != before.get("logo"):
            organization.logo = picture
        audit.record(
            session,
            organization_id=organization_id,
            at=now,
            actor=actor,
            action="settings.branding_changed",
            subject=("organization", organization_id),
            body={"before": before, "after": after},
        )
    return True


def checked_accent(text: str) -> str:
    """ "#rrggbb" in small letters. Raises BrandingError."""
    if not _HEX.fullmatch(text):
        raise BrandingError("The accent colour must be written as # and six digits or letters a to f, such as #0a5866.")
    if contrast_with_white(text) < LEAST_CONTRAST:
        raise BrandingError("This colour is too light to be read on white paper: choose a darker one.")
    return text.lower()


def contrast_with_white(colour: str) -> float:
    """From 1 to 21, as WCAG reckons it."""
    red, green, blue = (_linear(int(colour[place : place + 2], 16) / 255) for place in (1, 3, 5))
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


def redrawn(data: bytes) -> bytes:
    """The picture of a PNG or JPEG file drawn anew as PNG, no larger than reports need: of the file itself, its notes,
    profiles and whatever hides in it, nothing is kept. Raises BrandingError."""
    # not held by processes that never draw
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415

    if len(data) > MOST_LOGO_BYTES:
        raise BrandingError(f"The logo must be no larger than {MOST_LOGO_BYTES // 1000:,} KB.")
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as opened:
            if opened.width * opened.height > _MOST_PIXELS:
                raise BrandingError("The logo has too many pixels: 4,000 by 4,000 are enough.")
            picture = opened.convert("RGBA")
    except BrandingError:
        raise
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as problem:
        raise BrandingError("The logo must be a PNG or JPEG picture, and whole.") from problem
    picture.thumbnail(_KEPT_SIZE)
    out = io.BytesIO()
    Image.frombytes("RGBA", picture.size, picture.tobytes()).save(out, "PNG", optimize=True)
    return out.getvalue()


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
