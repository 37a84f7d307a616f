"""How much a format can hold, said before anything is written."""

from __future__ import annotations

from portal.exports.writers.base import ExportLimit

PDF_ROWS, PDF_COLUMNS = 20_000, 40
"""A table that people are to read on paper; a hundred columns of a million cases is not one."""


def check_table(format_name: str, columns: int, rows: int = 0) -> None:
    """Raises ExportLimit, with what to do instead, where a table of that size is not written in that format."""
    if format_name != "PDF":
        return
    if columns > PDF_COLUMNS:
        raise ExportLimit(
            f"A PDF table has room for {PDF_COLUMNS} columns, and this one would have {columns:,}: choose the columns "
            "that matter, or choose Excel or CSV."
        )
    if rows > PDF_ROWS:
        raise ExportLimit(
            f"A PDF table holds at most {PDF_ROWS:,} rows, and this one would have {rows:,}: choose a shorter period "
            "or narrower filters, or choose Excel or CSV."
        )
