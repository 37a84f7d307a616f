"""Categories, business units and locations: found by their names, made where the register lacks them."""

from __future__ import annotations

import functools
import hashlib
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.case_import.grouping import LONGEST_SOURCE_KEY
from portal.case_import.report import Tally
from portal.case_import.upsert import Target, Wanted, hash_of, insert, known_by_key, new_id, update
from portal.case_import.value_spec import fold

REMEMBERED = 20_000  # names repeat from case to case
Level = tuple[str, str | None]
Path = list[Level]


@dataclass(frozen=True, slots=True)
class _Node:
    key: str
    parent_key: str | None
    columns: dict[str, object]


class Names:
    """Rows of one of the three tables by key; what was once seen is remembered. Names are compared folded."""

    def __init__(self, table: sa.Table, target: Target, tally: Tally) -> None:
        self._table = table
        self._target = target
        self._tally = tally
        self._ids: dict[str, uuid.UUID] = {}
        self._met: set[tuple[Level, ...]] = set()

    def ensure_paths(self, session: Session, paths: Iterable[object]) -> None:
        """Make every node of the paths; a path is a list of [name, code] from the top."""
        nodes: dict[str, _Node] = {}
        for path in paths:
            assert isinstance(path, list)
            levels = tuple((name, code) for name, code in path)
            if levels in self._met:
                continue
            self._met.add(levels)
            parent = None
            for depth in range(1, len(path) + 1):
                key = path_key(path[:depth])
                name, code = path[depth - 1]
                node = nodes.setdefault(key, _Node(key, parent, {"name": name, "code": code}))
                if code and not node.columns["code"]:
                    node.columns["code"] = code
                parent = key
        self._ensure(session, nodes)

    def ensure_places(self, session: Session, places: Iterable[object]) -> None:
        """The same for locations: a place is [name, country, region]."""
        nodes: dict[str, _Node] = {}
        for place in places:
            assert isinstance(place, list)
            name, country, region = place
            key = place_key(place)
            nodes.setdefault(key, _Node(key, None, {"name": name, "country": country, "region": region}))
        self._ensure(session, nodes)

    def id_of(self, key: str) -> uuid.UUID:
        return self._ids[key]

    def _ensure(self, session: Session, nodes: dict[str, _Node]) -> None:
        missing = [node for key, node in nodes.items() if key not in self._ids]  # parents stand before their children
        if not missing:
            return
        known = known_by_key(session, self._table, self._target, [node.key for node in missing])
        fresh, changed = [], []
        for node in missing:
            self._ids[node.key] = known[node.key].id if node.key in known else new_id()
            wanted = self._wanted(node)
            if node.key not in known:
                fresh.append((self._ids[node.key], wanted))
            elif known[node.key].source_hash != wanted.source_hash:
                changed.append((self._ids[node.key], wanted))
        insert(session, self._table, self._target, fresh)
        update(session, self._table, self._target, changed)
        self._tally.new += len(fresh)
        self._tally.updated += len(changed)
        self._tally.unchanged += len(missing) - len(fresh) - len(changed)

    def _wanted(self, node: _Node) -> Wanted:
        columns = dict(node.columns)
        source_hash = hash_of(columns)
        if "parent_id" in self._table.c:
            columns["parent_id"] = self._ids[node.parent_key] if node.parent_key else None
        return Wanted(node.key, source_hash, columns)


def path_key(path: Iterable[Iterable[str | None]]) -> str:
    return _joined(tuple(name for name, _code in path), ">")


def place_key(place: Iterable[str | None]) -> str:
    return _joined(tuple(place), "|")


@functools.lru_cache(REMEMBERED)
def _joined(names: tuple[str | None, ...], sign: str) -> str:
    return _bounded(f" {sign} ".join(fold(name or "").replace(sign, f"\\{sign}") for name in names))


def _bounded(key: str) -> str:
    if len(key) <= LONGEST_SOURCE_KEY:
        return key
    return f"{key[:400]}~{hashlib.sha256(key.encode()).hexdigest()}"
