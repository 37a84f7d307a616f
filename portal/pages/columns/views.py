"""What each column means: made from the catalogue, so that it says what the files hold."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from portal.exports.column_guide import NUMBERED, guide
from portal.exports.masking import MaskingRules, Profile
from portal.exports.tagged_fields import load_tags
from portal.extensions import db
from portal.pages.access import current_user, requires
from portal.pages.columns.words import PROFILE_WORDS, TREATMENT_WORDS, TYPE_WORDS
from portal.people.organization_settings import settings_of
from portal.people.rights import Right

bp = Blueprint("columns", __name__, url_prefix="/columns")


@bp.get("")
@requires(Right.SEE_SCHEDULES)
def show() -> ResponseReturnValue:
    organization_id = current_user.organization_id
    return render_template(
        "columns/show.html",
        groups=guide(load_tags(db.session.connection(), organization_id)),
        rules=MaskingRules.of(settings_of(organization_id)),
        profiles=[(each, PROFILE_WORDS[each.value]) for each in (Profile.INTERNAL, Profile.EXTERNAL)],
        numbered=NUMBERED,
        types=TYPE_WORDS,
        treatments=TREATMENT_WORDS,
    )
