"""Where the sections of the settings join: a page of its own each, listed in SECTIONS.

A section is a module with views on `bp`, a template that extends settings/_frame.html and a line here; what it stores
goes through `portal.people.organization_settings.change_settings`.
"""

from __future__ import annotations

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue

from portal.pages.access import requires
from portal.people.rights import Right

bp = Blueprint("settings", __name__, url_prefix="/settings")

SECTIONS = (
    ("Masking", "settings.masking"),
    ("Numbers and dates", "settings.numbers"),
    ("Look of reports", "settings.branding"),
)
"""(what it is called, endpoint of its page), in the order shown."""


@bp.get("")
@requires(Right.MANAGE_SETTINGS)
def show() -> ResponseReturnValue:
    return redirect(url_for(SECTIONS[0][1]), 303)


@bp.app_context_processor
def _sections() -> dict[str, object]:
    return {"settings_sections": SECTIONS}
