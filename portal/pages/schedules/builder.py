"""Build and edit: a form that keeps what was typed, a page to check the answers on, and the summary beside."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import clock
from portal.cases.kept_from import Person
from portal.exports.catalogue import OFFERED
from portal.exports.writers import TABLE_FORMATS
from portal.extensions import db
from portal.models import ExportType, Schedule, ScheduleState
from portal.pages.access import current_actor, current_user, own, requires
from portal.pages.errors import show_again
from portal.pages.schedules.answers import data_of
from portal.pages.schedules.blueprint import bp
from portal.pages.schedules.choices import FIRST_FILTERS
from portal.pages.schedules.column_chooser import chooser
from portal.pages.schedules.filter_choices import filter_choices, own_filter_choices
from portal.pages.schedules.folds import folded, folds_to_mend
from portal.pages.schedules.forms import ScheduleForm, blank_group, offer_column_sets, offer_masking, offer_tag_filters
from portal.pages.schedules.if_it_ran_now import Viewer
from portal.pages.schedules.in_words import (
    SEEN,
    Told,
    described_answers,
    described_input,
    facts,
    same_answers,
    told,
)
from portal.pages.schedules.names import Names, register_names
from portal.pages.schedules.prefill import asked_values, new_values, values_of
from portal.pages.schedules.problems import show_problems
from portal.pages.schedules.sides import masker
from portal.pages.schedules.so_far import so_far
from portal.pages.schedules.steps import Stepped, take_step
from portal.pages.template_filters import field_errors
from portal.people.rights import Right
from portal.schedules import changes, listing
from portal.schedules.change_log import changes_since
from portal.schedules.changes import ChangedMeanwhile
from portal.schedules.column_sets import column_sets
from portal.schedules.inputs import NotAccepted, ScheduleInput, check
from portal.schedules.inputs.recipients import MOST_OWN_ROWS
from portal.schedules.listing import People
from portal.zones import zone_choices

BOARD_FORMATS = OFFERED[ExportType.BOARD_REPORT].formats if ExportType.BOARD_REPORT in OFFERED else ()


@dataclass(frozen=True)
class Meanwhile:
    """What another person did while this one was writing; `deleted` when the schedule is gone."""

    changes: Sequence[Told]
    deleted: bool


@bp.get("/new")
@requires(Right.EDIT_SCHEDULES)
def new() -> ResponseReturnValue:
    values = new_values(timezone=current_user.organization_timezone, owner_id=current_user.id)
    return _builder_page(_form({**values, **asked_values(request.args), "key": str(uuid.uuid4())}), None)


@bp.post("/new")
@requires(Right.EDIT_SCHEDULES)
def create() -> ResponseReturnValue:
    form = _form()
    if stepped := take_step(form, _step(), register_names(current_user.organization_id).tags):
        return _stepped_page(form, None, stepped)
    given = _judged(form)
    if given is None or _step() == "change":
        return _builder_page(form, None), 400 if _errors(form) else 200
    if (made := _made_by(form)) is not None:
        return _made_already(form, given, made)
    if _step() != "save":
        return _check_page(form, given, None)
    with show_again(form, lambda: _builder_page(form, None)):
        schedule_id = changes.create_schedule(
            current_user.organization_id,
            given,
            actor=current_actor(),
            now=clock.now(),
            schedule_id=_key(form),
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
    if stepped := take_step(form, _step(), register_names(current_user.organization_id).tags):
        return _stepped_page(form, schedule, stepped)
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
    """The parts of the page that follow what is typed, for the page that is open."""
    schedule_id = request.args.get("schedule", type=uuid.UUID)
    schedule = own(Schedule, schedule_id) if schedule_id is not None else None
    if (number := request.args.get("group", type=int)) is not None:
        return _new_group(number)
    form, viewer = _form(), _viewer()
    data = data_of(form)
    return render_template(
        "schedules/so_far.html",
        so_far=so_far(data, viewer, clock.now(), schedule, look_as=_look_as(form)),
        said=folded(described_answers(data), _names()),
        # sent where the contents are others: the lists stay as they are while somebody works in them
        chooser=chooser(form, viewer.tags) if request.args.get("chooser") else None,
        form=form,
    )


def _new_group(number: int) -> str:
    """One more group with rows of its own: its lists would make every page a third longer."""
    group = blank_group(min(max(number, 0), MOST_OWN_ROWS * 10))
    [options] = own_filter_choices([group.form], current_user.organization_id)
    return render_template("schedules/own_group.html", group=group, options=options)


def _viewer() -> Viewer:
    organization_id = current_user.organization_id
    person = Person(current_user.email, current_user.id, current_user.name)
    return Viewer(
        organization_id, person, masker(organization_id, _people().addresses), register_names(organization_id).tags
    )


def _look_as(form: ScheduleForm) -> str:
    return "outside" if form.look_as.data == "outside" else "inside"


def _names() -> Names:
    return Names(_people().names, register_names(current_user.organization_id))


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


def _key(form: ScheduleForm) -> uuid.UUID | None:
    try:
        return uuid.UUID(form.key.data or "")
    except ValueError:
        return None


def _made_by(form: ScheduleForm) -> Schedule | None:
    """The schedule that this new form has made already: Back, and saved again."""
    statement = sa.select(Schedule).where(
        Schedule.organization_id == current_user.organization_id,
        Schedule.id == _key(form),
        Schedule.state != ScheduleState.DELETED,
    )
    return db.session.scalar(statement) if _key(form) else None


def _made_already(form: ScheduleForm, given: ScheduleInput, made: Schedule) -> ResponseReturnValue:
    """To the schedule where the answers are the same; else its edit form with what was typed."""
    if _step() == "save" and same_answers(given, made):
        return redirect(url_for("schedules.show", schedule_id=made.id), 303)
    form.revision.data = str(made.revision)
    return _builder_page(form, made, made_already=True), 409


def _revision(form: ScheduleForm) -> int:
    text = form.revision.data or ""
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _errors(form: ScheduleForm) -> bool:
    return bool(field_errors(form))


def _judged(form: ScheduleForm) -> ScheduleInput | None:
    """The input as it may be saved; None with the problems at their fields. A look at the summary judges nothing."""
    if _step() == "look":
        return None
    valid = form.validate()
    try:
        organization_id = current_user.organization_id
        names = register_names(organization_id)
        given = check(data_of(form), organization_id=organization_id, now=clock.now(), names=names)
    except NotAccepted as refusal:
        show_problems(form, refusal.problems, names.tags)
        return None
    return given if valid else None


def _builder_page(
    form: ScheduleForm,
    schedule: Schedule | None,
    meanwhile: Meanwhile | None = None,
    stepped: Stepped | None = None,
    *,
    made_already: bool = False,
) -> str:
    data, viewer = data_of(form), _viewer()
    groups = [entry.form for entry in form.own_rows]
    offer_column_sets(form, column_sets(viewer.organization_id))
    offer_masking(form, viewer.masker.choices())
    # the rows cost more than the rest of the page: the script asks for them, or the button beside the summary
    with_rows = _step() == "look"
    return render_template(
        "schedules/build.html",
        form=form,
        schedule=schedule,
        meanwhile=meanwhile,
        made_already=made_already,
        typed=request.method == "POST",
        so_far=so_far(data, viewer, clock.now(), schedule, look_as=_look_as(form), with_rows=with_rows),
        filter_choices=filter_choices(form, viewer.organization_id),
        first_filters=FIRST_FILTERS,
        tag_filters=offer_tag_filters(form, viewer.tags),
        zones=zone_choices(),
        chooser=chooser(form, viewer.tags),
        own_choices=own_filter_choices(groups, viewer.organization_id),
        most_own_rows=MOST_OWN_ROWS,
        table_formats=TABLE_FORMATS,
        board_formats=BOARD_FORMATS,
        said=folded(described_answers(data), _names()),
        open_folds=folds_to_mend(form) | ({stepped.fold} if stepped else set()),
        focus=stepped.focus if stepped else "",
    )


def _stepped_page(form: ScheduleForm, schedule: Schedule | None, stepped: Stepped) -> ResponseReturnValue:
    return _builder_page(form, schedule, stepped=stepped), 400 if _errors(form) else 200


def _check_page(form: ScheduleForm, given: ScheduleInput, schedule: Schedule | None) -> str:
    found = so_far(data_of(form), _viewer(), clock.now(), schedule, look_as=_look_as(form))
    told_facts = facts(described_input(given), _names())
    if SEEN in told_facts:
        told_facts[SEEN] = ". ".join(f"{side.label}: {side.seen.lower()}" for side in found.sides if side.people)
    return render_template(
        "schedules/check.html",
        schedule=schedule,
        given=given,
        facts=told_facts,
        so_far=found,
        kept=[(name, value) for name, value in request.form.items(multi=True) if _is_answer(form, name)],
    )


def _is_answer(form: ScheduleForm, name: str) -> bool:
    return (name in form and name != "csrf_token") or name.startswith(
        (f"{form.own_rows.name}-", f"{form.tag_filters.name}-")
    )


def _told_of_others(form: ScheduleForm, schedule: Schedule) -> ResponseReturnValue:
    """The form again with what was typed, and what the other person did; saving again is then a decision."""
    made = changes_since(schedule.organization_id, schedule.id, schedule.revision - _revision(form))
    deleted = schedule.state is ScheduleState.DELETED
    form.revision.data = str(schedule.revision)
    meanwhile = Meanwhile([told(each, _names()) for each in made], deleted)
    return _builder_page(form, None if deleted else schedule, meanwhile), 409
