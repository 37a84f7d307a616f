"""From the rows of one case to the case, and to the children that hang on it, each with the key it is known by."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from portal.case_import.fields import INTERVIEWS, INVESTIGATIONS
from portal.case_import.mapping import Section, Spec
from portal.case_import.row_mapper import apply_order, before_rules
from portal.case_import.staging import StagedRow

LONGEST_SOURCE_KEY = 512
_QUOTED = str.maketrans({"%": "%25", "/": "%2F", "#": "%23", ":": "%3A"})


@dataclass(frozen=True, slots=True)
class Child:
    """`parent_key` is set for interviews: the source key of the investigation. `own_key` False: known by content."""

    source_key: str
    has_own_key: bool
    row: StagedRow
    parent_key: str | None = None


class CaseGrouping:
    """Reduces the rows of a case to one value per field, as the mapping says."""

    def __init__(self, section: Section, home: ZoneInfo) -> None:
        self._section = section
        self._home = home
        self._order = before_rules(section.specs)
        self._places = {spec.field.name: number for number, spec in enumerate(section.specs) if not spec.in_bag}

    def case(self, rows: Sequence[StagedRow], notes: list[str]) -> list[object]:
        specs = self._section.specs
        if len(rows) == 1:
            values = list(rows[0].values)
        else:
            picked = [_pick(spec, [row.values[number] for row in rows]) for number, spec in enumerate(specs)]
            for number, spec in enumerate(specs):
                if spec.pick_with is not None:
                    picked[number] = picked[self._places[spec.pick_with]]
            values = [rows[which].values[number] for number, which in enumerate(picked)]
            self._note_disagreement(rows, notes)
        apply_order(values, self._order, self._home, "[case]", notes)
        return values

    def _note_disagreement(self, rows: Sequence[StagedRow], notes: list[str]) -> None:
        """Where nothing was said about how to choose, say that there was a choice."""
        for number, spec in enumerate(self._section.specs):
            if spec.pick == "first" and any(row.values[number] != rows[0].values[number] for row in rows):
                notes.append(f"[case] rows of one case disagree on {spec.field.name}, the first was taken")


def _pick(spec: Spec, values: list[object]) -> int:
    """Which row gives the value."""
    filled = [number for number, value in enumerate(values) if value is not None]
    match spec.pick:
        case "last":
            return len(values) - 1
        case "first_filled":
            return filled[0] if filled else 0
        case "last_filled":
            return filled[-1] if filled else 0
        case "least" if filled:
            return min(filled, key=lambda number: values[number])  # type: ignore[arg-type, return-value]  # one field, one type
        case "greatest" if filled:
            return max(filled, key=lambda number: values[number])  # type: ignore[arg-type, return-value]  # one field, one type
        case "worst" if filled:
            rank = {word: place for place, word in enumerate(spec.worst_first)}
            return min(filled, key=lambda number: rank.get(str(values[number]), len(rank)))
        case _:
            return 0


def children(
    case_key: str, sections: Sequence[Section], rows: Sequence[StagedRow]
) -> tuple[dict[str, list[Child]], list[tuple[StagedRow, str]]]:
    """Children by entity, in the order of the rows, and rows that name no investigation, with the reason.

    The first row of a key wins; rows without one are known by a hash of their values and by how many like it came
    before in the case.
    """
    made: dict[str, dict[str, Child]] = {}
    alike: Counter[str] = Counter()
    of_row: dict[int, str] = {}
    of_key: dict[str, str] = {}
    lost = []
    parts = case_key.translate(_QUOTED)
    first_name = next((each.name for each in sections if each.entity is INVESTIGATIONS), "")
    for row in rows:
        section = sections[row.section]
        name = section.entity.name
        parent = None
        if section.entity is INTERVIEWS:
            if not section.investigation:
                parent = of_row.get(row.row)
            elif row.investigation:
                # one that these files do not hold may stand in the register
                elsewhere = source_key(parts, first_name, row.investigation.translate(_QUOTED))
                parent = of_key.get(row.investigation, elsewhere)
            if parent is None:
                lost.append((row, "names no investigation that it belongs to"))
                continue
        own = _own_part(section, row, alike, parent)
        key = source_key(parts if parent is None else parent, section.name, own)
        if section.entity is INVESTIGATIONS:
            of_row.setdefault(row.row, key)
            if row.own_key:
                of_key.setdefault(row.own_key, key)
        known_by_key = bool(row.own_key) or section.per == "case"
        child = Child(key, known_by_key, row, parent)
        made.setdefault(name, {}).setdefault(key, child)
    return {name: list(found.values()) for name, found in made.items()}, lost


def _own_part(section: Section, row: StagedRow, alike: Counter[str], parent: str | None) -> str:
    if row.own_key:
        return row.own_key.translate(_QUOTED)
    if section.per == "case":
        return "1"
    digest = content_digest(row)
    if section.per == "distinct":
        return f"#{digest}"
    counted = f"{row.section}/{parent}/{digest}"
    alike[counted] += 1
    return f"#{digest}-{alike[counted]}"


def content_digest(row: StagedRow) -> str:
    return hashlib.sha256(row.payload.encode()).hexdigest()[:32]


def source_key(parent: str, section_name: str, own_part: str) -> str:
    """Unambiguous, readable, and never longer than the column."""
    title = f"{section_name.translate(_QUOTED)}:" if section_name else ""
    key = f"{parent}/{title}{own_part}"
    if len(key) <= LONGEST_SOURCE_KEY:
        return key
    return f"{key[:400]}~{hashlib.sha256(key.encode()).hexdigest()}"
