"""Between the builder's form and the subject: what was typed as data, a schedule as a form, problems at fields."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from portal.exports.catalogue import MOST_INVESTIGATIONS, USUAL_INVESTIGATIONS
from portal.exports.periods import PERIOD_CHOICES, Period, PeriodError, parse_period
from portal.models import CatchUp, DestinationKind, ExportFormat, ExportType, OnBlackout, Schedule
from portal.pages.schedules.forms import BETWEEN, FILTERS, LAST_DAYS, TYPED, ScheduleForm
from portal.plumbing.mail_text import one_line
from portal.schedules.inputs import Problem
from portal.schedules.recipients import Recipient
from portal.schedules.rule import LONGEST_INTERVAL

Data = dict[str, Any]
WORKING_WEEK = [1, 2, 3, 4, 5]
_NAMED_PERIODS = frozenset(value for value, _ in PERIOD_CHOICES)
_MOST_AT_A_FIELD = 12


# ---- from the form to data


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
        "timezone": _stripped(form.timezone.data),
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
    }


def period_text(form: ScheduleForm) -> str:
    """The period in the vocabulary of `portal.exports.periods`."""
    kind = form.period.data or ""
    if kind == LAST_DAYS:
        return f"last_{_stripped(form.period_days.data)}_days"
    if kind == BETWEEN:
        return f"{_stripped(form.period_from.data)}..{_stripped(form.period_to.data)}"
    return _stripped(form.period_typed.data) if kind == TYPED else kind


def _format_options(form: ScheduleForm) -> Data:
    if form.format.data != ExportFormat.CSV:
        return {}
    return {"delimiter": form.delimiter.data, "bom": form.bom.data, "header_labels": form.header_labels.data}


def _filters(form: ScheduleForm) -> Data:
    filters: Data = {key: list(form[key].data) for key in FILTERS if form[key].data}
    if form.anonymous.data:
        filters["anonymous"] = {"true": True, "false": False}.get(form.anonymous.data, form.anonymous.data)
    if form.date_field.data and form.date_field.data != "created_at":
        filters["date_field"] = form.date_field.data
    return filters


def _column_config(form: ScheduleForm) -> Data:
    config: Data = {
        "max_investigations": _whole(form.investigations.data),
        "include_overflow": form.overflow.data,
    }
    if chosen := [_column(line) for line in (form.columns.data or "").splitlines() if line.strip()]:
        config["columns"] = chosen
    return config


def _column(line: str) -> str | dict[str, str]:
    key, equals, label = (part.strip() for part in line.partition("="))
    return {"key": key, "label": label} if equals else key


def _rule(form: ScheduleForm) -> Data:
    at = _time(form.time.data)
    kind = form.repeats.data
    if kind == "once":
        return {"freq": "once", "date": _stripped(form.date.data), "time": at}
    rule: Data = {"freq": "weekly" if kind == "weekdays" else kind, "time": at}
    if kind == "weekdays":
        rule["weekdays"] = WORKING_WEEK
    elif kind == "weekly":
        rule["weekdays"] = [_whole(each) for each in form.weekdays.data]
    elif kind == "monthly":
        rule |= _day_of_month(form)
    if interval := _stripped(form.interval.data):
        rule["interval"] = _whole(interval)
    if start := _stripped(form.start.data):
        rule["start"] = start
    if until := _stripped(form.until.data):
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
    at = _stripped(text)
    return f"0{at}" if re.fullmatch(r"\d:\d\d", at, re.ASCII) else at.removesuffix(":00") if at.count(":") == 2 else at


def _stripped(text: str | None) -> str:
    return (text or "").strip()


def _whole(text: str | None) -> int | str:
    """A whole number where it is one; else the text, for the subject to refuse."""
    stripped = _stripped(text).lower()
    return int(stripped) if re.fullmatch(r"\d{1,6}", stripped, re.ASCII) else stripped


# ---- from a schedule to the form


def new_values(*, timezone: str, owner_id: uuid.UUID) -> Data:
    """What the form of a new schedule begins with: every Monday morning, the week before, as XLSX."""
    return {
        "export_type": ExportType.FLAT_FILE.value,
        "format": ExportFormat.XLSX.value,
        "period": "previous_week",
        "investigations": str(USUAL_INVESTIGATIONS),
        "attach": True,
        "link": True,
        "timezone": timezone,
        "owner_id": str(owner_id),
        "catch_up": CatchUp.LATEST.value,
        "on_blackout": OnBlackout.RUN.value,
        **_usual_options(bom=True),
        **_when_values({"freq": "weekly", "weekdays": [1], "time": "08:00"}),
    }


def values_of(schedule: Schedule) -> Data:
    """The form of an existing schedule."""
    config, options, delivery = schedule.column_config, schedule.format_options, schedule.delivery_config
    filters = dict(schedule.filters)
    anonymous = filters.pop("anonymous", None)
    mails = [each for each in schedule.destinations if each.kind is DestinationKind.EMAIL]
    folders = [each.target for each in schedule.destinations if each.kind is DestinationKind.FOLDER]
    return {
        "revision": str(schedule.revision),
        "name": schedule.name,
        "description": schedule.description,
        "export_type": schedule.export_type.value,
        "format": schedule.format.value,
        **_usual_options(bom=schedule.format is not ExportFormat.CSV),
        **options,
        **_period_values(schedule.period),
        "date_field": "created_at",
        **filters,
        "anonymous": "" if anonymous is None else str(anonymous).lower(),
        "investigations": str(config.get("max_investigations", USUAL_INVESTIGATIONS)),
        "overflow": config.get("include_overflow", False),
        "columns": "\n".join(_column_line(each) for each in config.get("columns") or ()),
        **_when_values(schedule.rule),
        "timezone": schedule.timezone,
        "catch_up": schedule.catch_up.value,
        "grace": "" if schedule.grace_seconds is None else str(schedule.grace_seconds),
        "on_blackout": schedule.on_blackout.value,
        "wait": schedule.ready_by is not None,
        "ready_by": schedule.ready_by or "",
        "recipients": "\n".join(str(Recipient(each.target, each.name)) for each in mails),
        "folders": "\n".join(folders),
        **{key: delivery.get(key, False) for key in ("attach", "link", "sign_in_to_download")},
        "owner_id": str(schedule.owner_id or ""),
    }


def _usual_options(*, bom: bool) -> Data:
    return {"delimiter": ",", "bom": bom, "header_labels": False, "date_field": "created_at", "anonymous": ""}


def _period_values(text: str) -> Data:
    if text in _NAMED_PERIODS:
        return {"period": text}
    try:
        period = parse_period(text)
    except PeriodError:
        return {"period": TYPED, "period_typed": text}
    return _own_period_values(period)


def _own_period_values(period: Period) -> Data:
    if period.days:
        return {"period": LAST_DAYS, "period_days": str(period.days)}
    if ".." in period.text and period.first and period.last:
        return {
            "period": BETWEEN,
            "period_from": period.first.isoformat(),
            "period_to": period.last.isoformat(),
        }
    return {"period": TYPED, "period_typed": period.text}


def _column_line(chosen: Any) -> str:
    return f"{chosen['key']} = {chosen['label']}" if isinstance(chosen, Mapping) else str(chosen)


def _when_values(rule: Mapping[str, Any]) -> Data:
    """Of any rule, a broken one too: what is not there is filled in with what is usual."""
    days = [str(day) for day in rule.get("weekdays", [1])]
    values = {key: str(rule[key]) for key in ("day", "workday", "nth", "weekday") if key in rule}
    freq = str(rule.get("freq", ""))
    whole_week = freq == "weekly" and days == [str(day) for day in WORKING_WEEK]
    return {
        "repeats": "weekdays" if whole_week else freq,
        "time": rule.get("time", ""),
        "weekdays": days,
        "monthly_by": _monthly_by(rule),
        "day": "1",
        "nth": "1",
        "weekday": "1",
        "workday": "1",
        "short_month": rule.get("short_month", "clamp"),
        "interval": str(rule.get("interval", 1)),
        **{key: str(rule.get(key, "")) for key in ("date", "start", "until")},
        **values,
    }


def _monthly_by(rule: Mapping[str, Any]) -> str:
    if rule.get("day") == "last":
        return "last_day"
    return next((key for key in ("nth", "workday") if key in rule), "day")


# ---- problems, at their fields and in the form's words

_FIELDS = {
    "max_investigations": "investigations",
    "include_overflow": "overflow",
    "filters.filters": "status",
    "rule.rule": "repeats",
    "rule.freq": "repeats",
    "grace_seconds": "grace",
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


def show_problems(form: ScheduleForm, problems: Iterable[Problem]) -> None:
    """Put each problem at the field a person can mend it in."""
    for problem in problems:
        field = form[_field_of(form, problem.field)]
        if len(field.errors) < _MOST_AT_A_FIELD:
            field.errors = [*field.errors, _sentence(form, problem)]


def _field_of(form: ScheduleForm, name: str) -> str:
    if name == "period":
        return {LAST_DAYS: "period_days", BETWEEN: "period_from", TYPED: "period_typed"}.get(form.period.data, name)
    known = _FIELDS.get(name) or name.removeprefix("rule.").removeprefix("filters.")
    return known if known in form else "name"


def _sentence(form: ScheduleForm, problem: Problem) -> str:
    match problem.field:
        case "period" if form.period.data == LAST_DAYS:
            return "Write the number of days, from 1 to 3,660."
        case "period" if form.period.data == BETWEEN:
            return _between(form, problem.sentence)
        case "rule.start" if not _stripped(form.start.data):
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
    if not _stripped(form.period_from.data) or not _stripped(form.period_to.data):
        return "Choose both dates, from and to."
    if "before" in sentence:
        return "The period ends before it begins: give the earlier date first."
    return "Write both dates like 2026-12-31."
