"""CSV: the text alone over made rows (see writers.py), and whole exports from the register to the closed file."""

from __future__ import annotations

import contextlib
import csv
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bench import writers
from bench.measure import Figures, Say, Timed, Way, compare
from bench.peers import flat_query, orm_rows, window_query
from bench.registers import FLAT, Register, app_on, flat_request, kept_in
from bench.report import Figure, Subject
from bench.written import writer_ways

OURS = "Duepost, whole export"
SHELL = "floor: sqlite3 shell, the same rows flattened"
COPY = "floor: COPY of the same rows flattened"
PANDAS = "pandas: read_sql of one query, to_csv"
PANDAS_FLAT = "pandas: read_sql of the flattened table, to_csv"
ORM = "SQLAlchemy ORM, csv.writer"


@contextlib.contextmanager
def new_file() -> Iterator[Path]:
    """The path of a file that does not outlive the context, on the registers' disk."""
    with tempfile.TemporaryDirectory(dir=kept_in()) as folder:
        yield Path(folder) / "export"


def ours(url: str, format_name: str = "CSV") -> Figures:
    """make_file as a worker runs it: the application is built, the file is on disk, hashed and counted."""
    from portal.exports.make_file import make_file

    with app_on(url), new_file() as path:
        with Timed() as timed:
            made = make_file(flat_request(format_name), path)
        return timed.figures() | {"rows": made.rows, "cells": made.rows * len(made.columns), "bytes": made.bytes}


def by_shell(url: str) -> Figures:
    path = url.removeprefix("sqlite:///")
    with new_file() as out, out.open("wb") as file:
        with Timed() as timed:
            subprocess.run(["sqlite3", "-csv", "-header", path, flat_query()], check=True, stdout=file)
        return timed.figures() | {"rows": _lines(url), "bytes": out.stat().st_size}


def by_copy(url: str) -> Figures:
    with app_on(url), new_file() as out, out.open("wb") as file:
        from portal.extensions import db

        with db.engine.connect() as connection, Timed() as timed:
            raw: Any = connection.connection.driver_connection
            with raw.cursor().copy(f"COPY ({flat_query()}) TO STDOUT (FORMAT csv, HEADER)") as copy:
                for block in copy:
                    file.write(block)
        return timed.figures() | {"rows": _lines(url), "bytes": out.stat().st_size}


def by_pandas(url: str, flattened: bool) -> Figures:
    import pandas as pd

    with app_on(url), new_file() as out:
        from portal.extensions import db

        with db.engine.connect() as connection, Timed() as timed:
            query = flat_query() if flattened else window_query(connection.dialect.name)
            frame = pd.read_sql(sa.text(query), connection)
            frame.to_csv(out, index=False)
        return timed.figures() | {"rows": len(frame), "bytes": out.stat().st_size}


def by_orm(url: str, most: int) -> Figures:
    with app_on(url), new_file() as out, out.open("w", newline="", encoding="utf-8") as file:
        from portal.extensions import db

        writer, rows = csv.writer(file), 0
        with Timed() as timed:
            for row in orm_rows(db.engine, most):
                writer.writerow(row)
                rows += 1
            file.flush()
        return timed.figures() | {"rows": rows, "bytes": out.stat().st_size}


def measure_text(rows: int, repeats: int, say: Say) -> Subject:
    """The writer alone."""
    found = writer_ways([way for way in writers.WAYS if "CSV" in way or "csv" in way], rows, repeats, say)
    mine = found[writers.OURS_CSV].per_second()
    others = [
        Figure.shown(f"times {way}", mine / each.per_second(), "×")
        for way, each in found.items()
        if not way.startswith("duepost")
    ]
    figures = [Figure.at_least("rows a second", mine, 35_000, "rows/s"), *others]
    return Subject("csv-text", "CSV text alone, guard, zone and hash included", "rows", list(found.values()), figures)


def measure_sqlite(register: Register, orm_cases: int, repeats: int, say: Say) -> Subject:
    url = register.url
    ways = [
        Way(OURS, ours, {"url": url}),
        Way(SHELL, by_shell, {"url": url}),
        Way(PANDAS, by_pandas, {"url": url, "flattened": False}),
        Way(PANDAS_FLAT, by_pandas, {"url": url, "flattened": True}),
        Way(ORM, by_orm, {"url": url, "most": orm_cases}),
    ]
    found = compare(ways, repeats, say)
    mine = found[OURS].per_second()
    figures = [
        Figure.shown("rows a second", mine, "rows/s"),
        Figure.at_least("times pandas' way end to end", mine / found[PANDAS].per_second(), 2, "×"),
        Figure.at_least("of the sqlite3 shell's dump", mine / found[SHELL].per_second(), 0.25, "×"),
        Figure.shown("times the ORM", mine / found[ORM].per_second(), "×"),
        Figure.shown("peak memory of the process", found[OURS].figures["peak_mb"], "MB"),
    ]
    return Subject("csv-sqlite", "A whole CSV export from SQLite", "rows", list(found.values()), figures)


def measure_postgres(register: Register, repeats: int, say: Say) -> Subject:
    url = register.url
    ways = [
        Way(OURS, ours, {"url": url}),
        Way(COPY, by_copy, {"url": url}),
        Way(PANDAS, by_pandas, {"url": url, "flattened": False}),
    ]
    found = compare(ways, repeats, say)
    mine = found[OURS].per_second()
    figures = [
        Figure.shown("rows a second", mine, "rows/s"),
        Figure.at_least("times pandas' way end to end", mine / found[PANDAS].per_second(), 2, "×"),
        Figure.shown("of COPY", mine / found[COPY].per_second(), "×"),
    ]
    return Subject("csv-postgresql", "A whole CSV export from PostgreSQL", "rows", list(found.values()), figures)


def _lines(url: str) -> int:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        count = connection.scalar(sa.text(f"SELECT count(*) FROM {FLAT}"))
    engine.dispose()
    return int(count or 0)
