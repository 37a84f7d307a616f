"""One's own account: name, time zone, signing out everywhere."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal import clock
from portal.pages.access import current_actor, current_user, signed_in
from portal.pages.errors import show_again
from portal.pages.people.forms import AccountForm
from portal.pages.people.sign_in import signed_out_answer
from portal.people import changes
from portal.people import sign_in as door

bp = Blueprint("account", __name__)


@bp.get("/account")
@signed_in
def show() -> ResponseReturnValue:
    data = {"name": current_user.name, "timezone": current_user.timezone or ""}
    form = AccountForm(formdata=None, data=data, organization_timezone=current_user.organization_timezone)
    return render_template("people/account.html", form=form)


@bp.post("/account")
@signed_in
def save() -> ResponseReturnValue:
    form = AccountForm(organization_timezone=current_user.organization_timezone)
    if not form.validate():
        return render_template("people/account.html", form=form), 400
    with show_again(form, lambda: render_template("people/account.html", form=form)):
        changes.change_own_account(
            current_user.organization_id,
            current_user.id,
            name=form.name.data,
            timezone=form.timezone.data or None,
            now=clock.now(),
        )
    flash("Your account is saved.")
    return redirect(url_for("account.show"), 303)


@bp.post("/account/sign-out-everywhere")
@signed_in
def sign_out_everywhere() -> ResponseReturnValue:
    door.sign_out_everywhere(current_user.organization_id, current_user.id, now=clock.now(), actor=current_actor())
    return signed_out_answer("You are signed out on every device.")
