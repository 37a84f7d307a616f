"""An export of changes: where its next file goes on from, and the button that makes it begin anew."""

from __future__ import annotations

import uuid

from flask import flash, redirect, url_for
from flask.typing import ResponseReturnValue

from portal.extensions import db
from portal.models import Schedule
from portal.moments import moment_in_words
from portal.pages.access import current_actor, own, requires
from portal.pages.schedules.blueprint import bp
from portal.people.rights import Right
from portal.runs.delivered import changes_delivered_until
from portal.schedules.start_over import CannotStartOver, start_over
from portal.zones import zone


@bp.post("/<uuid:schedule_id>/start-over")
@requires(Right.EDIT_SCHEDULES)
def begin_anew(schedule_id: uuid.UUID) -> ResponseReturnValue:
    schedule = own(Schedule, schedule_id)
    try:
        start_over(schedule.organization_id, schedule.id, actor=current_actor())
    except CannotStartOver as refusal:
        flash(str(refusal), "problem")
    else:
        flash("Started over: the next run sends every case, each as new.")
    return redirect(url_for("schedules.show", schedule_id=schedule_id), 303)


def next_changes(schedule: Schedule) -> str:
    """What the next run holds, in words; empty for a schedule that sends everything each time."""
    if not schedule.only_changes:
        return ""
    since = changes_delivered_until(db.session(), schedule.id, schedule.changes_restart_at)
    if since is None:
        return "The next run holds every case, each as new: there is no earlier file to go on from."
    moment = moment_in_words(since, zone(schedule.timezone))
    return f"The next run holds only cases new or changed since {moment}, when everybody last got everything."
