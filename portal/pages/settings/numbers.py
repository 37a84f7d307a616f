"""Numbers and dates: whose way to write them XLSX files have, and on which paper tables are printed."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import SelectField

from portal import clock
from portal.exports.locales import SETTING, known_locale, locale_choices, sample
from portal.pages.access import current_actor, current_user, requires
from portal.pages.errors import show_again
from portal.pages.hostile_input import PlainForm
from portal.pages.settings.blueprint import bp
from portal.people.organization_settings import change_settings, settings_of
from portal.people.rights import Right

_NONE = ("", "No place: dates as 2026-11-02, paper A4")


class NumbersForm(PlainForm):
    locale = SelectField(
        "Written as in", description="Dates, the clock and numbers in Excel files, and the paper of PDF."
    )


@bp.get("/numbers")
@requires(Right.MANAGE_SETTINGS)
def numbers() -> ResponseReturnValue:
    return _page(_form(NumbersForm(formdata=None, data={"locale": _now()})))


@bp.post("/numbers")
@requires(Right.MANAGE_SETTINGS)
def save_numbers() -> ResponseReturnValue:
    form = _form(NumbersForm())
    if not form.validate():
        return _page(form), 400
    with show_again(form, lambda: _page(form)):
        changed = change_settings(
            current_user.organization_id,
            "numbers",
            {SETTING: form.locale.data or None},
            now=clock.now(),
            actor=current_actor(),
        )
    flash("Saved. It holds for files made from now on." if changed else "Nothing was changed.")
    return redirect(url_for("settings.numbers"), 303)


def _form(form: NumbersForm) -> NumbersForm:
    form.locale.choices = [_NONE, *locale_choices()]
    return form


def _now() -> str:
    return known_locale(settings_of(current_user.organization_id).get(SETTING))


def _page(form: NumbersForm) -> str:
    return render_template("settings/numbers.html", form=form, sample=sample(_now()))
