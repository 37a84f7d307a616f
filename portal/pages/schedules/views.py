"""The list of schedules, one schedule, and what people do to it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, time

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from portal import clock
from portal.extensions import db
from portal.models import Schedule, ScheduleState
from portal.moments import MomentError, parse_day
from portal.pages.access import current_actor, current_user, current_viewer, local_path, own, requires
from portal.pages.errors import show_again
from portal.pages.schedules import (
    builder,  # noqa: F401  # its views join the blueprint
    bulk,
)
from portal.pages.schedules.blueprint import bp
from portal.pages.schedules.forms import PauseForm, ReassignForm, offer_owners
from portal.pages.schedules.in_words import facts, told, when_of
from portal.pages.schedules.names import Names, register_names
from portal.pages.schedules.next_moments import moments_of
from portal.pages.schedules.starting_over import next_changes
from portal.people.rights import Right
from portal.runs.history import Row, Wanted, page_of_runs
from portal.schedules import changes, listing
from portal.schedules.change_log import changes_of
from portal.schedules.changes import ChangedMeanwhile, described
from portal.schedules.inputs import NotAccepted
from portal.schedules.run_now import RUNNABLE, CannotRun, run_now
from portal.zones import zone

__all__ = ["bp"]
GONE = "This schedule was deleted meanwhile; nothing was changed."


@bp.get("", endpoint="list")
@requires(Right.SEE_SCHEDULES)
def list_schedules() -> ResponseReturnValue:
    args = request.args
    wanted = listing.Wanted(
        search=args.get("q", "").strip(),
        state=args.get("state", ""),
        format=args.get("format", ""),
        sort=args.get("sort", "next"),
        page=args.get("page", 1, int),
    )
    return render_template(
        "schedules/list.html",
        wanted=wanted,
        found=listing.find(current_user.organization_id, wanted),
        owners=listing.people(current_user.organization_id).owners,
        when_of=when_of,
        runnable=RUNNABLE,
        form_key=uuid.uuid4(),
    )


@bp.get("/<uuid:schedule_id>")
@requires(Right.SEE_SCHEDULES)
def show(schedule_id: uuid.UUID) -> ResponseReturnValue:
    return _page_of(own(Schedule, schedule_id), PauseForm(formdata=None))


def _page_of(schedule: Schedule, pause_form: PauseForm) -> str:
    organization_id = schedule.organization_id
    people = listing.people(organization_id)
    names = Names(people.names, register_names(organization_id))
    deleted = schedule.state is ScheduleState.DELETED
    return render_template(
        "schedules/show.html",
        schedule=schedule,
        deleted=deleted,
        in_words=when_of(schedule),
        facts=facts(described(schedule), names),
        moments=[] if deleted else moments_of(schedule, clock.now()),
        runs=_latest_runs(schedule),
        next_changes=next_changes(schedule),
        changes=[told(change, names) for change in changes_of(organization_id, schedule.id)],
        runnable=schedule.state in RUNNABLE,
        pause_form=pause_form,
        reassign_form=_reassign_form(schedule, people.owners),
        form_key=uuid.uuid4(),
    )


def _latest_runs(schedule: Schedule) -> Sequence[Row]:
    """As far as the viewer may know of them."""
    wanted = Wanted(schedule_id=schedule.id)
    page = page_of_runs(
        db.session(), schedule.organization_id, wanted, viewer=current_viewer(), limit=listing.LATEST_RUNS
    )
    return page.rows


def _reassign_form(schedule: Schedule, owners: list[tuple[uuid.UUID, str]]) -> ReassignForm:
    form = ReassignForm(formdata=None, data={"owner_id": str(schedule.owner_id)})
    offer_owners(form.owner_id, owners)
    return form


@bp.post("/<uuid:schedule_id>/run-now")
@requires(Right.RUN_NOW)
def run(schedule_id: uuid.UUID) -> ResponseReturnValue:
    """To the page of the run at once. The same form sent twice leads to the same run."""
    schedule = own(Schedule, schedule_id)
    try:
        run_id = run_now(
            schedule.organization_id,
            schedule.id,
            idempotency_key=bulk.key_for(request.form.get("key"), schedule.id),
            actor=current_actor(),
            now=clock.now(),
        )
    except CannotRun as refusal:
        flash(str(refusal), "problem")
        return _to(schedule_id)
    return redirect(url_for("runs.show", run_id=run_id), 303)


@bp.post("/<uuid:schedule_id>/pause")
@requires(Right.EDIT_SCHEDULES)
def pause(schedule_id: uuid.UUID) -> ResponseReturnValue:
    schedule = own(Schedule, schedule_id)
    form = PauseForm()
    try:
        if not form.validate():
            return _page_of(schedule, form), 400
        with show_again(form, lambda: _page_of(schedule, form)):
            changes.pause_schedule(
                schedule.organization_id,
                schedule.id,
                reason=(form.reason.data or "").strip(),
                resume_at=_day_to_resume(form.resume_on.data, schedule),
                actor=current_actor(),
                now=clock.now(),
            )
    except MomentError as problem:
        form.resume_on.errors = [str(problem)]
        return _page_of(schedule, form), 400
    except NotAccepted as refusal:
        for each in refusal.problems:
            form[each.field].errors = [each.sentence]
        return _page_of(schedule, form), 400
    except ChangedMeanwhile:
        flash(GONE, "problem")
        return _to(schedule_id)
    flash(f"“{schedule.name}” is paused.")
    return _to(schedule_id)


def _day_to_resume(text: str | None, schedule: Schedule) -> datetime | None:
    """The beginning of that day in the schedule's zone. Raises MomentError."""
    if not text or not text.strip():
        return None
    return datetime.combine(parse_day(text.strip()), time(), zone(schedule.timezone))


@bp.post("/<uuid:schedule_id>/resume")
@requires(Right.EDIT_SCHEDULES)
def resume(schedule_id: uuid.UUID) -> ResponseReturnValue:
    schedule = own(Schedule, schedule_id)
    try:
        changes.resume_schedule(schedule.organization_id, schedule.id, actor=current_actor(), now=clock.now())
    except ChangedMeanwhile:
        flash(GONE, "problem")
    else:
        flash(f"“{schedule.name}” is active again.")
    return _to(schedule_id)


@bp.post("/<uuid:schedule_id>/duplicate")
@requires(Right.EDIT_SCHEDULES)
def duplicate(schedule_id: uuid.UUID) -> ResponseReturnValue:
    schedule = own(Schedule, schedule_id)
    try:
        copy_id = changes.duplicate_schedule(
            schedule.organization_id, schedule.id, actor=current_actor(), now=clock.now()
        )
    except ChangedMeanwhile:
        flash(GONE, "problem")
        return _to(schedule_id)
    flash("This is the copy. It is paused: nothing goes out before you resume it.")
    return redirect(url_for("schedules.edit", schedule_id=copy_id), 303)


@bp.post("/<uuid:schedule_id>/owner")
@requires(Right.EDIT_SCHEDULES)
def reassign(schedule_id: uuid.UUID) -> ResponseReturnValue:
    schedule = own(Schedule, schedule_id)
    try:
        changes.reassign_schedule(
            schedule.organization_id,
            schedule.id,
            owner_id=bulk.owner_chosen(),
            actor=current_actor(),
            now=clock.now(),
        )
    except NotAccepted as refusal:
        flash(str(refusal), "problem")
    except ChangedMeanwhile:
        flash(GONE, "problem")
    else:
        flash(f"“{schedule.name}” has a new owner.")
    return _to(schedule_id)


@bp.post("/<uuid:schedule_id>/delete")
@requires(Right.EDIT_SCHEDULES)
def delete(schedule_id: uuid.UUID) -> ResponseReturnValue:
    schedule = own(Schedule, schedule_id)
    try:
        changes.delete_schedule(schedule.organization_id, schedule.id, actor=current_actor(), now=clock.now())
    except ChangedMeanwhile:
        flash(GONE, "problem")
        return _to(schedule_id)
    flash(f"“{schedule.name}” is deleted. Its runs, files and evidence stay.")
    return redirect(url_for("schedules.list"), 303)


def _to(schedule_id: uuid.UUID) -> Response:
    """Back to the list it was pressed on, else to the schedule's page."""
    back = local_path(request.form.get("back"))
    return redirect(back or url_for("schedules.show", schedule_id=schedule_id), 303)
