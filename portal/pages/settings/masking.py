"""Masking: what people inside and outside get as a rule, who is inside, and what each profile does with a column."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import RadioField, TextAreaField
from wtforms.fields import SelectChoice

from portal import clock
from portal.exports.column_guide import GuideColumn, GuideGroup, guide
from portal.exports.masking import DEFAULTS, SETTING, MaskingRules, Profile, Treatment, treatments_of
from portal.exports.tagged_fields import load_tags
from portal.extensions import db
from portal.pages.access import current_actor, current_user, requires
from portal.pages.columns.words import PROFILE_WORDS, TREATMENT_WORDS
from portal.pages.errors import show_again
from portal.pages.hostile_input import PlainForm
from portal.pages.settings.blueprint import bp
from portal.people import insiders
from portal.people.organization_settings import change_settings, settings_of
from portal.people.rights import Right

MASKING_PROFILES = (Profile.INTERNAL, Profile.EXTERNAL)
"""Those that say something of columns."""
_MOST_DOMAINS = 50
_PROFILES = [SelectChoice(value, words) for value, words in PROFILE_WORDS.items()]


class MaskingForm(PlainForm):
    inside = RadioField("People inside get", choices=_PROFILES, description="Folders are inside too.")
    outside = RadioField("Everybody else gets", choices=_PROFILES)
    domains = TextAreaField(
        "Mail domains that are inside",
        description="One a line, such as example.org. Active users are inside whatever their address. Left empty, the "
        "domains of your active users count, public mail services aside.",
        render_kw={"rows": 3, "spellcheck": "false", "autocomplete": "off"},
    )


@bp.get("/masking")
@requires(Right.MANAGE_SETTINGS)
def masking() -> ResponseReturnValue:
    stored = settings_of(current_user.organization_id)
    rules = MaskingRules.of(stored)
    values = {
        "inside": rules.inside.value,
        "outside": rules.outside.value,
        "domains": "\n".join(insiders.named_domains(stored)),
    }
    return _page(MaskingForm(formdata=None, data=values), rules)


@bp.post("/masking")
@requires(Right.MANAGE_SETTINGS)
def save_masking() -> ResponseReturnValue:
    form = MaskingForm()
    columns = [each for group in _guide() for each in group.columns]
    valid = form.validate()
    rules = MaskingRules(
        _profile(form.inside.data, Profile.NONE),
        _profile(form.outside.data, Profile.EXTERNAL),
        {profile: _chosen(request.form, profile, columns) for profile in MASKING_PROFILES},
    )
    domains = _domains(form)
    if not valid or form.domains.errors:
        return _page(form, rules), 400
    with show_again(form, lambda: _page(form, rules)):
        changed = _store({SETTING: rules.to_json(), insiders.SETTING: domains or None})
    flash("Masking is saved. It holds for runs that begin from now on." if changed else "Nothing was changed.")
    return redirect(url_for("settings.masking"), 303)


@bp.post("/masking/reset")
@requires(Right.MANAGE_SETTINGS)
def reset_masking() -> ResponseReturnValue:
    _store({SETTING: None})
    flash("Masking is as it is by default again.")
    return redirect(url_for("settings.masking"), 303)


def choices_of(column: GuideColumn, profile: Profile) -> list[tuple[str, str]]:
    """(value, words) of what a profile can do with the column."""
    usual = DEFAULTS[profile][column.column.sensitivity]
    return [
        (each.value, f"{TREATMENT_WORDS[each]} (default)" if each is usual else TREATMENT_WORDS[each])
        for each in treatments_of(column.column)
    ]


def _guide() -> list[GuideGroup]:
    return guide(load_tags(db.session.connection(), current_user.organization_id))


def _page(form: MaskingForm, rules: MaskingRules) -> str:
    return render_template(
        "settings/masking.html",
        form=form,
        rules=rules,
        groups=_guide(),
        profiles=[(profile, PROFILE_WORDS[profile.value]) for profile in MASKING_PROFILES],
        choices_of=choices_of,
        inside_now=insiders.load_insiders(db.session(), current_user.organization_id).domains,
        own_rules=any(rules.columns.values()),
    )


def _chosen(given: Mapping[str, str], profile: Profile, columns: Iterable[GuideColumn]) -> dict[str, Treatment]:
    """What is wanted otherwise than the profile does by default; what is no choice of the column counts as default."""
    wanted = ((each, given.get(f"{profile.value}.{each.setting}", "")) for each in columns)
    return {
        each.setting: Treatment(word)
        for each, word in wanted
        if word in treatments_of(each.column) and word != DEFAULTS[profile][each.column.sensitivity]
    }


def _domains(form: MaskingForm) -> list[str]:
    domains, wrong = insiders.parse_domains(form.domains.data or "")
    public = sorted(insiders.PUBLIC_DOMAINS.intersection(domains))
    if wrong:
        form.domains.errors = [f"“{wrong[0][:80]}” is not a mail domain; write it like example.org."]
    elif public:
        form.domains.errors = [f"{public[0]} is a public mail service, where anybody has an address: leave it out."]
    elif len(domains) > _MOST_DOMAINS:
        form.domains.errors = [f"At most {_MOST_DOMAINS} domains can be inside."]
    return domains


def _store(changes: Mapping[str, Any]) -> bool:
    return change_settings(current_user.organization_id, "masking", changes, now=clock.now(), actor=current_actor())


def _profile(word: str | None, usual: Profile) -> Profile:
    return Profile(word) if word in set(Profile) else usual
