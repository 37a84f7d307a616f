"""Rows of a CSV file that may be broken in any way: each bad stretch is told, and reading goes on behind it.

A quote that is never closed would swallow the rest of a file. So a record that cannot be read is given up at its first
line and reading begins again at the second; what was read ahead is kept for that, and bounded.
"""

from __future__ import annotations

import codecs
import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from portal.case_import.csv_options import CsvOptions
from portal.case_import.errors import ImportRefusedError

LONGEST_CELL = 1_048_576  # characters
LONGEST_LINE = 4 * LONGEST_CELL
LONGEST_RECORD = 8 * LONGEST_CELL
SNIFFED = 8192  # bytes looked at to tell text from something else

# csv keeps one limit for the whole process; it is the same for everybody here
# (a cell that is too long is read all the same, so that its row can be told from a quote that is never closed)
csv.field_size_limit(LONGEST_RECORD)

_MARK = "\udcff"  # stands for a byte that is not of the file's encoding; no decoder makes it otherwise
_MARKING = "duepost-mark"


def _mark(problem: UnicodeError) -> tuple[str, int]:
    if not isinstance(problem, UnicodeDecodeError):
        raise problem
    return _MARK * (problem.end - problem.start), problem.end


codecs.register_error(_MARKING, _mark)


@dataclass(frozen=True, slots=True)
class Row:
    """One record. Where `problem` is not empty the cells are not to be used; `excerpt` shows the trouble."""

    line: int
    cells: list[str]
    problem: str = ""
    excerpt: str = ""
    undecodable: bool = False


class CsvRows:
    """An open file: its header, then its rows. To be used in a with statement. Raises ImportRefusedError on opening."""

    def __init__(self, path: Path, options: CsvOptions) -> None:
        self._options = options
        self._name = path.name
        _refuse_what_is_no_text(path, options)
        encoding = "utf-8-sig" if codecs.lookup(options.encoding).name == "utf-8" else options.encoding
        try:
            self._text = path.open(encoding=encoding, errors=_MARKING, newline="")
        except OSError as problem:
            raise ImportRefusedError(f"The file {path} cannot be read: {problem.strerror or problem}.") from None
        self._lines = _Lines(self._text)
        self._delimiter = options.delimiter or ("\t" if path.suffix.lower() == ".tsv" else ",")
        self._parser = self._new_parser()
        try:
            self.header = self._read_header()
        except BaseException:
            self._text.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._text.close()

    def _new_parser(self) -> Iterator[list[str]]:
        return csv.reader(self._lines, delimiter=self._delimiter, strict=True)

    def _read_header(self) -> list[str]:
        for _ in range(self._options.skip_lines):
            self._lines.skip()
        header = next((row for row in self._records() if any(cell.strip() for cell in row.cells) or row.problem), None)
        if header is None:
            raise ImportRefusedError(f"The file {self._name} is empty: it has no line of column names.")
        if header.problem:
            raise ImportRefusedError(f"The column names of {self._name} (line {header.line}): {header.problem}.")
        cells = [" ".join(cell.split()) for cell in header.cells]
        while cells and not cells[-1]:
            cells.pop()
        return cells

    def __iter__(self) -> Iterator[Row]:
        """The rows below the header, those without any value left out."""
        width = len(self.header)
        for row in self._records():
            cells = row.cells
            if row.problem:
                yield row
                continue
            if len(cells) != width:
                cells, problem = self._fitted(cells, width)
                if problem:
                    yield Row(row.line, [], problem, self._delimiter.join(row.cells[:5]))
                    continue
            if any(cells):
                yield Row(row.line, cells)

    def _fitted(self, cells: list[str], width: int) -> tuple[list[str], str]:
        if not any(cell.strip() for cell in cells):
            return [], ""
        if len(cells) < width and self._options.allow_short_rows:
            return cells + [""] * (width - len(cells)), ""
        if len(cells) > width and not any(cell.strip() for cell in cells[width:]):
            return cells[:width], ""
        return [], f"the row has {len(cells)} cells and the header {width}; a quote or a delimiter may be missing"

    def _records(self) -> Iterator[Row]:
        lines = self._lines
        while True:
            start = lines.begin()
            try:
                cells = next(self._parser)
            except StopIteration:
                return
            except (csv.Error, _BrokenError) as problem:
                yield Row(start, [], *_told(problem, lines.first()))
                lines.give_up_first()
                self._parser = self._new_parser()
                continue
            if lines.holds(_MARK):
                reason = (
                    f"holds bytes that are not {self._options.encoding}; if the file is in another encoding, "
                    'name it in the mapping ([csv] encoding = "cp1252")'
                )
                yield Row(start, [], reason, lines.first().replace(_MARK, "�"), undecodable=True)
            elif lines.holds("\0"):
                yield Row(start, [], "holds a NUL character", lines.first().replace("\0", "�"))
            elif lines.size > LONGEST_CELL and any(len(cell) > LONGEST_CELL for cell in cells):
                yield Row(start, [], f"a cell is longer than {LONGEST_CELL:,} characters", lines.first())
            elif cells:
                yield Row(start, cells)


class _BrokenError(Exception):
    """A line or a record that is longer than is read."""


def _told(problem: Exception, first: str) -> tuple[str, str]:
    text = str(problem)
    if isinstance(problem, _BrokenError):
        return text, first
    if "unexpected end" in text:
        reason = "a quote is opened and not closed"
    else:
        reason = "a quote inside a quoted cell is not doubled, or a quote is opened and not closed"
    return reason, first


class _Lines(Iterator[str]):
    """Physical lines, of which those of the current record can be had again. None stands for one that is too long."""

    def __init__(self, text: IO[str]) -> None:
        self._text = text
        self._again: deque[str | None] = deque()
        self._taken: list[str] = []
        self.size = 0
        self._number = 0

    def begin(self) -> int:
        """A record begins; the number of its first line."""
        self._taken.clear()
        self.size = 0
        return self._number + 1

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._read()
        if line is None:
            if self._taken:
                self._again.appendleft(None)
                raise _BrokenError("a quote is opened and not closed before a line that is too long to be read")
            self._number += 1
            raise _BrokenError(f"the line is longer than {LONGEST_LINE:,} characters")
        self._number += 1
        self._taken.append(line)
        self.size += len(line)
        if self.size > LONGEST_RECORD:
            raise _BrokenError(
                f"the row is longer than {LONGEST_RECORD:,} characters, or a quote is opened and not closed"
            )
        return line

    def _read(self) -> str | None:
        line = self._text.readline(LONGEST_LINE)
        if not line:
            raise StopIteration
        if len(line) < LONGEST_LINE or line.endswith(("\n", "\r")):
            return line
        while rest := self._text.readline(LONGEST_LINE):
            if rest.endswith(("\n", "\r")):
                break
        return None

    def skip(self) -> None:
        """Pass over one line, whatever it holds."""
        if self._text.readline(LONGEST_LINE):
            self._number += 1

    def first(self) -> str:
        return self._taken[0][:1000] if self._taken else ""

    def holds(self, character: str) -> bool:
        return any(character in line for line in self._taken)

    def give_up_first(self) -> None:
        """The current record's first line is lost; its others are read again."""
        if self._taken:
            self._again.extendleft(reversed(self._taken[1:]))
            self._number -= len(self._taken) - 1


_CONTROLS = bytes(code for code in range(0x20) if chr(code) not in "\t\n\v\f\r")
_OTHER_FILES = {
    b"PK\x03\x04": "a workbook or a zip archive",
    b"%PDF": "a PDF",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\x1f\x8b": "a compressed file",
    b"SQLite format 3": "a database",
}


def _refuse_what_is_no_text(path: Path, options: CsvOptions) -> None:
    """Empty, binary, or UTF-16 where the mapping does not say so: one sentence each."""
    try:
        with path.open("rb") as file:
            start = file.read(SNIFFED)
    except OSError as problem:
        raise ImportRefusedError(f"The file {path} cannot be read: {problem.strerror or problem}.") from None
    if not start.strip():
        raise ImportRefusedError(f"The file {path.name} is empty.")
    for magic, what in _OTHER_FILES.items():
        if start.startswith(magic):
            raise ImportRefusedError(f"The file {path.name} is {what}, not a CSV file; save it as CSV in UTF-8.")
    codec = codecs.lookup(options.encoding).name
    if codec.startswith(("utf-16", "utf-32")):
        return
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ImportRefusedError(
            f'The file {path.name} is UTF-16, not {options.encoding}; say so in the mapping: [csv] encoding = "utf-16".'
        )
    if len(start) - len(start.translate(None, _CONTROLS)) > len(start) // 100:
        raise ImportRefusedError(f"The file {path.name} is binary, not a CSV file in {options.encoding}.")
