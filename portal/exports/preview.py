"""The first rows of an export as people read them, and how many there are, without making it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from portal.exports.columns import Column, ColumnType
from portal.exports.request import ExportRequest
from portal.exports.rows import open_rows
from portal.exports.writers import Row
from portal.exports.writers.local_hours import at_wall
from portal.zones import zone

USUAL_ROWS = 20
_LONGEST_CELL = 200


@dataclass(frozen=True)
class Preview:
    """`count` is of the whole export; `rows` are its first ones, a display text for each column."""

    count: int
    columns: list[Column]
    rows: list[list[str]]
    start: datetime | None
    end: datetime


def preview(request: ExportRequest, limit: int = USUAL_ROWS) -> Preview:
    """Counts in the database and reads no more than `limit` rows.

    Raises CatalogueError, FilterError or ZoneError where the request cannot be had.
    """
    request.check()
    with open_rows(request, page_size=limit) as stream:
        first: list[Row] = []
        for page in stream.pages:
            first += page
            if len(first) >= limit:
                break
        shown = [_shown(column.type, zone(request.zone)) for column in stream.columns]
        rows = [[show(value) for show, value in zip(shown, row, strict=True)] for row in first[:limit]]
        return Preview(stream.expected, stream.columns, rows, request.start, request.end)


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
