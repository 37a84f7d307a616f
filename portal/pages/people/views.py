"""The people of the organization, for admins."""

from __future__ import annotations

import uuid

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from portal import clock
from portal.models import Role, User
from portal.pages.access import current_actor, current_user, own, requires
from portal.pages.errors import show_again
from portal.pages.people.forms import InviteForm, RoleForm
from portal.people import changes, invitations
from portal.people.changes import PeopleError
from portal.people.invitation_mail import mail_invitation
from portal.people.invitations import AlreadyHereError, Invitation, InvitationError
from portal.people.rights import Right

bp = Blueprint("people", __name__, url_prefix="/people")


@bp.get("", endpoint="list")
@requires(Right.MANAGE_PEOPLE)
def list_people() -> ResponseReturnValue:
    people = changes.people_of(current_user.organization_id)
    return render_template("people/list.html", people=people, state_of=_state_of)


@bp.get("/invite")
@requires(Right.MANAGE_PEOPLE)
def new() -> ResponseReturnValue:
    return render_template("people/invite.html", form=InviteForm(formdata=None))


@bp.post("/invite")
@requires(Right.MANAGE_PEOPLE)
def invite() -> ResponseReturnValue:
    form = InviteForm()
    if not form.validate():
        return render_template("people/invite.html", form=form), 400
    try:
        with show_again(form, lambda: render_template("people/invite.html", form=form)):
            invitation = invitations.invite(
                current_user.organization_id,
                form.email.data,
                form.name.data or "",
                Role(form.role.data),
                now=clock.now(),
                actor=current_actor(),
            )
    except AlreadyHereError as problem:
        form.email.errors = [str(problem)]
        return render_template("people/invite.html", form=form), 400
    _mail_and_say(invitation)
    return _to_list()


@bp.get("/<uuid:user_id>")
@requires(Right.MANAGE_PEOPLE)
def show(user_id: uuid.UUID) -> ResponseReturnValue:
    person = own(User, user_id)
    return _person_page(person, RoleForm(formdata=None, data={"role": person.role.value}))


@bp.post("/<uuid:user_id>/role")
@requires(Right.MANAGE_PEOPLE)
def change_role(user_id: uuid.UUID) -> ResponseReturnValue:
    person = own(User, user_id)
    form = RoleForm()
    if not form.validate():
        return _person_page(person, form), 400
    try:
        with show_again(form, lambda: _person_page(person, form)):
            changes.change_role(
                person.organization_id, person.id, Role(form.role.data), now=clock.now(), actor=current_actor()
            )
    except PeopleError as problem:
        form.role.errors = [str(problem)]
        return _person_page(person, form), 400
    flash(f"The role of {person.name} is saved.")
    # an admin may just have given up this very page
    return redirect(url_for("account.show"), 303) if person.id == current_user.id else _to_list()


@bp.post("/<uuid:user_id>/deactivate")
@requires(Right.MANAGE_PEOPLE)
def deactivate(user_id: uuid.UUID) -> ResponseReturnValue:
    person = own(User, user_id)
    try:
        changes.deactivate(person.organization_id, person.id, now=clock.now(), actor=current_actor())
    except PeopleError as problem:
        flash(str(problem), "problem")
        return redirect(url_for("people.show", user_id=person.id), 303)
    flash(f"{person.name} can no longer sign in.")
    return _to_list()


@bp.post("/<uuid:user_id>/reactivate")
@requires(Right.MANAGE_PEOPLE)
def reactivate(user_id: uuid.UUID) -> ResponseReturnValue:
    person = own(User, user_id)
    changes.reactivate(person.organization_id, person.id, now=clock.now(), actor=current_actor())
    flash(f"{person.name} can sign in again.")
    return _to_list()


@bp.post("/<uuid:user_id>/invite-again")
@requires(Right.MANAGE_PEOPLE)
def invite_again(user_id: uuid.UUID) -> ResponseReturnValue:
    person = own(User, user_id)
    try:
        invitation = invitations.invite_again(person.organization_id, person.id, now=clock.now(), actor=current_actor())
    except InvitationError as problem:
        flash(str(problem), "problem")
    else:
        _mail_and_say(invitation)
    return _to_list()


def _mail_and_say(invitation: Invitation) -> None:
    """The same words for an address that is at home in another organization: strangers stay strangers."""
    if mail_invitation(invitation):
        flash(f"An invitation was mailed to {invitation.email}.")
    else:
        flash(
            f"The invitation of {invitation.email} is saved, but the mail server did not take it; "
            "send it again from the list later.",
            "problem",
        )


def _to_list() -> Response:
    return redirect(url_for("people.list"), 303)


def _person_page(person: User, form: RoleForm) -> str:
    return render_template("people/person.html", person=person, form=form, state=_state_of(person))


def _state_of(person: User) -> str:
    if not person.active:
        return "DEACTIVATED"
    return "ACTIVE" if person.password_hash is not None else "INVITED"
