"""Buttons within the builder's form that change it and show it again; without JavaScript nothing typed is lost."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from flask import flash

from portal import clock
from portal.exports.tagged_fields import Tag
from portal.models import ColumnSet
from portal.pages.access import current_actor, current_user
from portal.pages.schedules import column_chooser
from portal.pages.schedules.forms import ScheduleForm
from portal.pages.schedules.prefill import column_values
from portal.schedules import column_sets
from portal.schedules.inputs import NotAccepted
from portal.schedules.inputs.recipients import MOST_OWN_ROWS

ADD_GROUP, REMOVE_GROUP = "own-rows-add", "own-rows-remove"
USE_SET, SAVE_SET, REPLACE_SET, DELETE_SET = "set-use", "set-save", "set-replace", "set-delete"
SET_STEPS = frozenset({USE_SET, SAVE_SET, REPLACE_SET, DELETE_SET})


@dataclass(frozen=True)
class Stepped:
    """What the page then opens, and the id of the control that has the focus."""

    fold: str
    focus: str


def take_step(form: ScheduleForm, pressed: str, tags: Sequence[Tag]) -> Stepped | None:
    """Do what the button says, "step" or "step:value"; None where it is none of these."""
    step, _, value = pressed.partition(":")
    if step in column_chooser.STEPS:
        column_chooser.take_step(form, step, value, tags)
        return Stepped("columns", _focus_in_list(form, step, value))
    if step in SET_STEPS:
        _take_set_step(form, step)
        return Stepped("columns", "column_set")
    if step == ADD_GROUP and len(form.own_rows) < MOST_OWN_ROWS:
        form.own_rows.append_entry()
        return Stepped("own-rows", f"{form.own_rows[-1].id}-addresses")
    if step == REMOVE_GROUP and value.isdecimal() and int(value) < len(form.own_rows):
        form.own_rows.pop_entry(int(value))
        return Stepped("own-rows", ADD_GROUP)
    return None


def _focus_in_list(form: ScheduleForm, step: str, key: str) -> str:
    """The button that was pressed, or the other way's where the column cannot go further; above the list without it."""
    placed = form.columns.data or []
    if key not in placed:
        return column_chooser.ARRANGE
    ends = {placed[0]: column_chooser.DOWN, placed[-1]: column_chooser.UP}
    return f"{ends.get(key, step)}-{key}"


def _take_set_step(form: ScheduleForm, step: str) -> None:
    organization_id, actor, now = current_user.organization_id, current_actor(), clock.now()
    columns = column_chooser.as_stored(form)
    try:
        match step:
            case "set-use":
                for name, value in column_values(_chosen_set(form).columns).items():
                    form[name].data = value
            case "set-save":
                name = form.column_set_name.data or ""
                made = column_sets.save_column_set(organization_id, name, columns, actor=actor, now=now)
                form.column_set.data, form.column_set_name.data = str(made), ""
                flash("The set is saved: every schedule of your organization can use it.")
            case "set-replace":
                name = column_sets.replace_column_set(
                    organization_id, _chosen_set(form).id, columns, actor=actor, now=now
                )
                flash(f"The set “{name}” now has these columns. Schedules that used it before keep theirs.")
            case _:
                name = column_sets.delete_column_set(organization_id, _chosen_set(form).id, actor=actor, now=now)
                form.column_set.data = ""
                flash(f"The set “{name}” is deleted. Schedules that used it keep their columns.")
    except NotAccepted as refusal:
        for problem in refusal.problems:
            field = form[problem.field]
            field.errors = [*field.errors, problem.sentence]


def _chosen_set(form: ScheduleForm) -> ColumnSet:
    """Of the signed-in person's organization. Raises NotAccepted."""
    try:
        wanted = uuid.UUID(form.column_set.data or "")
    except ValueError:
        wanted = None
    return column_sets.column_set(current_user.organization_id, wanted)
