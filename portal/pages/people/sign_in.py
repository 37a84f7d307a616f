"""Signing in and out."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_limiter.util import get_remote_address
from werkzeug.wrappers import Response

from portal import clock
from portal.extensions import limiter
from portal.pages.access import (
    current_actor,
    current_user,
    drop_sign_in_cookie,
    home_path,
    local_path,
    public,
    set_sign_in_cookie,
    signed_in,
)
from portal.pages.errors import show_again
from portal.pages.people.forms import SignInForm
from portal.people import sign_in as door

bp = Blueprint("sign_in", __name__)
NO_FIT = "Address and password do not fit together. Check both; an admin can invite you again."


def _failed(response: Response) -> bool:
    """Only failures are counted: a whole office may sign in at nine from one address."""
    return response.status_code != 303


def _address_and_person() -> str:
    return f"{get_remote_address()} {request.form.get('email', '').strip().casefold()[:254]}"


@bp.get("/sign-in")
@public
def show() -> ResponseReturnValue:
    if current_user.is_authenticated:
        return redirect(home_path())
    return _page(SignInForm(formdata=None))


@bp.post("/sign-in")
@public
@limiter.limit("10 per minute; 60 per hour", deduct_when=_failed)
@limiter.limit("5 per minute; 20 per hour", key_func=_address_and_person, deduct_when=_failed)
def enter() -> ResponseReturnValue:
    form = SignInForm()
    if not form.validate():
        return _page(form), 400
    with show_again(form, lambda: _page(form)):
        token = door.sign_in(
            form.email.data,
            form.password.data,
            address=request.remote_addr or "",
            user_agent=request.user_agent.string,
            now=clock.now(),
        )
    if token is None:
        form.form_errors.append(NO_FIT)
        return _page(form), 400
    session.clear()  # with it goes the CSRF token of before
    response = redirect(local_path(request.args.get("next")) or home_path(), 303)
    set_sign_in_cookie(response, token)
    return response


@bp.post("/sign-out")
@signed_in
def leave() -> ResponseReturnValue:
    door.sign_out(current_user.session_id, now=clock.now(), actor=current_actor())
    return signed_out_answer("You are signed out.")


def signed_out_answer(words: str) -> Response:
    """To the sign-in page, with nothing of the session left in the browser."""
    session.clear()
    flash(words)
    response = redirect(url_for("sign_in.show"), 303)
    drop_sign_in_cookie(response)
    return response


def _page(form: Any) -> str:
    return render_template("people/sign_in.html", form=form, next_path=local_path(request.args.get("next")))
