"""The board report: how long it takes and how much it holds, over registers of two sizes and many categories.

The period is one year, so that every section has something to show.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.measure import Figures, Say, Timed, Way, compare
from bench.registers import ORGANIZATION, ZONE, Register, app_on
from bench.report import Figure, Subject

CATEGORIES = 10_000
GOAL_SECONDS = 1.5


def report(url: str, format_name: str) -> Figures:
    """A whole report, made as a run makes it; what is loaded once in a process is loaded before."""
    import portal.exports.board_report.pdf
    import portal.exports.board_report.slides
    from portal.exports.make_file import make_file

    assert portal.exports.board_report.pdf
    assert portal.exports.board_report.slides
    with app_on(url), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report"
        with Timed() as timed:
            made = make_file(_request(format_name), path, run_reference="a run")
        return timed.figures() | {"reports": 1, "cases": made.rows, "bytes": made.bytes, "pages": _pages(path)}


def figures_alone(url: str) -> Figures:
    """Everything that is asked of the database, and nothing drawn."""
    from portal.exports.board_report.figures import board_figures
    from portal.exports.snapshot import snapshot

    with app_on(url), Timed() as timed, snapshot() as connection:
        board_figures(connection, _request("PDF"))
    return timed.figures() | {"reports": 1}


def report_of_many_categories(path: str, format_name: str) -> Figures:
    """On a copy of the register in which each case is in one of `CATEGORIES` top categories with a long name."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "register.sqlite3"
        shutil.copy(path, copy)
        _divide(copy)
        return report(f"sqlite:///{copy}", format_name)


def measure(small: Register, large: Register, repeats: int, say: Say) -> Subject:
    few, many = f"PDF, {small.cases:,} cases", f"PDF, {large.cases:,} cases"
    sql, slides, divided = (
        f"figures alone, {large.cases:,} cases",
        f"slides, {large.cases:,} cases",
        "PDF, many categories",
    )
    found = compare(
        [
            Way(few, report, {"url": small.url, "format_name": "PDF"}),
            Way(many, report, {"url": large.url, "format_name": "PDF"}),
            Way(sql, figures_alone, {"url": large.url}),
            Way(slides, report, {"url": large.url, "format_name": "PPTX"}),
            Way(divided, report_of_many_categories, {"path": small.path, "format_name": "PDF"}),
        ],
        repeats,
        say,
    )
    drawn = found[many].figures["wall_seconds"] - found[sql].figures["wall_seconds"]
    a_page = found[few].figures["wall_seconds"] / found[few].figures["pages"]
    figures = [
        Figure.at_most(f"{few}, for ten pages", 10 * a_page, GOAL_SECONDS, "s"),
        Figure.shown(f"{many}, beside its SQL", drawn, "s"),
        Figure.at_most("the same by the small register's whole", drawn / found[few].figures["wall_seconds"], 1.2, "×"),
        Figure.shown(f"{CATEGORIES:,} categories", found[divided].figures["wall_seconds"], "s"),
        Figure.shown("peak memory, PDF", found[many].figures["peak_mb"], "MB"),
        Figure.shown("peak memory, slides", found[slides].figures["peak_mb"], "MB"),
    ]
    return Subject("board-report", "The board report", "reports", list(found.values()), figures)


def _request(format_name: str) -> Any:
    from portal.exports.request import ExportRequest

    begin, end = datetime(2025, 1, 1, 5, tzinfo=UTC), datetime(2026, 1, 1, 5, tzinfo=UTC)
    return ExportRequest(ORGANIZATION, "BOARD_REPORT", format_name, {}, begin, end, end, ZONE, title="Board report")


def _pages(path: Path) -> int:
    import pypdf
    from pptx import Presentation

    if path.read_bytes()[:4] == b"%PDF":
        return len(pypdf.PdfReader(path).pages)
    return len(Presentation(str(path)).slides)


def _divide(path: Path) -> None:
    with sqlite3.connect(path) as database:
        (owner,) = database.execute("SELECT organization_id FROM cases LIMIT 1").fetchone()
        columns = [row[1] for row in database.execute("PRAGMA table_info(categories)")]
        like = dict(zip(columns, database.execute("SELECT * FROM categories LIMIT 1").fetchone(), strict=True))
        rows = [
            like | {"id": uuid.uuid4().hex, "name": f"Category {number} of a very long kind", "code": f"K{number}"}
            | {"parent_id": None, "organization_id": owner, "source_key": f"k{number}"}
            for number in range(CATEGORIES)
        ]  # fmt: skip
        marks = ", ".join(f":{name}" for name in columns)
        database.executemany(
            f"INSERT INTO categories ({', '.join(columns)}) VALUES ({marks})",
            [{name: row[name] for name in columns} for row in rows],
        )
        ids = [row["id"] for row in rows]
        cases = [found[0] for found in database.execute("SELECT id FROM cases ORDER BY id")]
        pairs = [(ids[place * 7919 % CATEGORIES], case) for place, case in enumerate(cases)]
        database.executemany("UPDATE cases SET category_id = ? WHERE id = ?", pairs)
