"""What a person may do about a run: cancel, produce it after all, try again, settle, send again, revoke a link."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from portal import clock
from portal.delivery.links import revoke_link
from portal.extensions import db
from portal.models import Delivery, Run
from portal.pages.access import current_actor, current_viewer, own, requires
from portal.pages.runs.views import bp
from portal.pages.template_filters import plural
from portal.people.rights import Right
from portal.runs.cancel import Cancelled, cancel_run
from portal.runs.produce import produce_missed
from portal.runs.retry import retry_failed
from portal.runs.send_again import send_again
from portal.runs.settle_unknown import send_it_again, they_have_it
from portal.runs.transitions import Refused
from portal.runs.viewer import sight_of

CANCELLED = {
    Cancelled.NOW: "This run is cancelled. Nothing more of it is sent.",
    Cancelled.SOON: "This run is being cancelled: the recipient in hand is finished, and nobody after that.",
}


@bp.post("/runs/<uuid:run_id>/cancel")
@requires(Right.RUN_NOW)
def cancel(run_id: uuid.UUID) -> ResponseReturnValue:
    run = own(Run, run_id)
    with _refusals_shown():
        flash(CANCELLED[cancel_run(run.organization_id, run.id, actor=current_actor(), now=clock.now())])
    return _to_run(run.id)


@bp.post("/runs/<uuid:run_id>/produce")
@requires(Right.RUN_NOW)
def produce(run_id: uuid.UUID) -> ResponseReturnValue:
    run = own(Run, run_id)
    with _refusals_shown():
        produce_missed(run.organization_id, run.id, actor=current_actor(), now=clock.now())
        flash("It is being produced now, for the period that it was planned for.")
    return _to_run(run.id)


@bp.post("/runs/<uuid:run_id>/retry")
@requires(Right.RUN_NOW)
def retry(run_id: uuid.UUID) -> ResponseReturnValue:
    run = own(Run, run_id)
    with _refusals_shown():
        retry_failed(run.organization_id, run.id, actor=current_actor(), now=clock.now())
        flash("Those who were refused or given up are being tried again.")
    return _to_run(run.id)


@bp.post("/runs/<uuid:run_id>/send-again")
@requires(Right.RUN_NOW)
def send_stored_file_again(run_id: uuid.UUID) -> ResponseReturnValue:
    run = own(Run, run_id)
    with _refusals_shown():
        sent_to = send_again(
            run.organization_id,
            run.id,
            _ids(request.form.getlist("to")),
            form_key=request.form.get("form_key", ""),
            actor=current_actor(),
            now=clock.now(),
        )
        people = plural(sent_to, "person", "people")
        flash(f"The stored file is being sent again to {people}." if sent_to else "That was asked for already.")
    return _to_run(run.id)


@bp.post("/deliveries/<uuid:delivery_id>/confirm")
@requires(Right.RUN_NOW)
def confirm(delivery_id: uuid.UUID) -> ResponseReturnValue:
    delivery = _delivery(delivery_id)
    with _refusals_shown():
        they_have_it(delivery.organization_id, delivery.id, actor=current_actor(), now=clock.now())
        flash(f"Noted: {delivery.target} has it.")
    return _to_run(delivery.run_id)


@bp.post("/deliveries/<uuid:delivery_id>/resend")
@requires(Right.RUN_NOW)
def resend(delivery_id: uuid.UUID) -> ResponseReturnValue:
    delivery = _delivery(delivery_id)
    with _refusals_shown():
        send_it_again(delivery.organization_id, delivery.id, actor=current_actor(), now=clock.now())
        flash(f"The same message is being sent again to {delivery.target}.")
    return _to_run(delivery.run_id)


@bp.post("/links/<uuid:delivery_id>/revoke")
@requires(Right.RUN_NOW)
def revoke(delivery_id: uuid.UUID) -> ResponseReturnValue:
    delivery = _delivery(delivery_id)
    if revoke_link(delivery.organization_id, delivery.id, actor=current_actor(), now=clock.now()):
        flash(f"The link of {delivery.target} no longer works.")
    else:
        flash("There was no link left to revoke.", "problem")
    return _to_run(delivery.run_id)


@contextmanager
def _refusals_shown() -> Iterator[None]:
    try:
        yield
    except Refused as refusal:
        flash(str(refusal), "problem")


def _delivery(delivery_id: uuid.UUID) -> Delivery:
    """404 also where the person may not know of it."""
    delivery = own(Delivery, delivery_id)
    sight = sight_of(db.session(), current_viewer(), delivery.run_id)
    if not sight.shows(delivery.artifact_id, backup=delivery.backup):
        abort(404)
    return delivery


def _to_run(run_id: uuid.UUID) -> ResponseReturnValue:
    return redirect(url_for("runs.show", run_id=run_id), 303)


def _ids(texts: Sequence[str]) -> set[uuid.UUID]:
    """Those that are ids; a browser sends no others."""
    found = set()
    for text in texts:
        try:
            found.add(uuid.UUID(text))
        except ValueError:
            continue
    return found
