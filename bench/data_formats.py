"""JSON lines and Parquet beside CSV: the writers alone over made rows, and whole exports from the register."""

from __future__ import annotations

from bench import csv_export, writers
from bench.measure import Found, Say, Way, compare
from bench.registers import Register
from bench.report import Figure, Subject
from bench.written import writer_ways

NAMES = {"CSV": "CSV", "JSON_LINES": "JSON lines", "PARQUET": "Parquet"}


def measure_writers(rows: int, repeats: int, say: Say) -> Subject:
    """The writers alone."""
    ours = {"CSV": writers.OURS_CSV, "JSON_LINES": writers.OURS_JSON_LINES, "PARQUET": writers.OURS_PARQUET}
    found = writer_ways(list(ours.values()), rows, repeats, say)
    return _subject("data-writers", "JSON lines and Parquet, writers alone", {k: found[way] for k, way in ours.items()})


def measure_sqlite(register: Register, repeats: int, say: Say) -> Subject:
    """Whole exports."""
    ways = [Way(name, csv_export.ours, {"url": register.url, "format_name": kind}) for kind, name in NAMES.items()]
    found = compare(ways, repeats, say)
    title = "Whole exports of JSON lines and Parquet from SQLite"
    return _subject("data-sqlite", title, {kind: found[name] for kind, name in NAMES.items()})


def _subject(key: str, title: str, found: dict[str, Found]) -> Subject:
    csv = found["CSV"].per_second()
    figures = []
    for kind in ("JSON_LINES", "PARQUET"):
        rate = found[kind].per_second()
        figures += [
            Figure.shown(f"{NAMES[kind]}: rows a second", rate, "rows/s"),
            Figure.at_least(f"{NAMES[kind]}: times CSV", rate / csv, 1, "×"),
        ]
    return Subject(key, title, "rows", list(found.values()), figures)
