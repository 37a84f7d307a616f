"""Grouped cases and their children into the tables, a batch in one transaction."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.case_import.convert import canonical
from portal.case_import.errors import BadRow
from portal.case_import.fields import CASE, CHILDREN, DISCLOSURES, INTERVIEWS, INVESTIGATIONS, Entity
from portal.case_import.grouping import Child
from portal.case_import.mapping import Section
from portal.case_import.report import Report
from portal.case_import.shape import Shape
from portal.case_import.staging import CASE_SECTION, StagedRow
from portal.case_import.trees import Names, path_key, place_key
from portal.case_import.upsert import (
    Known,
    Target,
    Wanted,
    chunks,
    insert,
    known_by_key,
    known_by_parent,
    new_id,
    update,
)
from portal.models import BusinessUnit, Case, Category, Location, Organization, User

CASES = CASE.table
RESTRICTIONS = CHILDREN["restrictions"]


@dataclass(frozen=True, slots=True)
class GroupedCase:
    """`values` is None where the files hold only children of the case."""

    key: str
    rows: Sequence[StagedRow]
    values: list[object] | None
    children: Mapping[str, Sequence[Child]]


class Register:
    """Writes batches. `complete` are the entities all of whose sections were read, so that what is gone can be told;
    `dated` is whether the source itself says when a case was updated."""

    def __init__(
        self,
        target: Target,
        report: Report,
        file_names: Sequence[str],
        sections: Sequence[Section],
        complete: frozenset[str],
        *,
        dated: bool,
    ) -> None:
        self._shapes = [Shape(section) for section in sections]
        self._case_shape = self._shapes[CASE_SECTION]
        self._dated = dated
        self._target = target
        self._report = report
        self._files = file_names
        self._complete = complete
        self._categories = self._names(Category, "categories")
        self._units = self._names(BusinessUnit, "business_units")
        self._locations = self._names(Location, "locations")
        self._users: dict[str, uuid.UUID] | None = None

    def _names(self, model: type[Category | BusinessUnit | Location], name: str) -> Names:
        table = model.__table__
        assert isinstance(table, sa.Table)
        return Names(table, self._target, self._report.tally(name))

    def write(self, session: Session, batch: Sequence[GroupedCase]) -> None:
        """The caller's transaction; it may not hold another batch of another organization."""
        self._lock(session)
        batch = self._without_taken_numbers(session, batch)
        self._ensure_names(session, [case.values for case in batch if case.values])
        known = known_by_key(session, CASES, self._target, [case.key for case in batch])
        ids, changed = self._write_cases(session, batch, known)
        lost = [case for case in batch if case.key not in ids]
        for case in lost:
            self._refuse(case.rows, "the register and the files hold no such case")
        found = [case for case in batch if case.key in ids]
        touched = self._write_children(session, found, ids, {known[key].id for key in ids if key in known})
        self._touch(session, touched - changed)

    def write_without_case(self, session: Session, batch: Sequence[Child]) -> None:
        """Rows that stand without a case (disclosures), in the caller's transaction."""
        self._lock(session)
        known = known_by_key(session, DISCLOSURES.table, self._target, [child.source_key for child in batch])
        self._write_rows(session, DISCLOSURES, "case_id", [(child, None) for child in batch], known)

    def cases_held(self, session: Session) -> int:
        """How many cases the register holds from this source."""
        query = sa.select(sa.func.count()).where(
            CASES.c.organization_id == self._target.organization_id, CASES.c.source == self._target.source
        )
        return session.execute(query).scalar_one()

    def _lock(self, session: Session) -> None:
        """One batch of an organization at a time, so that two imports at once see each other's rows; gone with the
        transaction, so that a crash leaves nothing behind. Other writers only need the row to be there."""
        if self._target.writes:
            query = sa.select(Organization.id).where(Organization.id == self._target.organization_id)
            session.execute(query.with_for_update(key_share=True)).one()

    def _without_taken_numbers(self, session: Session, batch: Sequence[GroupedCase]) -> list[GroupedCase]:
        numbers = {self._number(case) for case in batch if case.values}
        takers: dict[str, tuple[str, str | None]] = {}
        for chunk in chunks(numbers):
            query = sa.select(CASES.c.case_number, CASES.c.source, CASES.c.source_key).where(
                CASES.c.organization_id == self._target.organization_id, CASES.c.case_number.in_(chunk)
            )
            takers |= {number: (source, key) for number, source, key in session.execute(query)}
        kept = []
        for case in batch:
            number = self._number(case) if case.values else ""
            ours = (self._target.source, case.key)
            if takers.get(number, ours) == ours:
                kept.append(case)
                continue
            source = takers[number][0]
            whose = f"from the source {source}" if source else "that was not imported"
            self._refuse(case.rows, f"the register holds another case of the number {number}, {whose}")
        return kept

    def _number(self, case: GroupedCase) -> str:
        return str(self._case_shape.value(case.values or (), "case_number"))

    def _ensure_names(self, session: Session, cases: Sequence[list[object]]) -> None:
        def given(name: str) -> list[object]:
            found = (self._case_shape.value(values, name) for values in cases)
            return [value for value in found if value]

        self._categories.ensure_paths(session, given("category"))
        self._units.ensure_paths(session, given("business_unit"))
        self._locations.ensure_places(session, given("location"))

    def _write_cases(
        self, session: Session, batch: Sequence[GroupedCase], known: Mapping[str, Known]
    ) -> tuple[dict[str, uuid.UUID], set[uuid.UUID]]:
        """Ids by case key, and those of cases that were updated."""
        tally = self._report.tally("cases")
        ids = {key: row.id for key, row in known.items()}
        fresh, changed = [], []
        for case in batch:
            if case.values is None:
                continue
            linked = self._user(session, self._case_shape.value(case.values, "assignee_email"))
            source_hash = self._case_shape.digest(canonical(case.values), linked)
            before = known.get(case.key)
            if before is None:
                ids[case.key] = new_id()
                fresh.append((ids[case.key], self._wanted_case(case, source_hash, linked, is_new=True)))
            elif before.source_hash != source_hash:
                changed.append((before.id, self._wanted_case(case, source_hash, linked, is_new=False)))
            else:
                tally.unchanged += 1
        insert(session, CASES, self._target, fresh)
        update(session, CASES, self._target, changed)
        tally.new += len(fresh)
        tally.updated += len(changed)
        return ids, {row_id for row_id, _ in changed}

    def _wanted_case(self, case: GroupedCase, source_hash: str, linked: uuid.UUID | None, *, is_new: bool) -> Wanted:
        values = case.values or []
        columns = self._case_shape.columns(values) | {"assignee_user_id": linked}
        columns["changed_at"] = self._target.noted_at
        if is_new:
            columns["first_seen_at"] = self._target.noted_at
        if columns.get("updated_at") is None:
            columns["updated_at"] = columns["created_at"] if is_new else self._target.now
        for name, names, key_of in (
            ("category", self._categories, path_key),
            ("business_unit", self._units, path_key),
            ("location", self._locations, place_key),
        ):
            value = self._case_shape.value(values, name)
            columns[f"{name}_id"] = names.id_of(key_of(value)) if isinstance(value, list) else None
        return Wanted(case.key, source_hash, columns)

    def _user(self, session: Session, address: object) -> uuid.UUID | None:
        """The organization's user of that address."""
        if not address:
            return None
        if self._users is None:
            query = sa.select(User.email, User.id).where(User.organization_id == self._target.organization_id)
            self._users = {email: user_id for email, user_id in session.execute(query)}  # noqa: C416  # typed
        return self._users.get(str(address).casefold())

    def _write_children(
        self, session: Session, cases: Sequence[GroupedCase], ids: Mapping[str, uuid.UUID], old: set[uuid.UUID]
    ) -> set[uuid.UUID]:
        """`old` are the cases that stood before. The ids of those under which something changed."""
        touched: set[uuid.UUID] = set()
        investigations: dict[str, uuid.UUID] = {}
        case_of: dict[str, uuid.UUID] = {}
        for entity in CHILDREN.values():
            if entity is INTERVIEWS:
                touched |= self._write_interviews(session, cases, investigations, case_of, ids)
                continue
            wanted = [(child, ids[case.key]) for case in cases for child in case.children.get(entity.name, ())]
            if not wanted and entity.name not in self._complete:
                continue
            known = known_by_parent(session, entity.table, self._target, entity.table.c.case_id, old)
            rows, changed = self._write_rows(session, entity, "case_id", wanted, known)
            touched |= changed & old
            if entity is INVESTIGATIONS:
                investigations = rows
                case_of = {child.source_key: case_id for child, case_id in wanted}
        return touched

    def _write_interviews(
        self,
        session: Session,
        cases: Sequence[GroupedCase],
        investigations: Mapping[str, uuid.UUID],
        case_of: Mapping[str, uuid.UUID],
        ids: Mapping[str, uuid.UUID],
    ) -> set[uuid.UUID]:
        children = [(child, ids[case.key]) for case in cases for child in case.children.get(INTERVIEWS.name, ())]
        if not children and not (investigations and INTERVIEWS.name in self._complete):
            return set()
        elsewhere = {child.parent_key or "" for child, _ in children} - investigations.keys()
        found = known_by_key(session, INVESTIGATIONS.table, self._target, elsewhere)
        parents = {**investigations, **{key: row.id for key, row in found.items()}}
        wanted, case_by_parent = [], {parents[key]: case_id for key, case_id in case_of.items() if key in parents}
        for child, case_id in children:
            parent = parents.get(child.parent_key or "")
            if parent is None:
                self._refuse([child.row], "the register and the files hold no such investigation")
                continue
            case_by_parent[parent] = case_id
            wanted.append((child, parent))
        table = INTERVIEWS.table
        known = known_by_parent(session, table, self._target, table.c.investigation_id, set(parents.values()))
        _, changed = self._write_rows(session, INTERVIEWS, "investigation_id", wanted, known)
        return {case_by_parent[parent] for parent in changed if parent in case_by_parent}

    def _write_rows(
        self,
        session: Session,
        entity: Entity,
        parent_column: str,
        wanted: Sequence[tuple[Child, uuid.UUID | None]],
        known: Mapping[str, Known],
    ) -> tuple[dict[str, uuid.UUID], set[uuid.UUID]]:
        """Ids by source key, and the parents under which something is new or changed."""
        tally = self._report.tally(entity.name)
        met = {child.source_key for child, _ in wanted}
        gone = {key: row for key, row in known.items() if key not in met}
        by_content = _by_content(gone.values())
        ids: dict[str, uuid.UUID] = {}
        touched: set[uuid.UUID] = set()
        fresh: list[tuple[uuid.UUID, Wanted]] = []
        changed: list[tuple[uuid.UUID, Wanted]] = []
        for child, parent in wanted:
            shape = self._shapes[child.row.section]
            linked = self._user(session, shape.value(child.row.values, "email")) if entity is RESTRICTIONS else None
            source_hash = shape.digest(child.row.payload, linked)
            before = known.get(child.source_key)
            if before is None and not child.has_own_key:
                before = _corrected(by_content, gone, child)
            ids[child.source_key] = before.id if before else new_id()
            if before and before.source_hash == source_hash:
                tally.unchanged += 1
                continue
            columns = shape.columns(child.row.values) | {parent_column: parent}
            if entity is RESTRICTIONS:
                columns["user_id"] = linked
            row = Wanted(child.source_key, source_hash, columns)
            (changed if before else fresh).append((ids[child.source_key], row))
            if parent:
                touched.add(parent)
        insert(session, entity.table, self._target, fresh)
        update(session, entity.table, self._target, changed)
        tally.new += len(fresh)
        tally.updated += len(changed)
        tally.kept += len(gone) if entity.name in self._complete else 0
        return ids, touched

    def _touch(self, session: Session, case_ids: Iterable[uuid.UUID]) -> None:
        """A case under which something changed has changed, and a report of changes must show it. When it was updated
        is the source's to say, where it says so."""
        if not self._target.writes:
            return
        values = {"changed_at": self._target.noted_at}
        if not self._dated:
            values["updated_at"] = self._target.now
        for chunk in chunks(case_ids):
            session.execute(
                sa.update(Case)
                .where(Case.organization_id == self._target.organization_id, Case.id.in_(chunk))
                .values(values)
                .execution_options(synchronize_session=False)
            )

    def _refuse(self, rows: Iterable[StagedRow], reason: str) -> None:
        for file, line in sorted({(row.file, row.line) for row in rows}):
            self._report.bad(BadRow(self._files[file], line, "", "", reason), "cases")


def _by_content(rows: Iterable[Known]) -> dict[str, list[Known]]:
    """Rows known by their content alone, by all of their key but that."""
    found: dict[str, list[Known]] = {}
    for row in rows:
        before, mark, _ = row.source_key.rpartition("#")
        if mark:
            found.setdefault(before, []).append(row)
    return found


def _corrected(by_content: Mapping[str, list[Known]], gone: dict[str, Known], child: Child) -> Known | None:
    """A row without an id that is gone from the file makes place for one that came: it was corrected there. Else every
    correction would leave the old row beside the new one."""
    candidates = by_content.get(child.source_key.rpartition("#")[0])
    if not candidates:
        return None
    known = candidates.pop(0)
    del gone[known.source_key]
    return known
