"""What the values that cases are divided by are called."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from portal.exports.masking import Treatment
from portal.exports.pseudonyms import pseudonyms_of
from portal.exports.register_names import Node, Place, Tree, load_business_units, load_categories, load_locations
from portal.models import Outcome, Priority, SourceChannel

NOT_RECORDED = "Not recorded"
PRIORITIES: tuple[str | None, ...] = (*(each.value for each in reversed(Priority)), None)
"""The gravest first, those without one last."""

COLUMNS = {
    "category": "category_name",
    "business_unit": "business_unit_name",
    "location": "location_name",
}
"""The column of a file that holds the same names, whose masking holds here too. Of words from a fixed list, such as
priorities, the report tells counts alone."""


@dataclass(frozen=True)
class Labels:
    """Names of ids and words. Two values of one name are told apart by their code, country or path."""

    top_of_category: Mapping[uuid.UUID, uuid.UUID]
    line_of_unit: Mapping[uuid.UUID, Sequence[uuid.UUID]]
    """A business unit's line, the top first, itself last."""
    names: Mapping[str, Mapping[uuid.UUID | str, str]]
    """By category (the top ones), business_unit, location, channel, priority, outcome."""


def load_labels(connection: sa.Connection, organization_id: uuid.UUID) -> Labels:
    categories = load_categories(connection, organization_id)
    tops = {node.id: categories.line(node)[-1] for node in categories.nodes.values()}
    units = load_business_units(connection, organization_id)
    places = load_locations(connection, organization_id)
    return Labels(
        {ident: top.id for ident, top in tops.items()},
        {unit.id: [each.id for each in reversed(units.line(unit))] for unit in units.nodes.values()},
        {
            "category": _told_apart({top.id: top for top in tops.values()}.values(), lambda node: node.code),
            "business_unit": _told_apart(units.nodes.values(), _code_or_path(units)),
            "location": _told_apart(places, lambda place: place.country or place.region),
            "channel": words_of(SourceChannel),
            "priority": words_of(Priority),
            "outcome": words_of(Outcome),
        },
    )


def masked(labels: Labels, organization_id: uuid.UUID, masking: Mapping[str, Any]) -> Labels:
    """With pseudonyms in place of names that the reader must not know, the same in every report."""
    treated = masking.get("columns", {})
    hidden = [kind for kind, column in COLUMNS.items() if treated.get(column) in (Treatment.MASK, Treatment.OMIT)]
    if not hidden:
        return labels
    pseudonym = pseudonyms_of(organization_id)
    others = {
        kind: {
            ident: pseudonym(kind.replace("_", " ").capitalize(), name) for ident, name in labels.names[kind].items()
        }
        for kind in hidden
    }
    return replace(labels, names={**labels.names, **others})


def level_units(labels: Labels, units: Collection[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
    """Each of these units as the one above it, or itself, on the highest level on which they are more than one."""
    lines = {unit: labels.line_of_unit[unit] for unit in units}
    deepest = max((len(line) for line in lines.values()), default=1)
    for level in range(deepest):
        found = {unit: line[min(level, len(line) - 1)] for unit, line in lines.items()}
        if len(set(found.values())) > 1:
            return found
    return {unit: unit for unit in units}


def words_of(enum: type[StrEnum]) -> dict[uuid.UUID | str, str]:
    """ "WEB_FORM": "Web form"."""
    return {each.value: each.value.replace("_", " ").capitalize() for each in enum}


def priority_label(priority: str | None) -> str:
    return priority.replace("_", " ").capitalize() if priority else NOT_RECORDED


def _code_or_path(tree: Tree) -> Callable[[Node], str | None]:
    return lambda node: node.code or (tree.path(node) if node.parent_id else None)


def _told_apart(
    rows: Iterable[Node] | Iterable[Place], more: Callable[[Node], str | None] | Callable[[Place], str | None]
) -> dict[uuid.UUID | str, str]:
    named: list[tuple[uuid.UUID, str, str | None]] = [
        (row.id, row.name.strip() or "(no name)", more(row))  # type: ignore[arg-type]  # rows and more are of one kind
        for row in rows
    ]
    times = Counter(name.casefold() for _, name, _ in named)
    return {
        ident: f"{name} ({beside})" if beside and times[name.casefold()] > 1 else name for ident, name, beside in named
    }
