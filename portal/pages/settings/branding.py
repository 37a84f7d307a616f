"""How reports look: the accent colour, and the logo."""

from __future__ import annotations

from flask import Response, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.file import FileField
from wtforms import BooleanField, StringField

from portal import clock
from portal.extensions import db
from portal.pages.access import current_actor, current_user, requires
from portal.pages.errors import show_again
from portal.pages.hostile_input import PlainForm
from portal.pages.settings.blueprint import bp
from portal.people.branding import MOST_LOGO_BYTES, Branding, BrandingError, branding_of, change_branding
from portal.people.rights import Right


class BrandingForm(PlainForm):
    accent = StringField(
        "Accent colour",
        description="Of charts and titles, such as #7a1f3d: dark enough to be read on white. Empty: Duepost’s own.",
        render_kw={"autocomplete": "off", "spellcheck": "false", "maxlength": 7},
    )
    logo = FileField(
        "Logo",
        description="A PNG or JPEG picture, up to 1 MB. It stands on the title page, and its own background with it.",
        render_kw={"accept": "image/png,image/jpeg"},
    )
    without_logo = BooleanField("Take the logo away")


@bp.get("/branding")
@requires(Right.MANAGE_SETTINGS)
def branding() -> ResponseReturnValue:
    now = _now()
    return _page(BrandingForm(formdata=None, data={"accent": now.accent or ""}), now)


@bp.post("/branding")
@requires(Right.MANAGE_SETTINGS)
def save_branding() -> ResponseReturnValue:
    form = BrandingForm()
    if not form.validate():
        return _page(form, _now()), 400
    # one byte more than may be, so that what is too large is known for it
    picture = form.logo.data.stream.read(MOST_LOGO_BYTES + 1) if form.logo.data else None
    try:
        with show_again(form, lambda: _page(form, _now())):
            changed = change_branding(
                current_user.organization_id,
                accent=(form.accent.data or "").strip() or None,
                new_logo=picture or None,
                without_logo=form.without_logo.data,
                now=clock.now(),
                actor=current_actor(),
            )
    except BrandingError as problem:
        field = form.logo if "logo" in str(problem) else form.accent
        field.errors = [str(problem)]
        return _page(form, _now()), 400
    flash("Saved. It holds for reports made from now on." if changed else "Nothing was changed.")
    return redirect(url_for("settings.branding"), 303)


@bp.get("/branding/logo")
@requires(Right.MANAGE_SETTINGS)
def logo() -> ResponseReturnValue:
    """The picture as it is kept."""
    picture = _now().logo
    if picture is None:
        abort(404)
    return Response(picture, mimetype="image/png", headers={"Cache-Control": "private, no-cache"})


def _now() -> Branding:
    return branding_of(db.session.connection(), current_user.organization_id)


def _page(form: BrandingForm, now: Branding) -> str:
    return render_template("settings/branding.html", form=form, now=now)
