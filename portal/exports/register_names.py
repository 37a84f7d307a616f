"""The small tables of a register, held in memory while it is read: the category tree, business units, locations."""

from __future__ import annotations

import functools
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from portal.models import BusinessUnit, Category, Location

PATH = " > "
"""Between the names of a path through a tree: "Harassment > Other"."""


@dataclass(frozen=True, slots=True)
class Node:
    """A category or a business unit."""

    id: uuid.UUID
    name: str
    code: str | None
    parent_id: uuid.UUID | None


class Tree:
    """Categories or business units by their ids. A cycle, which no import should leave, ends where it closes."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self.nodes: Mapping[uuid.UUID, Node] = {node.id: node for node in nodes}
        self._children: dict[uuid.UUID | None, list[Node]] = defaultdict(list)
        for node in sorted(self.nodes.values(), key=lambda node: (node.name.casefold(), str(node.id))):
            self._children[node.parent_id].append(node)

    def line(self, node: Node) -> list[Node]:
        """The node, its parent and so on; the top comes last."""
        line, seen = [node], {node.id}
        while (parent := self.nodes.get(line[-1].parent_id or node.id)) and parent.id not in seen:
            line.append(parent)
            seen.add(parent.id)
        return line

    def path(self, node: Node) -> str:
        """ "Harassment > Other": the names from the top down."""
        return PATH.join(each.name for each in reversed(self.line(node)))

    def with_children(self, chosen: Iterable[uuid.UUID]) -> set[uuid.UUID]:
        """The ids chosen and all below them."""
        found: set[uuid.UUID] = set()
        waiting = list(chosen)
        while waiting:
            each = waiting.pop()
            if each not in found:
                found.add(each)
                waiting.extend(child.id for child in self._children.get(each, ()))
        return found

    def walk(self) -> Iterator[tuple[int, Node]]:
        """(depth, node) from the tops down, by name; what only hangs in a cycle comes last, as tops."""
        seen: set[uuid.UUID] = set()
        tops = [node for node in self.nodes.values() if node.parent_id not in self.nodes]
        waiting = [(0, node) for node in sorted(tops, key=lambda node: node.name.casefold(), reverse=True)]
        rest = list(self.nodes.values())
        while waiting or rest:
            depth, node = waiting.pop() if waiting else (0, rest.pop(0))
            if node.id not in seen:
                seen.add(node.id)
                yield depth, node
                waiting.extend((depth + 1, child) for child in reversed(self._children.get(node.id, [])))

    def value_of(self, node: Node) -> str:
        """The shortest text that means this node alone, where there is one: its code, its name, or its path."""
        for text in (node.code, node.name):
            if text and self.named(text) == {node.id}:
                return text
        return self.path(node)

    def named(self, text: str) -> set[uuid.UUID]:
        """The ids whose code, else whose name, else whose path is that text, whatever its case."""
        for names in self._names:
            if found := names.get(text.strip().casefold()):
                return found
        return set()

    @functools.cached_property
    def _names(self) -> tuple[dict[str, set[uuid.UUID]], ...]:
        nodes = self.nodes.values()
        return (
            _by_text((node.code, node.id) for node in nodes if node.code),
            _by_text((node.name, node.id) for node in nodes),
            _by_text((self.path(node), node.id) for node in nodes),
        )

    def texts(self) -> list[str]:
        """Every name and code, to find what was probably meant."""
        return [text for node in self.nodes.values() for text in (node.name, node.code) if text]


@dataclass(frozen=True, slots=True)
class Place:
    """A location."""

    id: uuid.UUID
    name: str
    country: str | None
    region: str | None


def load_categories(connection: Connection, organization_id: uuid.UUID) -> Tree:
    return _load_tree(connection, Category, organization_id)


def load_business_units(connection: Connection, organization_id: uuid.UUID) -> Tree:
    return _load_tree(connection, BusinessUnit, organization_id)


def load_locations(connection: Connection, organization_id: uuid.UUID) -> list[Place]:
    """By name."""
    statement = sa.select(Location.id, Location.name, Location.country, Location.region)
    rows = connection.execute(statement.where(Location.organization_id == organization_id))
    return sorted((Place(*row) for row in rows), key=lambda place: (place.name.casefold(), str(place.id)))


def _load_tree(connection: Connection, table: type[Category | BusinessUnit], organization_id: uuid.UUID) -> Tree:
    statement = sa.select(table.id, table.name, table.code, table.parent_id)
    return Tree(Node(*row) for row in connection.execute(statement.where(table.organization_id == organization_id)))


def _by_text(pairs: Iterable[tuple[str, uuid.UUID]]) -> dict[str, set[uuid.UUID]]:
    found: dict[str, set[uuid.UUID]] = defaultdict(set)
    for text, each in pairs:
        found[text.strip().casefold()].add(each)
    return found
