"""All runs of the organization, as a page and as a CSV file."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from flask import Response, render_template, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from portal.exports.text_guard import clean, guard
from portal.extensions import db
from portal.models import RunKind, RunState, Schedule
from portal.moments import instant_text
from portal.pages.access import current_user, current_viewer, own, requires
from portal.pages.runs.history_filters import NAMES, PLAN, Asked, read_cursor, read_filters
from portal.pages.runs.views import bp, schedule_url
from portal.pages.runs.words import REASONS, second_of
from portal.pages.states import RUN
from portal.pages.template_filters import number
from portal.people.changes import people_of
from portal.people.rights import Right
from portal.runs.history import Row, all_runs, page_of_runs

COLUMNS = (
    "planned_for",
    "schedule",
    "time_zone",
    "state",
    "reason",
    "kind",
    "started_by",
    "started_at",
    "finished_at",
    "late_seconds",
    "missed_moments",
    "file",
    "rows",
    "bytes",
    "sha256",
    "file_kept",
    "run_id",
)
FLUSH_AT = 32_768


@bp.get("/history")
@requires(Right.SEE_RUNS)
def history() -> ResponseReturnValue:
    asked = read_filters(request.args, current_user.zone)
    page = page_of_runs(
        db.session(),
        current_user.organization_id,
        asked.wanted,
        viewer=current_viewer(),
        older_than=read_cursor(request.args.get("older_than")),
        newer_than=read_cursor(request.args.get("newer_than")),
    )
    only = own(Schedule, asked.wanted.schedule_id) if asked.wanted.schedule_id else None
    return render_template(
        "runs/history.html",
        asked=asked,
        page=page,
        only=only,
        states=[(state.value, mark.word) for state, mark in RUN.items()],
        who=_who(),
        started_by=started_by,
        notes=notes,
        second_of=_second_of,
        schedule_url=schedule_url,
        newer=_address(asked, newer_than=page.newer.to_text()) if page.newer else None,
        older=_address(asked, older_than=page.older.to_text()) if page.older else None,
        as_csv=url_for("runs.history_csv", **asked.query),
        narrowed=any(asked.typed[name] for name in NAMES),
    )


@bp.get("/history.csv")
@requires(Right.SEE_RUNS)
def history_csv() -> ResponseReturnValue:
    """The whole list, not only one page; streamed, so that its length costs no memory."""
    asked = read_filters(request.args, current_user.zone)
    organization_id, viewer = current_user.organization_id, current_viewer()
    engine = db.engine

    def lines() -> Iterator[str]:
        with Session(engine) as session:
            yield from _csv(all_runs(session, organization_id, asked.wanted, viewer=viewer))

    response = Response(stream_with_context(lines()), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="runs.csv"'
    return response


def started_by(row: Row) -> str:
    """ "the schedule", or who pressed a button."""
    if row.kind is RunKind.RUN_NOW:
        return row.requested_by or "a person"
    return row.requested_by or "the schedule"


def notes(row: Row) -> list[str]:
    """What stands under the state of a run in the list: how it is special, and why it ended so."""
    found = []
    if row.kind is RunKind.CATCH_UP:
        found.append("late")
    if row.missed_count and row.missed_count > 1 and row.state is not RunState.MISSED:
        found.append(f"{number(row.missed_count - 1)} before it missed")
    if row.state is not RunState.SUCCEEDED or row.nothing_sent:
        found.append(row.reason or REASONS[row.state])
    return found


def _second_of(row: Row) -> Callable[[datetime], str]:
    """Times of a run in the reader's zone, without the date where it is that of the planned moment."""
    return lambda instant: second_of(instant, current_user.zone, row.planned_for)


def _csv(rows: Iterator[Row]) -> Iterator[str]:
    """A line a file; a run without a file has one line."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for row in rows:
        for cells in _lines_of(row):
            writer.writerow([guard(clean(cell)) for cell in cells])
        if buffer.tell() > FLUSH_AT:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _lines_of(row: Row) -> Iterator[list[str]]:
    run = [
        instant_text(row.planned_for),
        row.schedule,
        row.zone,
        row.state.value,
        row.reason,
        row.kind.value,
        started_by(row),
        _instant(row.started_at),
        _instant(row.finished_at),
        str(row.late_seconds),
        str(row.missed_count or ""),
    ]
    for file in row.files:
        kept = "yes" if file.kept else "no"
        yield [*run, file.name, str(file.rows), str(file.bytes), file.sha256, kept, str(row.id)]
    if not row.files:
        yield [*run, "", "", "", "", "", str(row.id)]


def _instant(instant: datetime | None) -> str:
    return instant_text(instant) if instant else ""


def _who() -> list[tuple[str, str]]:
    people = people_of(current_user.organization_id)
    return [(PLAN, "The schedule"), *((str(person.id), person.name or person.email) for person in people)]


def _address(asked: Asked, **place: Any) -> str:
    return url_for("runs.history", **asked.query, **place)
