"""The columns of one file by the names a mapping gives them."""

from __future__ import annotations

import re
from typing import Protocol

from portal.case_import.errors import MappingError, did_you_mean

_NUMBERED = re.compile(r"(.*)#(\d{1,4})", re.DOTALL)


class LookedUp(Protocol):
    """What other files say of an id, by the lookup's name and the column wanted."""

    def table(self, name: str, take: str, place: str) -> dict[str, str]: ...


class Columns:
    """Finds "Name", "Name#2" (the second of that name) and "#3" (the third column). `lookups` is for their values."""

    def __init__(self, header: list[str], file: str, lookups: LookedUp | None = None) -> None:
        self._header = header
        self._file = file
        self._lookups = lookups

    def __len__(self) -> int:
        return len(self._header)

    def name(self, index: int) -> str:
        return self._header[index]

    def looked_up(self, name: str, take: str, place: str) -> dict[str, str]:
        assert self._lookups is not None
        return self._lookups.table(name, take, place)

    def index(self, wanted: str, place: str) -> int:
        """Position of the column from 0. Raises MappingError: not there, or there more than once."""
        name = " ".join(wanted.split())
        found = [number for number, each in enumerate(self._header) if each == name]
        if len(found) == 1:
            return found[0]
        if found:
            raise MappingError(
                f'{place}: {self._file} has {len(found)} columns "{name}"; say "{name}#1" to "{name}#{len(found)}".'
            )
        return self._numbered(name, place)

    def _numbered(self, name: str, place: str) -> int:
        match = _NUMBERED.fullmatch(name)
        if match:
            base, number = match[1].strip(), int(match[2])
            same = [index for index, each in enumerate(self._header) if each == base or not base]
            if 1 <= number <= len(same):
                return same[number - 1]
        hint = did_you_mean(name, [each for each in self._header if each])
        raise MappingError(f'{place}: {self._file} has no column "{name}"{hint}')
