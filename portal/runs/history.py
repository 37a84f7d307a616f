"""Lists of runs, newest planned moment first, paged by key: the last page costs no more than the first."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.models import Artifact, Run, RunKind, RunState, Schedule, UtcDateTime
from portal.runs.sending import nothing_sent
from portal.runs.viewer import Sight, Viewer, reason_for, shown_standings, sights

PAGE = 50
BATCH = 500


@dataclass(frozen=True)
class Wanted:
    """Which runs: each part that is given narrows the list. `since` and `until` bound planned_for, half-open."""

    schedule_id: uuid.UUID | None = None
    schedule_name: str = ""
    state: RunState | None = None
    since: datetime | None = None
    until: datetime | None = None
    requested_by_id: uuid.UUID | None = None
    by_the_plan: bool = False


@dataclass(frozen=True)
class Cursor:
    """A place in the list: right at this run."""

    planned_for: datetime
    run_id: uuid.UUID

    def to_text(self) -> str:
        return f"{self.planned_for.astimezone(UTC):%Y%m%dT%H%M%S.%f}_{self.run_id.hex}"

    @classmethod
    def from_text(cls, text: str) -> Cursor:
        """Raises ValueError for anything that `to_text` did not write."""
        moment, _, run_id = text.partition("_")
        return cls(datetime.strptime(moment, "%Y%m%dT%H%M%S.%f").replace(tzinfo=UTC), uuid.UUID(hex=run_id))


@dataclass(frozen=True)
class File:
    """An artifact as lists show it."""

    id: uuid.UUID
    name: str
    rows: int
    bytes: int
    sha256: str
    kept: bool
    not_sent: str
    """Why nobody was sent it, where the schedule asks for that."""


@dataclass(frozen=True)
class Row:
    """One run as lists show it; names and zone as they were frozen with it."""

    id: uuid.UUID
    organization_id: uuid.UUID
    schedule_id: uuid.UUID
    schedule: str
    zone: str
    kind: RunKind
    state: RunState
    reason: str
    planned_for: datetime
    started_at: datetime | None
    finished_at: datetime | None
    late_seconds: int
    requested_by: str
    missed_count: int | None
    """How many planned moments the row was written for; None: its own alone."""
    files: tuple[File, ...]

    @property
    def nothing_sent(self) -> bool:
        """Whether nobody was sent any of the files, as the schedule asks."""
        return nothing_sent(self.state, [file.not_sent for file in self.files])

    @property
    def cursor(self) -> Cursor:
        return Cursor(self.planned_for, self.id)


@dataclass(frozen=True)
class Page:
    """`newer` and `older` lead on, None at an end."""

    rows: tuple[Row, ...]
    newer: Cursor | None
    older: Cursor | None


def page_of_runs(
    db: Session,
    organization_id: uuid.UUID,
    wanted: Wanted,
    *,
    viewer: Viewer,
    older_than: Cursor | None = None,
    newer_than: Cursor | None = None,
    limit: int = PAGE,
) -> Page:
    """The first `limit` runs older than a cursor, the last ones newer than one, or the newest of all.

    Files and reasons as far as the viewer may know of them.
    """
    statement = _select(_narrowed(organization_id, wanted))
    if newer_than is not None:
        rows = _page(db, statement.where(_key() > _place(newer_than)), viewer, newest_first=False, limit=limit + 1)
        more_newer, more_older = len(rows) > limit, True
        rows = rows[:limit][::-1]
    else:
        if older_than is not None:
            statement = statement.where(_key() < _place(older_than))
        rows = _page(db, statement, viewer, newest_first=True, limit=limit + 1)
        more_newer, more_older = older_than is not None, len(rows) > limit
        rows = rows[:limit]
    return Page(
        tuple(rows),
        newer=rows[0].cursor if rows and more_newer else None,
        older=rows[-1].cursor if rows and more_older else None,
    )


def all_runs(db: Session, organization_id: uuid.UUID | None, wanted: Wanted, *, viewer: Viewer | None) -> Iterator[Row]:
    """Every run wanted, newest first, a batch at a time. Organization and viewer None: all of all, for the operator."""
    statement = _select(_narrowed(organization_id, wanted))
    place: Cursor | None = None
    while True:
        batch = statement if place is None else statement.where(_key() < _place(place))
        rows = _page(db, batch, viewer, newest_first=True, limit=BATCH)
        yield from rows
        if len(rows) < BATCH:
            return
        place = rows[-1].cursor


def _narrowed(organization_id: uuid.UUID | None, wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if organization_id is not None:
        conditions.append(Run.organization_id == organization_id)
    if wanted.schedule_id is not None:
        conditions.append(Run.schedule_id == wanted.schedule_id)
    if wanted.schedule_name:
        named = Schedule.name.icontains(wanted.schedule_name, autoescape=True)
        conditions.append(
            Run.schedule_id.in_(sa.select(Schedule.id).where(Schedule.organization_id == organization_id, named))
        )
    if wanted.state is not None:
        conditions.append(Run.state == wanted.state)
    if wanted.since is not None:
        conditions.append(Run.planned_for >= wanted.since)
    if wanted.until is not None:
        conditions.append(Run.planned_for < wanted.until)
    if wanted.requested_by_id is not None:
        conditions.append(Run.requested_by_id == wanted.requested_by_id)
    if wanted.by_the_plan:
        conditions.append(Run.kind != RunKind.RUN_NOW)
    return conditions


def _select(conditions: Sequence[sa.ColumnElement[bool]]) -> sa.Select[Any]:
    """Not the frozen configuration as a whole: it is large, and two words of it are shown."""
    return sa.select(
        Run.id,
        Run.organization_id,
        Run.schedule_id,
        Run.configuration[("schedule", "name")].as_string().label("schedule"),
        Run.configuration[("schedule", "timezone")].as_string().label("zone"),
        Run.kind,
        Run.state,
        Run.reason,
        Run.planned_for,
        Run.started_at,
        Run.finished_at,
        Run.late_seconds,
        Run.requested_by,
        Run.missed_count,
    ).where(*conditions)


def _key() -> sa.Tuple:
    return sa.tuple_(Run.planned_for, Run.id)


def _place(cursor: Cursor) -> sa.Tuple:
    return sa.tuple_(sa.literal(cursor.planned_for, UtcDateTime()), sa.literal(cursor.run_id, sa.Uuid()))


def _page(
    db: Session, statement: sa.Select[Any], viewer: Viewer | None, *, newest_first: bool, limit: int
) -> list[Row]:
    order = (Run.planned_for.desc(), Run.id.desc()) if newest_first else (Run.planned_for, Run.id)
    found = db.execute(statement.order_by(*order).limit(limit)).mappings().all()
    ids = [row["id"] for row in found]
    if viewer is None:
        files = _files_of(db, ids)
        return [Row(**row, files=tuple(files.get(row["id"], {}).values())) for row in found]
    return list(_seen(db, viewer, ids, found))


def _seen(db: Session, viewer: Viewer, ids: Sequence[uuid.UUID], found: Sequence[Mapping[Any, Any]]) -> Iterator[Row]:
    seen, files = sights(db, viewer, ids), _files_of(db, ids)
    for row in found:
        sight = seen.get(row["id"], Sight())
        said = dict(row)
        if sight.discreet:
            said["reason"] = reason_for(sight, row["state"], row["reason"], shown_standings(db, row["id"], sight))
        yield Row(**said, files=tuple(files[row["id"]][each] for each in sight.artifacts))


def _files_of(db: Session, run_ids: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, Mapping[uuid.UUID, File]]:
    """By run, then by their ids."""
    if not run_ids:
        return {}
    columns = Artifact.file_name, Artifact.rows, Artifact.bytes, Artifact.sha256, Artifact.deleted_at, Artifact.not_sent
    statement = sa.select(Artifact.run_id, Artifact.id, *columns).where(Artifact.run_id.in_(run_ids))
    files: dict[uuid.UUID, dict[uuid.UUID, File]] = {}
    for row in db.execute(statement.order_by(Artifact.run_id, Artifact.variant)):
        file = File(row.id, row.file_name, row.rows, row.bytes, row.sha256, row.deleted_at is None, row.not_sent)
        files.setdefault(row.run_id, {})[row.id] = file
    return files
