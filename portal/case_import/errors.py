"""What may be wrong: with the whole import (nothing is written), or with one row (nothing else is stopped)."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


class ImportRefusedError(Exception):
    """The import cannot start, or not go on: mapping, files or organization. The text is one sentence that says why."""


class MappingError(ImportRefusedError):
    """The mapping file is wrong; the sentence names the place in it."""


class BadValueError(Exception):
    """One value of one row cannot be taken."""

    def __init__(self, column: str, value: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column
        self.value = value
        self.reason = reason


@dataclass(frozen=True)
class BadRow:
    """A row that gave nothing to the register, and why. `column` and `value` are empty where the whole row is meant."""

    file: str
    line: int
    column: str
    value: str
    reason: str


LONGEST_SHOWN = 80


def shortened(text: str) -> str:
    """A value as it is shown in a message: one line, at most LONGEST_SHOWN characters."""
    line = " ".join(text[: LONGEST_SHOWN * 4].split())
    return line if len(line) <= LONGEST_SHOWN else f"{line[: LONGEST_SHOWN - 1]}…"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """'; did you mean "status"?' or nothing. To be put at the end of a sentence without its full stop."""
    names = {each.casefold(): each for each in known}
    near = difflib.get_close_matches(name.casefold(), names, n=1, cutoff=0.6)
    return f'; did you mean "{names[near[0]]}"?' if near else "."
