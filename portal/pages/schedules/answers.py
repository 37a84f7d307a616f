"""From the builder's form to data: what was typed, as `portal.schedules.inputs.check` reads it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from typing import Any

from portal.models import ExportFormat, ExportType, NoRows
from portal.pages.schedules.choices import BETWEEN, CHOSEN, FILTERS, LAST_DAYS, OWN_FILTERS, TYPED
from portal.pages.schedules.forms import OwnRowsForm, ScheduleForm, TagFilterForm
from portal.schedules.inputs.contents import SIDES

Data = dict[str, Any]
WITHOUT_CHANGES = frozenset({ExportType.DISCLOSURES_ONLY, ExportType.BOARD_REPORT})
WORKING_WEEK = [1, 2, 3, 4, 5]


def data_of(form: ScheduleForm) -> Data:
    """What was typed, as `portal.schedules.inputs.check` reads it. Only the fields of the chosen kinds are used."""
    return {
        "name": form.name.data or "",
        "description": form.description.data or "",
        "export_type": form.export_type.data,
        "format": form.format.data,
        "format_options": _format_options(form),
        "filters": _filters(form),
        "period": period_text(form),
        "column_config": _column_config(form),
        "rule": _rule(form),
        "timezone": stripped(form.timezone.data),
        "recipients": form.recipients.data or "",
        "folders": form.folders.data or "",
        "attach": form.attach.data,
        "link": form.link.data,
        "sign_in_to_download": form.sign_in_to_download.data,
        "catch_up": form.catch_up.data,
        "grace_seconds": _whole(form.grace.data) if form.grace.data else None,
        "on_blackout": form.on_blackout.data,
        "ready_by": _time(form.ready_by.data) if form.wait.data else None,
        "owner_id": form.owner_id.data,
        "only_changes": form.only_changes.data and form.export_type.data not in WITHOUT_CHANGES,
        "masking": {side: form[f"masking_{side}"].data or "" for side in SIDES},
        "own_rows": [_own_rows(entry.form) for entry in form.own_rows],
        "backup_address": form.backup_address.data or "",
        "no_rows": form.no_rows.data or NoRows.SEND_EMPTY,
        "send_condition": _send_condition(form),
    }


def period_text(form: ScheduleForm) -> str:
    """The period in the vocabulary of `portal.exports.periods`."""
    kind = form.period.data or ""
    if kind == LAST_DAYS:
        return f"last_{stripped(form.period_days.data)}_days"
    if kind == BETWEEN:
        return f"{stripped(form.period_from.data)}..{stripped(form.period_to.data)}"
    return stripped(form.period_typed.data) if kind == TYPED else kind


def chosen_columns(form: ScheduleForm) -> list[tuple[str, str]]:
    """(key, own heading or "") of the columns that are ticked: those that were put in order first, then the others."""
    ticked = dict.fromkeys(form.columns.data or ())
    labels = itertools.chain(form.column_labels.data or (), itertools.repeat(""))
    placed = {key: label.strip() for key, label in zip(form.column_order.data or (), labels, strict=False)}
    in_order = [(key, label) for key, label in placed.items() if key in ticked]
    return [*in_order, *((key, "") for key in ticked if key not in placed)]


def filters_of(form: Mapping[str, Any], keys: Iterable[str]) -> Data:
    """What is ticked in the lists of these filters."""
    return {key: list(form[key].data) for key in keys if form[key].data}


def _format_options(form: ScheduleForm) -> Data:
    options: Data = {"zip": True} if form.zip.data else {}
    if form.format.data == ExportFormat.CSV:
        options |= {"delimiter": form.delimiter.data, "bom": form.bom.data, "header_labels": form.header_labels.data}
    return options


def _filters(form: ScheduleForm) -> Data:
    filters = filters_of(form, FILTERS)
    if form.anonymous.data:
        filters["anonymous"] = {"true": True, "false": False}.get(form.anonymous.data, form.anonymous.data)
    if tags := {entry.form.column.data: wanted for entry in form.tag_filters if (wanted := _tag_filter(entry.form))}:
        filters["tags"] = tags
    of_cases = form.export_type.data != ExportType.DISCLOSURES_ONLY
    if of_cases and form.date_field.data and form.date_field.data != "created_at":
        filters["date_field"] = form.date_field.data
    return filters


def _tag_filter(entry: TagFilterForm) -> Any:
    """A list of values, a range, or yes or no; None where nothing is asked."""
    if values := [line.strip() for line in (entry.values.data or "").splitlines() if line.strip()]:
        return values
    ends = {"min": entry.least.data or entry.first.data, "max": entry.most.data or entry.last.data}
    if filled := {key: stripped(end) for key, end in ends.items() if stripped(end)}:
        return filled
    return {"true": True, "false": False}.get(entry.yes_no.data)


def _column_config(form: ScheduleForm) -> Data:
    if form.export_type.data == ExportType.BOARD_REPORT:
        return {}
    config: Data = {
        "include_tagged_fields": form.tagged.data,
        "max_investigations": _whole(form.investigations.data),
        "include_overflow": form.overflow.data,
    }
    if form.columns_are.data == CHOSEN or form.export_type.data == ExportType.CUSTOM:
        # an empty list is refused by the catalogue, in words
        config["columns"] = [{"key": key, "label": label} if label else key for key, label in chosen_columns(form)]
    return config


def _own_rows(entry: OwnRowsForm) -> Data:
    return {"addresses": entry.addresses.data or "", "filters": filters_of(entry, OWN_FILTERS)}


def _send_condition(form: ScheduleForm) -> Data:
    match form.send_when.data:
        case "changed":
            return {"kind": "CHANGED"}
        case "at_least" | "at_most" as bound:
            return {"kind": "ROWS", bound: _whole(form.send_rows.data)}
        case "always" | None:
            return {}
        case unknown:
            return {"kind": unknown}


def _rule(form: ScheduleForm) -> Data:
    at = _time(form.time.data)
    kind = form.repeats.data
    if kind == "once":
        return {"freq": "once", "date": stripped(form.date.data), "time": at}
    rule: Data = {"freq": "weekly" if kind == "weekdays" else kind, "time": at}
    if kind == "weekdays":
        rule["weekdays"] = WORKING_WEEK
    elif kind == "weekly":
        rule["weekdays"] = [_whole(each) for each in form.weekdays.data]
    elif kind == "monthly":
        rule |= _day_of_month(form)
    if interval := stripped(form.interval.data):
        rule["interval"] = _whole(interval)
    if start := stripped(form.start.data):
        rule["start"] = start
    if until := stripped(form.until.data):
        rule["until"] = until
    return rule


def _day_of_month(form: ScheduleForm) -> Data:
    match form.monthly_by.data:
        case "last_day":
            return {"day": "last"}
        case "nth":
            return {"nth": _whole(form.nth.data), "weekday": _whole(form.weekday.data)}
        case "workday":
            return {"workday": _whole(form.workday.data)}
        case _:
            return {"day": _whole(form.day.data), "short_month": form.short_month.data}


def _time(text: str | None) -> str:
    """As typed, but for the pickers of some browsers, which leave the first figure out or add seconds."""
    at = stripped(text)
    return f"0{at}" if re.fullmatch(r"\d:\d\d", at, re.ASCII) else at.removesuffix(":00") if at.count(":") == 2 else at


def stripped(text: str | None) -> str:
    return (text or "").strip()


def _whole(text: str | None) -> int | str:
    """A whole number where it is one; else the text, for the subject to refuse."""
    typed = stripped(text).lower()
    return int(typed) if re.fullmatch(r"\d{1,8}", typed, re.ASCII) else typed
