"""The organization's settings: the look of its reports (C11)."""

from __future__ import annotations

import io

import pytest
import sqlalchemy as sa
from PIL import Image, PngImagePlugin

from portal.extensions import db
from portal.models import AuditBody, AuditEvent, Organization
from portal.people.branding import BrandingError, branding_of, contrast_with_white, redrawn
from tests.support.cast import Cast

PAGE = "/settings/branding"
HIDDEN = "<?php not a picture ?>"


def test_a_logo_and_a_colour_are_kept_as_picture_and_colour_alone(page, cast: Cast) -> None:
    """The file is drawn anew: what was hidden in it is gone. Who changed what is written down, without the picture."""
    shown = page.ana.get(PAGE)
    assert page.ana.get(f"{PAGE}/logo").status == 404
    answer = page.ana.submit(shown, {"accent": "#7A1F3D", "logo": (io.BytesIO(_picture()), "x.png")}, action=PAGE)
    assert answer.location == PAGE, answer.words
    kept = branding_of(db.session.connection(), cast.lakeside)
    assert kept.accent == "#7a1f3d"
    assert kept.logo is not None
    assert kept.logo.startswith(b"\x89PNG")
    assert HIDDEN.encode() not in kept.logo
    assert Image.open(io.BytesIO(kept.logo)).size == (320, 320)
    assert branding_of(db.session.connection(), cast.strangers).logo is None
    event = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "settings.branding_changed")).one()
    body = db.session.get_one(AuditBody, (event.chain_id, event.sequence)).body
    assert (body["before"], body["after"]["accent"], len(body["after"]["logo"])) == ({}, "#7a1f3d", 64)
    db.session.rollback()
    assert page.ana.submit(page.ana.get(PAGE), {"accent": "", "without_logo": "y"}, action=PAGE).location == PAGE
    assert db.session.execute(
        sa.select(Organization.settings, Organization.logo).where(Organization.id == cast.lakeside)
    ).one() == ({"branding": {}}, None)


def test_what_cannot_be_read_or_is_no_picture_is_refused_at_its_field(page, cast: Cast) -> None:
    shown = page.ana.get(PAGE)
    for answers, said in (
        ({"accent": "#ffee00"}, "too light to be read"),
        ({"accent": "red"}, "written as #"),
        ({"logo": (io.BytesIO(b"<svg onload=alert(1)>"), "x.png")}, "must be a PNG or JPEG picture"),
        ({"logo": (io.BytesIO(_picture()[:200]), "x.png")}, "must be a PNG or JPEG picture"),
        ({"logo": (io.BytesIO(bytes(1_000_001)), "x.png")}, "no larger than 1,000 KB"),
    ):
        answer = page.ana.submit(shown, answers, action=PAGE)
        assert answer.status == 400
        assert said in answer.words


def test_a_picture_of_too_many_pixels_is_not_even_read() -> None:
    """A file of a few KB may hold a picture of gigabytes."""
    out = io.BytesIO()
    Image.new("1", (9000, 9000)).save(out, "PNG")
    with pytest.raises(BrandingError, match="too many pixels"):
        redrawn(out.getvalue())


def test_contrast_is_reckoned_as_the_guidelines_do() -> None:
    assert [round(contrast_with_white(each), 2) for each in ("#000000", "#ffffff", "#767676")] == [21, 1, 4.54]


def _picture() -> bytes:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", HIDDEN)
    out = io.BytesIO()
    Image.new("RGB", (1200, 1200), "#123456").save(out, "PNG", pnginfo=notes)
    return out.getvalue()
