"""C14: a preview counts the rows and shows the first twenty, as people read them."""

from __future__ import annotations

from flask import Flask

from portal.exports.preview import preview
from portal.zones import zone
from tests.exports.by_hand import rows_by_hand
from tests.exports.small_register import FIRST, PLANNED, fill
from tests.exports.test_rows import request_of
from tests.support.cast import Cast


def test_a_preview_counts_all_and_shows_the_first_twenty(app: Flask, cast: Cast) -> None:
    fill(cast.lakeside, 60)
    shown = preview(request_of(cast.lakeside, filters={"status": ["OPEN", "CLOSED"]}, start=FIRST))
    place = zone("America/New_York")
    kept = [
        row
        for row in rows_by_hand(cast.lakeside, PLANNED, place, 3)
        if row["case_status"] in ("OPEN", "CLOSED") and row["case_created_at"] >= FIRST
    ]
    assert shown.count == len(kept) > 20
    assert (shown.start, shown.end) == (FIRST, PLANNED)
    assert len(shown.columns) == len(shown.rows[0]) == 59
    at = {column.key: position for position, column in enumerate(shown.columns)}
    for cells, row in zip(shown.rows, kept[:20], strict=True):
        assert cells[at["case_number"]] == row["case_number"]
        assert cells[at["case_created_at"]] == f"{row['case_created_at'].astimezone(place):%Y-%m-%d %H:%M}"
        assert cells[at["has_remediation"]] == ("Yes" if row["has_remediation"] else "No")
        assert cells[at["case_priority"]] == (row["case_priority"] or "")


def test_a_preview_of_no_rows_has_its_columns(app: Flask, cast: Cast) -> None:
    shown = preview(request_of(cast.lakeside))
    assert (shown.count, shown.rows, len(shown.columns)) == (0, [], 59)
