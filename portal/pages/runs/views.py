"""One run: how it stands, who received it, what proves it."""

from __future__ import annotations

import uuid
from zoneinfo import ZoneInfo

from flask import Blueprint, current_app, jsonify, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.exports.writers import FORMATS
from portal.extensions import db
from portal.models import Run
from portal.moments import abbreviation, offset_in_words
from portal.pages.access import current_user, current_viewer, own, requires
from portal.pages.cases.words import KEPT_AS
from portal.pages.runs import questions, words
from portal.pages.template_filters import number, page_now, plural
from portal.people.rights import Right
from portal.runs.one_run import Progress, attempts_of, progress_of, read_run
from portal.runs.states import OPEN
from portal.zones import zone, zone_words

bp = Blueprint("runs", __name__)


@bp.get("/runs/<uuid:run_id>")
@requires(Right.SEE_RUNS)
def show(run_id: uuid.UUID) -> ResponseReturnValue:
    run = own(Run, run_id)
    record = read_run(db.session(), run, current_viewer())
    export = run.configuration["export"]
    place = zone(run.configuration["schedule"]["timezone"])
    return render_template(
        "runs/show.html",
        run=run,
        record=record,
        place=place,
        heading=words.heading(run, place),
        changes=words.changes(run, place),
        lead=words.lead(record, place, page_now()),
        steps=words.route(record),
        zone_note=zone_note(run, place),
        export_words=f"{words.EXPORTS[export['export_type']]}, {FORMATS[export['format']]}",
        started_by=words.started_by(run),
        lateness=words.lateness(run),
        schedule_url=schedule_url(run.schedule_id) if record.schedule_is_there else None,
        progress=progress_of(db.session(), run, current_viewer()) if record.is_open else None,
        kept_as=KEPT_AS,
        bar_of=bar_of,
        progress_words=progress_words,
        retry_label=words.retry_label(record),
        cancelling=questions.cancelling(record),
        producing=questions.producing(record, place),
        advice=questions.advice(record),
        form_key=uuid.uuid4(),
        second_of=lambda instant: words.second_of(instant, place, run.planned_for),
        attempts=attempts_of(db.session(), record) if current_user.may(Right.SEE_HEALTH) else None,
        now=page_now(),
    )


@bp.get("/runs/<uuid:run_id>/status")
@requires(Right.SEE_RUNS)
def status(run_id: uuid.UUID) -> ResponseReturnValue:
    """For the page of an open run: how far it is, and whether the page should be fetched anew."""
    run = own(Run, run_id)
    progress = progress_of(db.session(), run, current_viewer())
    return jsonify(
        state=run.state.value,
        open=run.state in OPEN,
        changed=progress.changed,
        value=bar_of(progress)[0],
        most=bar_of(progress)[1],
        words=progress_words(progress),
    )


def bar_of(progress: Progress) -> tuple[int, int | None]:
    """Value and maximum of the progress bar; no maximum: not known yet."""
    if progress.destinations:
        return progress.settled, progress.destinations
    return progress.rows_written, progress.rows_expected


def progress_words(progress: Progress) -> str:
    if progress.destinations:
        return f"{number(progress.settled)} of {plural(progress.destinations, 'destination')} done"
    if progress.rows_expected is None:
        return "Not begun yet"
    return f"{number(progress.rows_written)} of {plural(progress.rows_expected, 'row')} written"


def schedule_url(schedule_id: uuid.UUID) -> str | None:
    if "schedules.show" not in current_app.view_functions:
        return None
    return url_for("schedules.show", schedule_id=schedule_id)


def zone_note(run: Run, place: ZoneInfo) -> str:
    """ "Times in New York time (EST, UTC-05:00)", as it is on the day of the run."""
    letters, offset = abbreviation(run.planned_for, place), offset_in_words(run.planned_for, place)
    return f"Times in {zone_words(place.key)} ({letters if letters == offset else f'{letters}, {offset}'})"
