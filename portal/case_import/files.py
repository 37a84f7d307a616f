"""Which of the given files goes to which section of the mapping, and whether they hold what it names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from portal.case_import.columns import Columns
from portal.case_import.csv_options import CsvOptions
from portal.case_import.errors import ImportRefusedError
from portal.case_import.fields import CASE, INTERVIEWS
from portal.case_import.lookups import Lookups, takes
from portal.case_import.mapping import Mapping
from portal.case_import.readers import open_rows
from portal.case_import.row_mapper import RowMapper


@dataclass(frozen=True)
class Reading:
    """One pass over one file, the number `file` of all: `mappers` by the number of their section."""

    file: int
    path: Path
    csv: CsvOptions
    mappers: tuple[tuple[int, RowMapper], ...]


def plan(mapping: Mapping, files: Sequence[Path], home: ZoneInfo, names: set[str]) -> list[Reading]:
    """The passes in the order they are to be made: cases, their children, interviews.

    `names` are those of the organization, folded. Raises ImportRefusedError: a file that goes nowhere, cannot be read,
    is empty or no text, or lacks a column.
    """
    unique = list({path.resolve(): path for path in files}.values())
    if not unique:
        raise ImportRefusedError("Name at least one file to import.")
    lookups = Lookups(mapping.lookups, unique)
    passes = []
    for number, path in enumerate(unique):
        sections = _sections_of(path, mapping, for_lookup=lookups.take(path))
        if not sections and not lookups.take(path):
            raise ImportRefusedError(
                f'No section of the mapping takes the file {path.name}; see "files" in the mapping.'
            )
        for group in sections:
            csv = mapping.sections[group[0]].csv
            with open_rows(path, csv) as rows:
                columns = Columns(rows.header, path.name, lookups)
            mappers = tuple((each, _mapper(mapping, each, columns, home, names)) for each in group)
            passes.append(Reading(number, path, csv, mappers))
    return sorted(passes, key=lambda each: (_order(mapping, each), each.file))


def _order(mapping: Mapping, reading: Reading) -> int:
    entity = mapping.sections[reading.mappers[0][0]].entity
    return 0 if entity is CASE else 2 if entity is INTERVIEWS else 1


def _mapper(mapping: Mapping, number: int, columns: Columns, home: ZoneInfo, names: set[str]) -> RowMapper:
    section = mapping.sections[number]
    return RowMapper(section, section.case if section.files and number else mapping.case.key, columns, home, names)


def _sections_of(path: Path, mapping: Mapping, *, for_lookup: bool) -> list[list[int]]:
    """Groups of sections that read the file together: the case with its children of the same rows; others alone."""
    own = [[number] for number, each in enumerate(mapping.sections) if number and takes(each.files, path)]
    with_case = [0] + [number for number, each in enumerate(mapping.sections) if number and not each.files]
    patterns = mapping.case.files
    if takes(patterns, path) or (not patterns and not own and not for_lookup):
        return [with_case, *own]
    return own
