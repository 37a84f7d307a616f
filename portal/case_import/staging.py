"""The rows of an import on their way: mapped, spilled to a file of their own, and had back case by case.

Rows of one case may stand anywhere in a file; holding all of them would take as much memory as the file is long.
"""

from __future__ import annotations

import itertools
import json
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from portal.case_import.convert import canonical
from portal.case_import.row_mapper import Mapped

CASE_SECTION = 0
NO_CASE = 0  # the ordinal under which disclosures without a case are kept
_REMEMBERED = 50_000
_AT_ONCE = 500

_TABLES = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -32000;
CREATE TABLE cases (ordinal INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE);
CREATE TABLE rows (
    ordinal INTEGER NOT NULL, section INTEGER NOT NULL, row INTEGER NOT NULL, file INTEGER NOT NULL,
    line INTEGER NOT NULL, own_key TEXT NOT NULL, investigation TEXT NOT NULL, payload TEXT NOT NULL
);
CREATE TABLE seen (digest BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE case_numbers (number TEXT PRIMARY KEY, key TEXT NOT NULL) WITHOUT ROWID;
BEGIN;
"""


_decode = json.JSONDecoder().decode


@dataclass(frozen=True, slots=True)
class StagedRow:
    """`row` counts rows over all files: what one row of a file gave to several sections has it in common. `payload` is
    `values` as JSON."""

    section: int
    row: int
    file: int
    line: int
    own_key: str
    investigation: str
    payload: str
    values: list[object]


@dataclass(frozen=True, slots=True)
class StagedCase:
    key: str
    rows: list[StagedRow]


class Staging:
    """A temporary SQLite file; gone when the with statement ends."""

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="duepost-import-")
        self._db = sqlite3.connect(Path(self._folder.name) / "rows.sqlite3", isolation_level=None)
        self._db.executescript(_TABLES)
        self._ordinals: dict[str, int] = {}
        self._waiting: list[tuple[int, int, int, int, int, str, str, str]] = []
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()
        self._folder.cleanup()

    def is_new(self, digest: bytes) -> bool:
        """Whether no row of that digest came before."""
        return self._db.execute("INSERT OR IGNORE INTO seen VALUES (?)", (digest,)).rowcount == 1

    def add(self, section: int, row: int, file: int, line: int, mapped: Mapped) -> None:
        ordinal = self._ordinal(mapped.case_key) if mapped.case_key else NO_CASE
        self._waiting.append(
            (ordinal, section, row, file, line, mapped.own_key, mapped.investigation_key, canonical(mapped.values))
        )
        if len(self._waiting) >= _AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        self._db.executemany("INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?, ?)", self._waiting)
        self._waiting.clear()

    def _ordinal(self, key: str) -> int:
        known = self._ordinals.get(key)
        if known is not None:
            return known
        if len(self._ordinals) >= _REMEMBERED:
            self._ordinals.clear()
        self._db.execute("INSERT OR IGNORE INTO cases (key) VALUES (?)", (key,))
        ordinal: int = self._db.execute("SELECT ordinal FROM cases WHERE key = ?", (key,)).fetchone()[0]
        self._ordinals[key] = ordinal
        return ordinal

    def index_own_keys(self) -> None:
        """Make `cases_of` possible, and quick; after the sections it looks into were added."""
        self._flush()
        self._db.execute("CREATE INDEX IF NOT EXISTS own_keys ON rows (own_key, section) WHERE own_key <> ''")

    def cases_of(self, own_key: str, sections: list[int]) -> list[str]:
        """Keys of the cases that hold a row of that key in one of the sections; two at most."""
        marks = ", ".join("?" * len(sections))
        found = self._db.execute(
            "SELECT DISTINCT key FROM rows JOIN cases USING (ordinal)"  # noqa: S608  # only question marks are put in
            f" WHERE own_key = ? AND own_key <> '' AND section IN ({marks}) LIMIT 2",
            (own_key, *sections),
        )
        return [key for (key,) in found]

    def owner_of_number(self, number: str, key: str) -> str:
        """The key of the case that first took this case number; `key` itself where it is the first."""
        self._db.execute("INSERT OR IGNORE INTO case_numbers VALUES (?, ?)", (number, key))
        owner: str = self._db.execute("SELECT key FROM case_numbers WHERE number = ?", (number,)).fetchone()[0]
        return owner

    def cases(self) -> Iterator[StagedCase]:
        """Case by case as they first stood in the files; rows of a section in their order."""
        self._flush()
        self._db.execute("CREATE INDEX by_case ON rows (ordinal, section, row)")
        found = self._db.cursor().execute(
            "SELECT cases.key, section, row, file, line, own_key, investigation, payload"
            " FROM cases JOIN rows USING (ordinal) ORDER BY ordinal, section, row"
        )
        for key, rows in itertools.groupby(found, key=lambda each: str(each[0])):
            yield StagedCase(key, [_staged(each[1:]) for each in rows])

    def without_case(self) -> Iterator[list[StagedRow]]:
        """Rows without a case that have their key in common, or without a key all their values."""
        found = self._db.cursor().execute(
            "SELECT CASE own_key WHEN '' THEN payload ELSE '' END AS content,"
            " section, row, file, line, own_key, investigation, payload"
            " FROM rows WHERE ordinal = ? ORDER BY section, own_key, content, row",
            (NO_CASE,),
        )
        for _, rows in itertools.groupby(found, key=lambda each: (each[1], each[5], each[0])):
            yield [_staged(each[1:]) for each in rows]


def _staged(columns: tuple[int, int, int, int, str, str, str]) -> StagedRow:
    section, row, file, line, own_key, investigation, payload = columns
    return StagedRow(section, row, file, line, own_key, investigation, payload, _decode(payload))
