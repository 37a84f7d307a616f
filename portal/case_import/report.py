"""What an import did, in counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from portal.case_import.errors import BadRow


@dataclass
class Tally:
    """Of one entity. `kept`: rows of the register that came from this source and are not in the files any more."""

    new: int = 0
    updated: int = 0
    unchanged: int = 0
    kept: int = 0

    def as_json(self) -> dict[str, int]:
        return {"new": self.new, "updated": self.updated, "unchanged": self.unchanged, "kept": self.kept}


@dataclass
class Report:
    """Counts of one import. A bad row gave nothing and was handed to `on_bad_row`; one that repeats another, or that
    the mapping leaves out, gave nothing either."""

    on_bad_row: Callable[[BadRow], None]
    rows_read: int = 0
    rows_bad: int = 0
    rows_repeated: int = 0
    rows_left_out: int = 0
    bad_by_section: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    entities: dict[str, Tally] = field(default_factory=dict)

    def tally(self, name: str) -> Tally:
        return self.entities.setdefault(name, Tally())

    def bad(self, row: BadRow, section: str) -> None:
        self.rows_bad += 1
        self.bad_by_section[section] += 1
        self.on_bad_row(row)

    def entities_as_json(self) -> dict[str, dict[str, int]]:
        """new, updated, unchanged, kept and bad by entity; rows that could not be told apart count with the cases."""
        names = [*self.entities, *(name for name in self.bad_by_section if name not in self.entities)]
        return {name: self.tally(name).as_json() | {"bad": self.bad_by_section[name]} for name in names}

    def as_json(self) -> dict[str, object]:
        return {
            "rows": {
                "read": self.rows_read,
                "bad": self.rows_bad,
                "repeated": self.rows_repeated,
                "left_out": self.rows_left_out,
            },
            "entities": self.entities_as_json(),
            "warnings": dict(sorted(self.warnings.items())),
        }
