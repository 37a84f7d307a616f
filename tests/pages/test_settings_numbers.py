"""The organization's settings: how files write numbers and dates (C10)."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import sqlalchemy as sa

from portal.exports.make_file import make_file
from portal.extensions import db
from portal.models import AuditBody, AuditEvent
from tests.exports.small_register import fill
from tests.exports.test_rows import request_of
from tests.support.cast import Cast

PAGE = "/settings/numbers"


def test_the_place_is_chosen_written_down_and_holds_for_the_next_file(page, cast: Cast, tmp_path: Path) -> None:
    shown = page.ana.get(PAGE)
    assert "Now: 2026-11-02 15:05:09" in shown.words
    assert page.ana.submit(shown, {"locale": "en_XX"}, action=PAGE).status == 400
    assert page.ana.submit(shown, {"locale": "de_DE"}, action=PAGE).location == PAGE
    assert "Now: 2.11.2026 · 15:05:09 · 1.234,5 · 25 %" in page.ana.get(PAGE).words.replace("\xa0", " ")
    event = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "settings.numbers_changed")).one()
    body = db.session.get_one(AuditBody, (event.chain_id, event.sequence)).body
    assert (body["before"], body["after"]) == ({"locale": None}, {"locale": "de_DE"})
    dates = {cast.lakeside: r"d\.m\.yyyy", cast.strangers: "yyyy-mm-dd"}
    for seed, (organization_id, day) in enumerate(dates.items()):
        fill(organization_id, 1, seed)
        make_file(request_of(organization_id, format="XLSX"), tmp_path / "file.xlsx")
        sheet = openpyxl.load_workbook(tmp_path / "file.xlsx")["Cases"]
        assert sheet["E2"].number_format.startswith(day)
