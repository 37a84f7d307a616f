"""XLSX: the writer alone over made rows (see writers.py), and whole exports from the register to the closed file."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bench import csv_export, writers
from bench.csv_export import new_file
from bench.measure import Figures, Say, Timed, Way, compare
from bench.peers import window_query
from bench.registers import Register, app_on
from bench.report import Figure, Subject
from bench.written import writer_ways

OURS = "Duepost, whole export"
XLSXWRITER = "one query, XlsxWriter constant_memory"
OPENPYXL = "one query, openpyxl write_only"


def by_xlsxwriter(url: str, most: int) -> Figures:
    import xlsxwriter

    with app_on(url), new_file() as out, Timed() as timed:
        book = xlsxwriter.Workbook(str(out), {"constant_memory": True, "strings_to_formulas": False})
        sheet = book.add_worksheet("Cases")
        for number, row in enumerate(_rows(most)):
            for position, value in enumerate(row):
                sheet.write(number, position, value)
        book.close()
    return timed.figures() | {"rows": number, "cells": number * len(row)}


def by_openpyxl(url: str, most: int) -> Figures:
    import openpyxl

    with app_on(url), new_file() as out, Timed() as timed:
        book = openpyxl.Workbook(write_only=True)
        sheet = book.create_sheet("Cases")
        number = -1
        for row in _rows(most):
            sheet.append(row)
            number += 1
        book.save(out)
    return timed.figures() | {"rows": number, "cells": number * len(row)}


def _rows(most: int) -> Any:
    """The head and the first rows of the one query; instants without a zone, as these writers want them."""
    from portal.extensions import db

    with db.engine.connect() as connection:
        query = sa.text(f"{window_query(connection.dialect.name)} LIMIT {most}")
        result = connection.execution_options(stream_results=True, max_row_buffer=2_000).execute(query)
        yield list(result.keys())
        for row in result:
            yield [each.replace(tzinfo=None) if isinstance(each, datetime) else each for each in row]


def measure_writer(rows: int, repeats: int, say: Say) -> Subject:
    """The writer alone."""
    found = writer_ways(
        [way for way in writers.WAYS if "XLSX" in way or "xlsx" in way.lower() or "openpyxl" in way], rows, repeats, say
    )
    mine = found[writers.OURS_XLSX]
    peers = {way: each for way, each in found.items() if way != writers.OURS_XLSX}
    figures = [Figure.shown("cells a second", mine.per_second("cells"), "cells/s")]
    for way, each in peers.items():
        times = mine.per_second() / each.per_second()
        of_goal = way.startswith("XlsxWriter")
        figures.append(
            Figure.at_least(f"times {way}", times, 6, "×") if of_goal else Figure.shown(f"times {way}", times, "×")
        )
    figures.append(Figure.at_most("peak memory", mine.figures["peak_mb"], 80, "MB"))
    return Subject("xlsx-writer", "XLSX writer alone", "cells", list(found.values()), figures)


def measure_sqlite(register: Register, peer_rows: int, repeats: int, say: Say) -> Subject:
    """The peers, whose speed does not depend on it, write fewer rows."""
    ways = [
        Way(OURS, csv_export.ours, {"url": register.url, "format_name": "XLSX"}),
        Way(XLSXWRITER, by_xlsxwriter, {"url": register.url, "most": peer_rows}),
        Way(OPENPYXL, by_openpyxl, {"url": register.url, "most": peer_rows}),
    ]
    found = compare(ways, repeats, say)
    mine = found[OURS]
    figures = [
        Figure.shown("rows a second", mine.per_second(), "rows/s"),
        Figure.shown("cells a second", mine.per_second("cells"), "cells/s"),
        Figure.shown("times XlsxWriter", mine.per_second() / found[XLSXWRITER].per_second(), "×"),
        Figure.shown("times openpyxl", mine.per_second() / found[OPENPYXL].per_second(), "×"),
        Figure.shown("peak memory of the process", mine.figures["peak_mb"], "MB"),
    ]
    return Subject("xlsx-sqlite", "A whole XLSX export from SQLite", "cells", list(found.values()), figures)
