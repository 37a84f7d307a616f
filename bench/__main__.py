"""Measures everything: `python -m bench`, or `--quick` with the small register alone to try it out.

Progress goes to standard error, the table to standard output, all figures to bench/results.json.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bench import (
    board_report,
    claims,
    csv_export,
    data_formats,
    mails,
    memory,
    pdf_table,
    queue_latency,
    report,
    rows,
    xlsx_export,
)
from bench.registers import ROOT, Register, postgres_register, sqlite_register
from bench.report import Subject

SMALL, LARGE, HUGE = 20_000, 200_000, 500_000
RESULTS = ROOT / "bench" / "results.json"
PAGE = ROOT / "docs" / "speed.md"
Step = Callable[[], Subject]


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> int:
    asked = _arguments()
    began = time.monotonic()
    before = report.machine()
    small = sqlite_register(SMALL, say)
    large = small if asked.quick else sqlite_register(LARGE, say)
    found: list[Subject] = []
    with contextlib.ExitStack() as held:
        needs_postgres = not asked.only or any("postgresql" in each for each in asked.only)
        postgres = held.enter_context(postgres_register(large.cases, say)) if needs_postgres else None
        for name, step in _steps(asked, small, large, postgres).items():
            if asked.only and name not in asked.only:
                continue
            say(f"{name}, {time.monotonic() - began:.0f} s")
            found.append(step())
    settings = {"quick": asked.quick, "repeats": asked.repeats, "mails": asked.mails, "cases": large.cases}
    results = report.results(found, settings, before)
    report.write_json(results, asked.results)
    print(report.table(found))
    if asked.write_docs:
        PAGE.write_text(report.page(results, found), encoding="utf-8")
    return 0


def _steps(asked: argparse.Namespace, small: Register, large: Register, postgres: Register | None) -> dict[str, Step]:
    """What is measured, by name, in order."""
    n, quick = asked.repeats, asked.quick
    fewer = 4_000 if quick else 20_000
    text_rows, sheet_rows = (10_000, 5_000) if quick else (50_000, 30_000)
    steps: dict[str, Step] = {
        "rows-sqlite": lambda: rows.measure(large, "sqlite", fewer, n, say),
        "csv-text": lambda: csv_export.measure_text(text_rows, n, say),
        "csv-sqlite": lambda: csv_export.measure_sqlite(large, fewer, n, say),
        "xlsx-writer": lambda: xlsx_export.measure_writer(sheet_rows, n, say),
        "xlsx-sqlite": lambda: xlsx_export.measure_sqlite(large, fewer, n, say),
        "data-writers": lambda: data_formats.measure_writers(text_rows, n, say),
        "data-sqlite": lambda: data_formats.measure_sqlite(large, n, say),
        "pdf-table": lambda: pdf_table.measure(n, say),
        "board-report": lambda: board_report.measure(small, large, n, say),
        # memory does not vary from time to time, and the huge register takes its time
        "memory-growth": lambda: memory.measure_growth(small, small if quick else sqlite_register(HUGE, say), 1, say),
        "memory-rest": lambda: memory.measure_rest(small, n, say),
        "claims-sqlite": lambda: claims.measure("sqlite", 1_000 if quick else 5_000, n, say),
        "claims-postgresql": lambda: claims.measure("postgresql", 1_000 if quick else 5_000, n, say),
        "queue": lambda: queue_latency.measure(small, 10 if quick else 30, n, say),
        "mails": lambda: mails.measure(small, asked.mails, n, say),
    }
    if postgres is not None:
        steps["rows-postgresql"] = lambda: rows.measure(postgres, "postgresql", fewer, n, say)
        steps["csv-postgresql"] = lambda: csv_export.measure_postgres(postgres, n, say)
    return steps


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"on {SMALL:,} cases, to try it out")
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="each way so often; medians count (3)")
    parser.add_argument("--mails", type=int, default=100, metavar="N", help="how many mails of 1 MB (100)")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="of what is measured: rows-sqlite, csv-text, …")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FILE", help="bench/results.json")
    parser.add_argument("--write-docs", action="store_true", help="write docs/speed.md from what was found")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
