"""Tables of names that other files refer to by an id: read whole, once, when the first value asks for them."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

from portal.case_import.columns import Columns
from portal.case_import.errors import ImportRefusedError, shortened
from portal.case_import.lookup_spec import LookupSpec
from portal.case_import.readers import open_rows

MOST_ROWS = 500_000  # of one lookup; it is held in memory


def takes(patterns: Sequence[str], path: Path) -> bool:
    """Whether the file's name is one of the patterns; without regard to case."""
    return any(fnmatch(path.name.casefold(), pattern.casefold()) for pattern in patterns)


class Lookups:
    """The lookups of a mapping over the files that were given."""

    def __init__(self, specs: Sequence[LookupSpec], paths: Sequence[Path]) -> None:
        self._specs = {spec.name: spec for spec in specs}
        self._paths = paths
        self._made: dict[tuple[str, str], dict[str, str]] = {}

    def take(self, path: Path) -> bool:
        """Whether one of them reads the file."""
        return any(takes(spec.files, path) for spec in self._specs.values())

    def table(self, name: str, take: str, place: str) -> dict[str, str]:
        """Key -> value of the column `take`, both trimmed. Raises ImportRefusedError: no file, a bad row, a key with
        two values; MappingError: a column that is not there."""
        if (name, take) not in self._made:
            self._made[name, take] = self._read(self._specs[name], take, place)
        return self._made[name, take]

    def _read(self, spec: LookupSpec, take: str, place: str) -> dict[str, str]:
        paths = [path for path in self._paths if takes(spec.files, path)]
        if not paths:
            raise ImportRefusedError(
                f'{place}: the lookup "{spec.name}" reads {", ".join(spec.files)}, and no such file was given.'
            )
        found: dict[str, str] = {}
        for path in paths:
            _add(found, spec, take, path)
        return found


def _add(found: dict[str, str], spec: LookupSpec, take: str, path: Path) -> None:
    with open_rows(path, spec.csv) as rows:
        columns = Columns(rows.header, path.name)
        place = f"[lookups.{spec.name}]"
        key_at, take_at = columns.index(spec.key, place), columns.index(take, place)
        for row in rows:
            if row.problem:
                raise ImportRefusedError(f"{place}: {path.name}, line {row.line}: {row.problem}.")
            key, value = row.cells[key_at].strip(), row.cells[take_at].strip()
            if key and found.setdefault(key, value) != value:
                raise ImportRefusedError(
                    f'{place}: {path.name}, line {row.line}: the key "{shortened(key)}" came before with another'
                    f' "{take}".'
                )
            if len(found) > MOST_ROWS:
                raise ImportRefusedError(f"{place}: {path.name} has more than {MOST_ROWS:,} keys, too many to look up.")
