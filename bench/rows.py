"""Rows of the register: how fast they are read, flattened and handed on, on both databases."""

from __future__ import annotations

import time
from typing import Any

import sqlalchemy as sa

from bench.measure import Figures, Found, Say, Timed, Way, compare
from bench.peers import flat_query, orm_rows, window_query
from bench.registers import FLAT, Register, app_on, flat_request
from bench.report import Figure, Subject

OURS = "Duepost's rows"
FLOOR = {"sqlite": "floor: SELECT of a flattened table", "postgresql": "floor: COPY of a flattened table"}
ORM = "SQLAlchemy ORM, selectin loading"
WINDOW = "one query with windows"
PAGE = 2_000


def ours(url: str) -> Figures:
    from portal.exports.rows import open_rows

    with app_on(url):
        rows, first = 0, 0.0
        with Timed() as timed:
            began = time.perf_counter()
            with open_rows(flat_request("CSV")) as stream:
                for page in stream.pages:
                    first = first or time.perf_counter() - began
                    rows += len(page)
    return timed.figures() | {"rows": rows, "first_row_seconds": first}


def floor(url: str) -> Figures:
    """Nothing but reading what lies there flat, by the driver alone."""
    with app_on(url):
        from portal.extensions import db

        with db.engine.connect() as connection, Timed() as timed:
            raw: Any = connection.connection.driver_connection
            rows = _copied(raw) if connection.dialect.name == "postgresql" else _fetched(raw.execute(flat_query()))
    return timed.figures() | {"rows": rows}


def _copied(raw: Any) -> int:
    count = 0
    with raw.cursor().copy(f"COPY {FLAT} TO STDOUT") as copy:
        for block in copy:
            count += bytes(block).count(b"\n")
    return count


def _fetched(cursor: Any) -> int:
    rows = 0
    while page := cursor.fetchmany(PAGE):
        rows += len(page)
    return rows


def by_orm(url: str, most: int) -> Figures:
    with app_on(url):
        from portal.extensions import db

        with Timed() as timed:
            rows = sum(1 for _ in orm_rows(db.engine, most))
    return timed.figures() | {"rows": rows}


def by_window_query(url: str) -> Figures:
    with app_on(url):
        from portal.extensions import db

        with db.engine.connect() as connection, Timed() as timed:
            streamed = connection.execution_options(stream_results=True, max_row_buffer=PAGE)
            result = streamed.execute(sa.text(window_query(connection.dialect.name)))
            rows = _fetched(result)
    return timed.figures() | {"rows": rows}


def measure(register: Register, database: str, orm_cases: int, repeats: int, say: Say) -> Subject:
    """`database` is sqlite or postgresql; the ORM, whose speed does not depend on their number, reads fewer cases."""
    ways = [
        Way(OURS, ours, {"url": register.url}),
        Way(FLOOR[database], floor, {"url": register.url}),
        Way(WINDOW, by_window_query, {"url": register.url}),
        Way(ORM, by_orm, {"url": register.url, "most": orm_cases}),
    ]
    found = compare(ways, repeats, say)
    name = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[database]
    return Subject(f"rows-{database}", f"Rows from {name}", "rows", list(found.values()), _figures(found, database))


def _figures(found: dict[str, Found], database: str) -> list[Figure]:
    mine, lowest = found[OURS].per_second(), found[FLOOR[database]].per_second()
    of_floor = Figure.at_least("of the floor", mine / lowest, 0.17 if database == "sqlite" else 0.14, "×")
    times_orm = mine / found[ORM].per_second()
    figures = [of_floor, Figure.shown("times one query with windows", mine / found[WINDOW].per_second(), "×")]
    if database == "sqlite":
        figures = [
            Figure.at_least("rows a second", mine, 25_000, "rows/s"),
            *figures,
            Figure.at_least("times the ORM", times_orm, 10, "×"),
        ]
    else:
        figures += [Figure.shown("rows a second", mine, "rows/s"), Figure.shown("times the ORM", times_orm, "×")]
    first = found[OURS].figures["first_row_seconds"] * 1000
    return [
        *figures,
        Figure.shown("first row after", first, "ms"),
        Figure.shown("peak memory", found[OURS].figures["peak_mb"], "MB"),
    ]
