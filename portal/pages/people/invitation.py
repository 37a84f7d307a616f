"""Accepting an invitation, without an account yet."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import DBAPIError

from portal import clock
from portal.extensions import limiter
from portal.pages.access import home_path, public, set_sign_in_cookie
from portal.pages.errors import Words, show_again
from portal.pages.errors import page as error_page
from portal.pages.people.forms import AcceptForm
from portal.people import invitations
from portal.people import sign_in as door
from portal.people.invitations import InvitationError, OpenInvitation, UnknownInvitationError
from portal.plumbing.database_trouble import database_trouble

bp = Blueprint("invitation", __name__)


@bp.get("/invitation/<token>")
@public
def show(token: str) -> ResponseReturnValue:
    try:
        invited = _open(token)
    except InvitationError as problem:
        return error_page(400, Words("This invitation does not work any more", str(problem)))
    form = AcceptForm(formdata=None, invited_email=invited.user.email, data={"name": invited.user.name})
    return _page(form, invited)


@bp.post("/invitation/<token>")
@public
@limiter.limit("30 per hour")
def accept(token: str) -> ResponseReturnValue:
    try:
        invited = _open(token)
        form = AcceptForm(invited_email=invited.user.email)
        if not form.validate():
            return _page(form, invited), 400
        now = clock.now()
        with show_again(form, lambda: _page(form, invited)):
            user = invitations.accept(token, name=form.name.data, password=form.password.data, now=now)
    except InvitationError as problem:
        return error_page(400, Words("This invitation does not work any more", str(problem)))
    try:
        signed_in_token = door.begin_session(
            user, address=request.remote_addr or "", user_agent=request.user_agent.string, now=now
        )
    except DBAPIError as error:
        if database_trouble(error) is None:
            raise
        # the invitation is used up and the password is set: only the signing in is left to do
        flash("Your account is ready. Sign in with the password that you have just chosen.")
        return redirect(url_for("sign_in.show"), 303)
    session.clear()
    response = redirect(home_path(), 303)
    set_sign_in_cookie(response, signed_in_token)
    return response


def _open(token: str) -> OpenInvitation:
    try:
        return invitations.open_invitation(token, clock.now())
    except UnknownInvitationError:
        abort(404)


def _page(form: AcceptForm, invited: OpenInvitation) -> str:
    return render_template("people/invitation.html", form=form, invited=invited)
