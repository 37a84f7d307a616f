"""Tables as PDF: ours at two sizes, and xhtml2pdf's own at sizes that it can still do, over the same made rows."""

from __future__ import annotations

import html
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from bench.csv_export import new_file
from bench.measure import Figures, Say, Timed, Way, compare
from bench.report import Figure, Subject
from bench.writers import COLUMNS, ZONE, Rows

WIDE = 12
"""Columns."""
FEW, MANY = 2_000, 10_000
THEIR_FEW, THEIR_MORE = 250, 500
LINEAR = 1.3
"""How much more than so many times the seconds so many times the rows may take."""


def ours(rows: int) -> Figures:
    from portal.exports.writers import HashingFile, PageWords, WriteOptions, writer_for

    words = PageWords("Example Ltd", "2026", "New York time", "Run 1", ("All cases",))
    options = WriteOptions(
        ZoneInfo(ZONE), datetime(2026, 1, 5, 13, tzinfo=UTC), title="Cases", page_words=words, expected=rows
    )
    pages = [[row[:WIDE] for row in page] for page in Rows(rows, stored=True).pages()]
    writer = writer_for("PDF")
    writer.write(COLUMNS[:WIDE], [pages[0][:20]], io.BytesIO(), options, lambda _: None)  # typefaces are loaded once
    with new_file() as path, path.open("wb") as file, Timed() as timed:
        writer.write(COLUMNS[:WIDE], pages, HashingFile(file), options, lambda _: None)
    return timed.figures() | {"rows": rows}


def by_xhtml2pdf(rows: int) -> Figures:
    from xhtml2pdf import pisa

    made = list(Rows(rows, stored=True))
    with new_file() as path, path.open("wb") as file, Timed() as timed:
        done = pisa.CreatePDF(_page(made), file, encoding="utf-8")
        if done.err:
            raise RuntimeError("xhtml2pdf did not make the table")
    return timed.figures() | {"rows": rows}


def _page(rows: list[tuple[Any, ...]]) -> str:
    def line(tag: str, values: Sequence[Any]) -> str:
        cells = "".join(f"<{tag}>{html.escape('' if each is None else str(each))}</{tag}>" for each in values)
        return f"<tr>{cells}</tr>"

    head = line("th", [column.label for column in COLUMNS[:WIDE]])
    body = "".join(line("td", row[:WIDE]) for row in rows)
    style = "@page { size: a4 landscape; margin: 1cm } td, th { font-size: 6pt; text-align: left }"
    return f"<html><head><style>{style}</style></head><body><table repeat='1'>{head}{body}</table></body></html>"


def measure(repeats: int, say: Say) -> Subject:
    ways = [
        Way(f"duepost, {FEW:,} rows", ours, {"rows": FEW}),
        Way(f"duepost, {MANY:,} rows", ours, {"rows": MANY}),
        Way(f"xhtml2pdf, {THEIR_FEW:,} rows", by_xhtml2pdf, {"rows": THEIR_FEW}),
        Way(f"xhtml2pdf, {THEIR_MORE:,} rows", by_xhtml2pdf, {"rows": THEIR_MORE}),
    ]
    found = compare(ways, repeats, say)
    few, many, their_few, their_more = found.values()
    seconds = many.figures["wall_seconds"]
    figures = [
        Figure.at_most(f"seconds for {MANY:,} rows", seconds, 20, "s"),
        Figure.at_most(
            f"{MANY // FEW} times the rows take", seconds / few.figures["wall_seconds"], MANY / FEW * LINEAR, "×"
        ),
        Figure.at_most("peak memory", many.figures["peak_mb"], 150, "MB"),
        Figure.shown("times xhtml2pdf's rows a second", many.per_second() / their_more.per_second(), "×"),
        Figure.shown(
            "xhtml2pdf: twice the rows take",
            their_more.figures["wall_seconds"] / their_few.figures["wall_seconds"],
            "×",
        ),
    ]
    return Subject("pdf-table", f"Tables as PDF, {WIDE} columns", "rows", list(found.values()), figures)
