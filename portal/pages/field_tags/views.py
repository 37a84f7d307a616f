"""Field tags: the twenty slots, a tag with a preview on real cases, and what a change touches before it is made."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import clock
from portal.cases.kept_from import Person
from portal.exports.field_tags import TagNotAccepted, TagProblem, check_tag, clear_tag, save_tag
from portal.exports.tag_survey import CASES_LOOKED_AT, FoundField, Survey, find_fields, survey
from portal.exports.tag_uses import touched
from portal.exports.tagged_fields import Tag, load_tags
from portal.extensions import db
from portal.models import FieldTag, TagSource
from portal.models.field_tag import SLOTS
from portal.pages.access import current_actor, current_user, requires
from portal.pages.errors import show_again
from portal.pages.field_tags.forms import (
    ANSWERS,
    LOOKED_IN,
    SOURCES,
    TELLS,
    TYPES,
    TagForm,
    answers_of,
    begin_with,
    revision_of,
    seen_at,
)
from portal.people.rights import Right

bp = Blueprint("field_tags", __name__, url_prefix="/field-tags")


@bp.get("", endpoint="list")
@requires(Right.MANAGE_TAGS)
def list_() -> ResponseReturnValue:
    by_slot = {tag.slot: tag for tag in _tags()}
    free = next((slot for slot in range(1, SLOTS + 1) if slot not in by_slot), None)
    return render_template(
        "field_tags/list.html", slots=range(1, SLOTS + 1), tags=by_slot, free=free, sources=SOURCES, types=TYPES
    )


@bp.get("/<int:slot>")
@requires(Right.MANAGE_TAGS)
def edit(slot: int) -> ResponseReturnValue:
    """The tag of the slot; or a form for a new one, begun with a field that was chosen from those found."""
    tag, revision = _standing(slot)
    asked = request.args.get("source", "")
    source = TagSource(asked) if asked in tuple(TagSource) else tag.source if tag else TagSource.CASE
    found = _found(source)
    chosen = (request.args.get("path"), request.args.get("template") or None)
    picked = next((each for each in found if (each.path, each.template) == chosen), None)
    begun = answers_of(tag) if tag and not picked and source is tag.source else begin_with(source, picked)
    if tag and picked:
        # another field for the same column
        begun |= {name: answers_of(tag)[name] for name in ("label", "column_name", "sensitivity")}
    return _form_page(slot, tag, TagForm(formdata=None, data={**begun, "revision": revision}), found)


@bp.post("/<int:slot>")
@requires(Right.MANAGE_TAGS)
def change(slot: int) -> ResponseReturnValue:
    """Look at what the answers would show, check what the change touches, or make it."""
    standing, _ = _standing(slot)
    form = TagForm()
    valid = form.validate()
    found = _found(_source_of(form))
    action = request.form.get("action", "check")
    try:
        tag = check_tag(slot, form.answers(), [each for each in _tags() if each.slot != slot])
        seen = _seen(form.revision.data)
    except TagNotAccepted as refusal:
        form.put(refusal.problems)
        return _form_page(slot, standing, form, found), 400
    if not valid:
        return _form_page(slot, standing, form, found), 400
    if action == "look":
        return _form_page(slot, standing, form, found, looked_at=tag)
    if action != "save":
        return _check_page(slot, standing, tag, form)
    try:
        with show_again(form, lambda: _form_page(slot, standing, form, found)):
            save_tag(current_user.organization_id, tag, seen=seen, actor=current_actor(), now=clock.now())
    except TagNotAccepted as refusal:
        flash(refusal.problems[0].sentence, "problem")
        return redirect(url_for("field_tags.edit", slot=slot), 303)
    flash(f"“{tag.label}” is in slot {slot}. Runs that are planned from now on have it.")
    return redirect(url_for("field_tags.list"), 303)


@bp.get("/<int:slot>/clear")
@requires(Right.MANAGE_TAGS)
def ask_to_clear(slot: int) -> ResponseReturnValue:
    tag, revision = _standing(slot)
    if tag is None:
        return redirect(url_for("field_tags.list"), 303)
    return render_template(
        "field_tags/clear.html",
        slot=slot,
        tag=tag,
        revision=revision,
        touched=touched(current_user.organization_id, tag, None),
    )


@bp.post("/<int:slot>/clear")
@requires(Right.MANAGE_TAGS)
def clear(slot: int) -> ResponseReturnValue:
    try:
        seen = _seen(request.form.get("revision"))
        gone = clear_tag(current_user.organization_id, slot, seen=seen, actor=current_actor(), now=clock.now())
    except TagNotAccepted as refusal:
        flash(refusal.problems[0].sentence, "problem")
        return redirect(url_for("field_tags.ask_to_clear", slot=slot), 303)
    flash(f"Slot {slot} is empty now." if gone else f"Slot {slot} was empty already.")
    return redirect(url_for("field_tags.list"), 303)


def _tags() -> Sequence[Tag]:
    return load_tags(db.session.connection(), current_user.organization_id)


def _standing(slot: int) -> tuple[Tag | None, str]:
    """What is in the slot, and its revision; 404 where there is no such slot."""
    if not 1 <= slot <= SLOTS:
        abort(404)
    row = db.session.scalar(
        sa.select(FieldTag).where(FieldTag.organization_id == current_user.organization_id, FieldTag.slot == slot)
    )
    return (None, "") if row is None else (Tag.of(row), revision_of(row.updated_at))


def _seen(revision: str | None) -> datetime | None:
    try:
        return seen_at(revision)
    except ValueError:
        raise TagNotAccepted([TagProblem("", "This page cannot be used any more: open the slot again.")]) from None


def _source_of(form: TagForm) -> TagSource:
    return TagSource(form.source.data) if form.source.data in tuple(TagSource) else TagSource.CASE


def _viewer() -> Person:
    return Person(current_user.email, current_user.id, current_user.name)


def _found(source: TagSource) -> list[FoundField]:
    return find_fields(db.session.connection(), current_user.organization_id, _viewer(), source)


def _form_page(
    slot: int, standing: Tag | None, form: TagForm, found: list[FoundField], looked_at: Tag | None = None
) -> str:
    return render_template(
        "field_tags/edit.html",
        slot=slot,
        standing=standing,
        form=form,
        found=found,
        source=_source_of(form),
        looked_in=LOOKED_IN,
        looked_at_cases=CASES_LOOKED_AT,
        looked_at=looked_at,
        survey=_survey(looked_at or standing),
    )


def _check_page(slot: int, standing: Tag | None, tag: Tag, form: TagForm) -> str:
    return render_template(
        "field_tags/check.html",
        slot=slot,
        standing=standing,
        tag=tag,
        form=form,
        answers=ANSWERS,
        sources=SOURCES,
        types=TYPES,
        tells=TELLS,
        touched=touched(current_user.organization_id, standing, tag),
        survey=_survey(tag),
    )


def _survey(tag: Tag | None) -> Survey | None:
    if tag is None:
        return None
    return survey(db.session.connection(), current_user.organization_id, _viewer(), tag)
