"""Masking applied to pages of rows, a column at a time; nothing of it is there where nothing is masked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from portal.exports.catalogue import CatalogueError, RowsAre, offer
from portal.exports.columns import Column, ColumnType, Sensitivity
from portal.exports.masking import Treatment
from portal.exports.pseudonyms import pseudonyms_of
from portal.exports.register_columns import ANONYMOUS
from portal.exports.request import ExportRequest
from portal.exports.scope import Scope
from portal.exports.small_groups import CHAIN, SmallGroups, small_groups
from portal.exports.writers import Page, Value

MASKED = "[masked]"
_KINDS = {"case_id": "Case ID", "case_number": "Case", "disclosure_id": "Disclosure"}
Cells = Sequence[Value]


@dataclass(frozen=True)
class Masked:
    """What is read for an export, what is written of it, and how the one becomes the other."""

    read: list[Column]
    written: list[Column]
    of: Callable[[Page], Page]


def masked(request: ExportRequest, columns: list[Column], connection: Connection, scope: Scope) -> Masked:
    """How `columns` of the request are masked. Raises CatalogueError where none of them is left."""
    treated = {key: Treatment(word) for key, word in request.masking.get("columns", {}).items()}
    if not any(column.key in treated for column in columns):
        return Masked(columns, columns, lambda page: page)
    written = [column for column in columns if treated.get(column.key) is not Treatment.OMIT]
    if not written:
        raise CatalogueError("columns", "All of the columns are left out by masking: choose others, or mask less.")
    small = [column for column in written if treated.get(column.key) is Treatment.SMALL]
    of_cases = offer(request.export_type).rows_are is RowsAre.CASES
    read, hide = written, None
    if small and of_cases:
        helper = [] if any(column.key == ANONYMOUS.key for column in written) else [ANONYMOUS]
        read = [*written, *helper]
        told = [column.key for column in written if column.key not in treated]
        hide = _Hide.of(read, told, [column.key for column in small], connection, scope)
    pseudonym = pseudonyms_of(request.organization_id)
    makes: list[Callable[[Cells], Cells] | None] = [None] * len(written)
    for position, column in enumerate(written):
        if treated.get(column.key) is Treatment.MASK or (column in small and not of_cases):
            makes[position] = _mask(column, pseudonym)

    def of(page: Page) -> Page:
        if not page:
            return page
        cells: list[Cells] = list(zip(*page, strict=True))
        if hide is not None:
            hide.in_columns(cells)
        made = [values if make is None else make(values) for make, values in zip(makes, cells, strict=False)]
        return list(zip(*made, strict=True))

    return Masked(read, written, of)


def _mask(column: Column, pseudonym: Callable[[str, str], str]) -> Callable[[Cells], Cells]:
    """A column's values masked. What is no text becomes empty, so that the column keeps its type."""
    if column.type is not ColumnType.TEXT:
        return lambda values: (None,) * len(values)
    if column.sensitivity in (Sensitivity.PERSON, Sensitivity.IDENTIFIER):
        kind = _kind(column)
        return lambda values: [None if value is None else pseudonym(kind, str(value)) for value in values]
    return lambda values: [None if value is None else MASKED for value in values]


def _kind(column: Column) -> str:
    if column.sensitivity is Sensitivity.PERSON:
        return "Person"
    if column.key.startswith("inv_"):
        return "Investigation"
    return _KINDS.get(column.key, "Id")


@dataclass(frozen=True)
class _Hide:
    """Hides what small groups of anonymous reports must not tell."""

    anonymous: int
    """Where the column stands that tells them; positions are of the columns read."""
    chain: list[int]
    """Where the columns of CHAIN stand that the groups are made by."""
    told_first: int
    """How many of them are told of everybody."""
    others: list[int]
    """Columns of which no groups are counted: they are hidden of every anonymous report."""
    typed: frozenset[int]
    """Columns that hold no text."""
    groups: SmallGroups

    @classmethod
    def of(cls, read: list[Column], told: list[str], small: list[str], connection: Connection, scope: Scope) -> _Hide:
        where = {column.key: position for position, column in enumerate(read)}
        shown = [key for key in CHAIN if key in told]
        grouped = [*shown, *(key for key in CHAIN if key in small)]
        return cls(
            anonymous=where[ANONYMOUS.key],
            chain=[where[key] for key in grouped],
            told_first=len(shown),
            others=[where[key] for key in small if key not in CHAIN],
            typed=frozenset(place for place, column in enumerate(read) if column.type is not ColumnType.TEXT),
            groups=small_groups(connection, scope, grouped, len(shown)),
        )

    def in_columns(self, columns: list[Cells]) -> None:
        """Replaces in `columns`, one sequence for each column read, those in which something is hidden."""
        hidden = [*self.chain[self.told_first :], *self.others]
        if self.groups.everywhere:
            for place in hidden:
                columns[place] = [self._cover(place)] * len(columns[place])
            return
        rows = [row for row, anonymous in enumerate(columns[self.anonymous]) if anonymous]
        combinations = list(zip(*(columns[place] for place in self.chain), strict=True)) if self.chain else []
        changed = {place: list(columns[place]) for place in hidden}
        for row in rows:
            told = self.groups.told.get(combinations[row], self.told_first) if self.chain else 0
            for place in (*self.chain[told:], *self.others):
                changed[place][row] = self._cover(place)
        for place, values in changed.items():
            columns[place] = values

    def _cover(self, place: int) -> Value:
        return None if place in self.typed else MASKED
