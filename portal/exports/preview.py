"""The first rows of an export as people read them, and how many there are, without making it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from portal.exports.columns import Column, ColumnType
from portal.exports.limits import check_table
from portal.exports.request import ExportRequest
from portal.exports.rows import open_rows
from portal.exports.size import about_bytes
from portal.exports.writers import Row
from portal.exports.writers.local_hours import at_wall
from portal.models import ExportType
from portal.zones import zone

USUAL_ROWS = 20
_LONGEST_CELL = 200
_SAMPLE = 100
"""Rows by which the size is told."""


@dataclass(frozen=True)
class Preview:
    """`count` is of the whole export; `rows` are its first ones, a display text for each column.

    A board report has neither columns nor rows, and `count` is of the cases of its period.
    """

    count: int
    columns: list[Column]
    rows: list[list[str]]
    start: datetime | None
    end: datetime
    about_bytes: int | None
    """How large the file will be, by what its first rows take; None of a board report."""


def preview(request: ExportRequest, limit: int = USUAL_ROWS) -> Preview:
    """Counts in the database and reads a hundred rows at most, or `limit`.

    Raises CatalogueError, ExportLimit, FilterError or ZoneError where the request cannot be had.
    """
    request.check()
    if request.export_type == ExportType.BOARD_REPORT:
        with open_rows(replace(request, masking={})) as stream:
            return Preview(stream.expected, [], [], request.start, request.end, None)
    sample = max(limit, _SAMPLE)
    with open_rows(request, page_size=sample) as stream:
        check_table(request.format, len(stream.columns), stream.expected)
        first: list[Row] = []
        for page in stream.pages:
            first += page
            if len(first) >= sample:
                break
        shown = [_shown(column.type, zone(request.zone)) for column in stream.columns]
        rows = [[show(value) for show, value in zip(shown, row, strict=True)] for row in first[:limit]]
        about = about_bytes(request, stream.columns, first[:sample], stream.expected)
        return Preview(stream.expected, stream.columns, rows, request.start, request.end, about)


def _shown(kind: ColumnType, place: ZoneInfo) -> Callable[[Any], str]:
    def show(value: Any) -> str:
        if value is None:
            return ""
        if kind is ColumnType.DATETIME:
            return f"{at_wall(value, place):%Y-%m-%d %H:%M}"
        if kind is ColumnType.BOOLEAN:
            return "Yes" if value else "No"
        text = str(value)
        return text if len(text) <= _LONGEST_CELL else f"{text[:_LONGEST_CELL]}…"

    return show
