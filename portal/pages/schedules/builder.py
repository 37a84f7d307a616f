"""Build and edit: a form that keeps what was typed, a page to check the answers on, and the summary beside."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import clock
from portal.exports.catalogue import CORE, OFFERED, OVERFLOW, investigation_columns
from portal.models import ExportType, Schedule, ScheduleState
from portal.pages.access import current_actor, current_user, own, requires
from portal.pages.errors import show_again
from portal.pages.schedules.answers import data_of
from portal.pages.schedules.blueprint import bp
from portal.pages.schedules.filter_choices import filter_choices
from portal.pages.schedules.forms import ScheduleForm
from portal.pages.schedules.in_words import Told, described_input, facts, told
from portal.pages.schedules.prefill import new_values, values_of
from portal.pages.schedules.problems import show_problems
from portal.pages.schedules.so_far import so_far
from portal.people.rights import Right
from portal.schedules import changes, listing
from portal.schedules.change_log import changes_since
from portal.schedules.changes import ChangedMeanwhile
from portal.schedules.inputs import NotAccepted, ScheduleInput, check
from portal.schedules.listing import People
from portal.zones import zone_choices

COLUMN_KEYS = {
    "Columns of a case": CORE,
    "Columns of its investigations, here the first; inv_2_… to inv_10_… likewise": investigation_columns(1),
    "Columns for programs": OVERFLOW,
    "Columns of investigations only": OFFERED[ExportType.INVESTIGATIONS_ONLY].choosable(),
}
"""What may be written into the field of columns, under the headings of the form."""


@dataclass(frozen=True)
class Meanwhile:
    """What another person did while this one was writing; `deleted` when the schedule is gone."""

    changes: Sequence[Told]
    deleted: bool


@bp.get("/new")
@requires(Right.EDIT_SCHEDULES)
def new() -> ResponseReturnValue:
    values = new_values(timezone=current_user.organization_timezone, owner_id=current_user.id)
    return _builder_page(_form(values), None)


@bp.post("/new")
@requires(Right.EDIT_SCHEDULES)
def create() -> ResponseReturnValue:
    form = _form()
    given = _judged(form)
    if given is None or _step() == "change":
        return _builder_page(form, None), 400 if _errors(form) else 200
    if _step() != "save":
        return _check_page(form, given, None)
    with show_again(form, lambda: _builder_page(form, None)):
        schedule_id = changes.create_schedule(
            current_user.organization_id,
            given,
            actor=current_actor(),
            now=clock.now(),
            schedule_id=request.form.get("key", type=uuid.UUID),
        )
    flash(f"“{given.name}” is saved and active.")
    return redirect(url_for("schedules.show", schedule_id=schedule_id), 303)


@bp.get("/<uuid:schedule_id>/edit")
@requires(Right.EDIT_SCHEDULES)
def edit(schedule_id: uuid.UUID) -> ResponseReturnValue:
    schedule = own(Schedule, schedule_id)
    if schedule.state is ScheduleState.DELETED:
        flash("A deleted schedule can be read, not changed.", "problem")
        return redirect(url_for("schedules.show", schedule_id=schedule_id), 303)
    return _builder_page(_form(values_of(schedule)), schedule)


@bp.post("/<uuid:schedule_id>/edit")
@requires(Right.EDIT_SCHEDULES)
def change(schedule_id: uuid.UUID) -> ResponseReturnValue:
    schedule = own(Schedule, schedule_id)
    form = _form()
    given = _judged(form)
    if schedule.revision != _revision(form) and _step() != "change":
        return _told_of_others(form, schedule)
    if given is None or _step() == "change":
        return _builder_page(form, schedule), 400 if _errors(form) else 200
    if _step() != "save":
        return _check_page(form, given, schedule)
    try:
        with show_again(form, lambda: _builder_page(form, schedule)):
            changes.edit_schedule(
                schedule.organization_id,
                schedule.id,
                given,
                revision=_revision(form),
                actor=current_actor(),
                now=clock.now(),
            )
    except ChangedMeanwhile:
        # another person was quicker by less than this request
        return _told_of_others(form, own(Schedule, schedule_id))
    flash(f"“{given.name}” is saved.")
    return redirect(url_for("schedules.show", schedule_id=schedule_id), 303)


@bp.post("/preview")
@requires(Right.EDIT_SCHEDULES)
def preview() -> ResponseReturnValue:
    """The summary alone, for the page that is open."""
    schedule_id = request.args.get("schedule", type=uuid.UUID)
    schedule = own(Schedule, schedule_id) if schedule_id is not None else None
    found = so_far(data_of(_form()), current_user.organization_id, clock.now(), schedule)
    return render_template("schedules/so_far.html", so_far=found)


def _people() -> People:
    """The organization's people, asked for once a request."""
    if "schedule_people" not in g:
        g.schedule_people = listing.people(current_user.organization_id)
    people: People = g.schedule_people
    return people


def _form(values: dict[str, Any] | None = None) -> ScheduleForm:
    if values is None:
        return ScheduleForm(owners=_people().owners)
    return ScheduleForm(formdata=None, data=values, owners=_people().owners)


def _step() -> str:
    return request.form.get("step", "check")


def _revision(form: ScheduleForm) -> int:
    text = form.revision.data or ""
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _errors(form: ScheduleForm) -> bool:
    return any(field.errors for field in form)


def _judged(form: ScheduleForm) -> ScheduleInput | None:
    """The input as it may be saved; None with the problems at their fields. A look at the summary judges nothing."""
    if _step() == "look":
        return None
    valid = form.validate()
    try:
        given = check(data_of(form), organization_id=current_user.organization_id, now=clock.now())
    except NotAccepted as refusal:
        show_problems(form, refusal.problems)
        return None
    return given if valid else None


def _builder_page(form: ScheduleForm, schedule: Schedule | None, meanwhile: Meanwhile | None = None) -> str:
    return render_template(
        "schedules/build.html",
        form=form,
        schedule=schedule,
        meanwhile=meanwhile,
        typed=request.method == "POST",
        # the rows cost more than the rest of the page: the script asks for them, or the button beside the summary
        so_far=so_far(data_of(form), current_user.organization_id, clock.now(), schedule, with_rows=_step() == "look"),
        filter_choices=filter_choices(form, current_user.organization_id),
        zones=zone_choices(),
        column_keys=COLUMN_KEYS,
    )


def _check_page(form: ScheduleForm, given: ScheduleInput, schedule: Schedule | None) -> str:
    organization_id = current_user.organization_id
    described, inside = described_input(given), _people().domains
    return render_template(
        "schedules/check.html",
        schedule=schedule,
        given=given,
        facts=facts(described, _people().names),
        outside=[each for each in given.recipients if each.address.rpartition("@")[2].casefold() not in inside],
        so_far=so_far(data_of(form), organization_id, clock.now(), schedule),
        form_key=uuid.uuid4(),
        kept=[(name, value) for name, value in request.form.items(multi=True) if name in form and name != "csrf_token"],
    )


def _told_of_others(form: ScheduleForm, schedule: Schedule) -> ResponseReturnValue:
    """The form again with what was typed, and what the other person did; saving again is then a decision."""
    made = changes_since(schedule.organization_id, schedule.id, schedule.revision - _revision(form))
    deleted = schedule.state is ScheduleState.DELETED
    form.revision.data = str(schedule.revision)
    meanwhile = Meanwhile([told(each, _people().names) for each in made], deleted)
    return _builder_page(form, None if deleted else schedule, meanwhile), 409
