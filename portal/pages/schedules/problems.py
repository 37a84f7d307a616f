"""Problems of an input, at the fields of the builder's form and in its words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from portal.exports.register_columns import MOST_INVESTIGATIONS
from portal.exports.tagged_fields import Tag
from portal.models import ExportType, TagDataType
from portal.pages.schedules.answers import chosen_columns, stripped
from portal.pages.schedules.choices import BETWEEN, CHOSEN, LAST_DAYS, OWN_FILTERS, TYPED
from portal.pages.schedules.forms import ScheduleForm
from portal.plumbing.mail_text import one_line
from portal.schedules.inputs import Problem
from portal.schedules.rule import LONGEST_INTERVAL

_MOST_AT_A_FIELD = 12
_TAGS = "filters.tags"
_TAG_FIELDS = {TagDataType.TEXT: "values", TagDataType.BOOLEAN: "yes_no", TagDataType.DATE: "first"}
_IN_OWN_ROWS = re.compile(r"own_rows\.(\d+)\.(?:filters\.)?(\w+)")
_FIELDS = {
    "max_investigations": "investigations",
    "include_overflow": "overflow",
    "filters.filters": "status",
    "rule.rule": "repeats",
    "rule.freq": "repeats",
    "grace_seconds": "grace",
    "masking.inside": "masking_inside",
    "masking.outside": "masking_outside",
    "send_condition": "send_when",
    "send_condition.rows": "send_rows",
    "own_rows": "recipients",
}
_PLAIN = {
    "rule.freq": "Choose how often it repeats.",
    "rule.time": "Write the time as hours and minutes, such as 08:00, between 00:00 and 23:59.",
    "rule.date": "Choose the date, written like 2026-12-31.",
    "rule.weekdays": "Choose at least one day of the week.",
    "rule.day": "Write the day of the month as a number from 1 to 31.",
    "rule.short_month": "Choose what happens in shorter months.",
    "rule.nth": "Choose which one of the month: first to fourth, or last.",
    "rule.weekday": "Choose the day of the week.",
    "rule.workday": "Write the working day as a number from 1 to 20, or the word last.",
    "rule.interval": f"Write a whole number from 1 to {LONGEST_INTERVAL:,}.",
    "max_investigations": f"Write a whole number of investigations from 0 to {MOST_INVESTIGATIONS}.",
}


def show_problems(form: ScheduleForm, problems: Iterable[Problem], tags: Sequence[Tag]) -> None:
    """Put each problem at the field a person can mend it in."""
    for problem in problems:
        field = _of_tag(form, problem.sentence, tags) if problem.field == _TAGS else _field_at(form, problem.field)
        if len(field.errors) < _MOST_AT_A_FIELD:
            field.errors = [*field.errors, _sentence(form, problem)]


def _of_tag(form: ScheduleForm, sentence: str, tags: Sequence[Tag]) -> Any:
    """The field of the tag that the sentence begins with."""
    entries = {entry.form.column.data: entry.form for entry in form.tag_filters}
    for tag in tags:
        if sentence.startswith(f"{tag.label}:") and tag.column_name in entries:
            return entries[tag.column_name][_TAG_FIELDS.get(tag.data_type, "least")]
    return form.anonymous


def _field_at(form: ScheduleForm, name: str) -> Any:
    at = _IN_OWN_ROWS.fullmatch(name)
    if at is None:
        return form[_field_of(form, name)]
    entry = form.own_rows[int(at[1])].form
    return entry[at[2]] if at[2] in entry else entry[OWN_FILTERS[0]]


def _field_of(form: ScheduleForm, name: str) -> str:
    if name == "period":
        return {LAST_DAYS: "period_days", BETWEEN: "period_from", TYPED: "period_typed"}.get(form.period.data, name)
    if name == "columns" and form.export_type.data != ExportType.CUSTOM and form.columns_are.data != CHOSEN:
        return "columns_are"
    known = _FIELDS.get(name) or name.removeprefix("rule.").removeprefix("filters.")
    return known if known in form else "name"


def _sentence(form: ScheduleForm, problem: Problem) -> str:
    match problem.field:
        case "columns" if not chosen_columns(form):
            return "Tick the columns of the file: at least one."
        case "period" if form.period.data == LAST_DAYS:
            return "Write the number of days, from 1 to 3,660."
        case "period" if form.period.data == BETWEEN:
            return _between(form, problem.sentence)
        case "rule.start" if not stripped(form.start.data):
            return "Choose the first day: it is what every so many days, weeks or months are counted from."
        case "rule.start":
            return "Write the first day like 2026-12-31."
        case "rule.until" if "before" in problem.sentence:
            return "The last day lies before the first day: choose a later one."
        case "rule.until" if "must be" in problem.sentence:
            return "Write the last day like 2026-12-31, or leave it empty."
        case "rule.date" if "no moment" in problem.sentence:
            return "This moment has passed: choose a later date."
        case "rule.until":
            return "There is no moment left before the last day: choose a later one, or leave it empty."
    plain = _PLAIN.get(problem.field)
    typed = _typed(form, problem.field)
    return f"{plain[:-1]}; “{typed}” is none." if plain and typed else plain or problem.sentence


def _typed(form: ScheduleForm, name: str) -> str:
    """What was typed there, for a sentence; nothing where it was chosen from a list or left empty."""
    if name not in {"rule.time", "rule.date", "rule.day", "rule.workday", "rule.interval", "max_investigations"}:
        return ""
    typed = form[_field_of(form, name)].data
    return one_line(typed, 40) if isinstance(typed, str) else ""


def _between(form: ScheduleForm, sentence: str) -> str:
    if not stripped(form.period_from.data) or not stripped(form.period_to.data):
        return "Choose both dates, from and to."
    if "before" in sentence:
        return "The period ends before it begins: give the earlier date first."
    return "Write both dates like 2026-12-31."
