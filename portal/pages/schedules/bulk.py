"""One act on several schedules, chosen by check boxes."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Sequence

import sqlalchemy as sa
from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import DBAPIError

from portal import clock
from portal.extensions import db
from portal.models import Schedule
from portal.pages.access import current_actor, current_user, local_path, requires
from portal.pages.schedules.blueprint import bp
from portal.pages.troubles import in_one_line, words_for
from portal.people.rights import Right
from portal.plumbing.logs import log
from portal.schedules import changes
from portal.schedules.changes import ChangedMeanwhile
from portal.schedules.inputs import NotAccepted
from portal.schedules.listing import PER_PAGE
from portal.schedules.run_now import CannotRun, run_now

Verb = Callable[[Schedule], None]
logger = log(__name__)


@bp.post("/several")
@requires(Right.EDIT_SCHEDULES)
def several() -> ResponseReturnValue:
    """`act` on each of `ids`; one that cannot be changed holds up none of the others."""
    act = request.form.get("act", "")
    if act not in _VERBS or (act == "run" and not current_user.may(Right.RUN_NOW)):
        abort(400)
    back = redirect(local_path(request.form.get("back")) or url_for("schedules.list"), 303)
    chosen = _chosen()
    if not chosen:
        flash("Choose the schedules first, by the boxes before their names.", "problem")
        return back
    verb, done = _VERBS[act]
    refused: Counter[str] = Counter()
    for position, schedule in enumerate(chosen):
        try:
            verb(schedule)
        except DBAPIError as error:
            words = words_for(error)
            if words is None or position == 0:
                raise
            # each stands for itself: what is done is done, and the rest would wait in vain, one after the other
            refused[in_one_line(words)] += len(chosen) - position
            logger.warning("several: broken off", act=act, done=position, error=str(error.orig))
            break
        except (CannotRun, NotAccepted) as refusal:
            refused[str(refusal)] += 1
        except ChangedMeanwhile:
            refused["It was deleted meanwhile."] += 1
    if count := len(chosen) - refused.total():
        flash(f"{_counted(count)} {done}.")
    for sentence, count in refused.items():
        flash(f"{_counted(count)} not: {sentence}", "problem")
    return back


def key_for(form_key: str | None, schedule_id: uuid.UUID) -> str:
    """The idempotency key of one schedule on a form that may run several."""
    try:
        return str(uuid.uuid5(uuid.UUID(form_key or ""), str(schedule_id)))
    except ValueError:
        abort(400)


def owner_chosen() -> uuid.UUID:
    """The owner of the form; one that is no id at all is nobody's."""
    try:
        return uuid.UUID(request.form.get("owner_id", ""))
    except ValueError:
        return uuid.UUID(int=0)


def _chosen() -> Sequence[Schedule]:
    """The organization's own among the ids that were sent."""
    ids = set()
    for text in request.form.getlist("ids")[:PER_PAGE]:
        try:
            ids.add(uuid.UUID(text))
        except ValueError:
            abort(400)
    statement = sa.select(Schedule).where(
        Schedule.organization_id == current_user.organization_id, Schedule.id.in_(ids)
    )
    return db.session.scalars(statement.order_by(sa.func.lower(Schedule.name))).all()


def _pause(schedule: Schedule) -> None:
    changes.pause_schedule(
        schedule.organization_id, schedule.id, reason="", resume_at=None, actor=current_actor(), now=clock.now()
    )


def _resume(schedule: Schedule) -> None:
    changes.resume_schedule(schedule.organization_id, schedule.id, actor=current_actor(), now=clock.now())


def _reassign(schedule: Schedule) -> None:
    changes.reassign_schedule(
        schedule.organization_id, schedule.id, owner_id=owner_chosen(), actor=current_actor(), now=clock.now()
    )


def _run(schedule: Schedule) -> None:
    key = key_for(request.form.get("key"), schedule.id)
    run_now(schedule.organization_id, schedule.id, idempotency_key=key, actor=current_actor(), now=clock.now())


_VERBS: dict[str, tuple[Verb, str]] = {
    "pause": (_pause, "paused"),
    "resume": (_resume, "active again"),
    "reassign": (_reassign, "given to the new owner"),
    "run": (_run, "started; their runs are in the history"),
}


def _counted(count: int) -> str:
    return "1 schedule" if count == 1 else f"{count} schedules"
