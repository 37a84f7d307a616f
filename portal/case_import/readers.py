"""Which reader takes which file, by the file's suffix."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, Self

from portal.case_import.csv_options import CsvOptions
from portal.case_import.csv_rows import CsvRows, Row
from portal.case_import.errors import ImportRefusedError


class Rows(AbstractContextManager["Rows"], Protocol):
    """An open file of rows: the names of its columns as they stand there, then its rows, as long as the header."""

    header: list[str]

    def __enter__(self) -> Self: ...
    def __iter__(self) -> Iterator[Row]: ...


READERS: dict[str, Callable[[Path, CsvOptions], Rows]] = {
    ".csv": CsvRows,
    ".tsv": CsvRows,
    ".txt": CsvRows,
}


def open_rows(path: Path, options: CsvOptions) -> Rows:
    """Raises ImportRefusedError: unknown suffix, unreadable, empty, not text."""
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise ImportRefusedError(
            f"The file {path.name} is of a kind that is not read; these are: {', '.join(READERS)}."
        )
    return reader(path, options)
