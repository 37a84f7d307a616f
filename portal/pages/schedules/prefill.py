"""What the builder's form begins with: a new schedule's usual answers, or those of a schedule that is saved."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from portal.exports.catalogue import OFFERED
from portal.exports.periods import PERIOD_CHOICES, Period, PeriodError, parse_period
from portal.exports.register_columns import USUAL_INVESTIGATIONS
from portal.models import (
    CatchUp,
    Destination,
    DestinationKind,
    ExportFormat,
    ExportType,
    NoRows,
    OnBlackout,
    Schedule,
)
from portal.pages.schedules.answers import WORKING_WEEK, Data
from portal.pages.schedules.choices import (
    ALL,
    ALWAYS,
    AT_LEAST,
    AT_MOST,
    BETWEEN,
    CHANGED,
    CHOSEN,
    LAST_DAYS,
    TYPED,
)
from portal.schedules.inputs.contents import SIDES
from portal.schedules.recipients import Recipient

_NAMED_PERIODS = frozenset(value for value, _ in PERIOD_CHOICES)


def new_values(*, timezone: str, owner_id: uuid.UUID) -> Data:
    """What the form of a new schedule begins with: every Monday morning, the week before, as XLSX."""
    return {
        "export_type": ExportType.FLAT_FILE.value,
        "format": ExportFormat.XLSX.value,
        "columns_are": ALL,
        "tagged": True,
        "look_as": "inside",
        "no_rows": NoRows.SEND_EMPTY.value,
        "send_when": ALWAYS,
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


def asked_values(asked: Mapping[str, str]) -> Data:
    """What an address has filled in instead: a type of export, its period, a business unit or a category."""
    try:
        offered = OFFERED[ExportType(asked.get("export_type", ""))]
    except (KeyError, ValueError):
        return {}
    values: Data = {"export_type": asked["export_type"], "format": offered.formats[0]}
    if period := asked.get("period"):
        values |= _period_values(period)
        if period == "previous_month":
            values |= _when_values({"freq": "monthly", "day": 1, "time": "08:00"})
    return values | {key: [text] for key in ("business_unit", "category") if (text := asked.get(key, ""))}


def values_of(schedule: Schedule) -> Data:
    """The form of an existing schedule."""
    config, options, delivery = schedule.column_config, schedule.format_options, schedule.delivery_config
    filters = dict(schedule.filters)
    anonymous, tags = filters.pop("anonymous", None), filters.pop("tags", {})
    mails = [each for each in schedule.destinations if each.kind is DestinationKind.EMAIL]
    shared = [each for each in mails if not each.own_filters]
    folders = [each.target for each in schedule.destinations if each.kind is DestinationKind.FOLDER]
    return {
        "revision": str(schedule.revision),
        "look_as": "inside",
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
        "tag_filters": [{"column": column, **_tag_values(wanted)} for column, wanted in tags.items()],
        "investigations": str(config.get("max_investigations", USUAL_INVESTIGATIONS)),
        "tagged": config.get("include_tagged_fields", OFFERED[schedule.export_type].usually_tagged),
        "overflow": config.get("include_overflow", False),
        **column_values(config.get("columns") or ()),
        **_when_values(schedule.rule),
        "timezone": schedule.timezone,
        "catch_up": schedule.catch_up.value,
        "grace": "" if schedule.grace_seconds is None else str(schedule.grace_seconds),
        "on_blackout": schedule.on_blackout.value,
        "wait": schedule.ready_by is not None,
        "ready_by": schedule.ready_by or "",
        "recipients": "\n".join(str(Recipient(each.target, each.name)) for each in shared),
        "own_rows": _own_rows(mails),
        "folders": "\n".join(folders),
        **{key: delivery.get(key, False) for key in ("attach", "link", "sign_in_to_download")},
        "owner_id": str(schedule.owner_id or ""),
        "only_changes": schedule.only_changes,
        **{f"masking_{side}": schedule.masking.get(side, "") for side in SIDES},
        "backup_address": schedule.backup_address or "",
        "no_rows": schedule.no_rows.value,
        **_send_values(schedule.send_condition),
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


def column_values(chosen: Sequence[Any]) -> Data:
    """The fields of chosen columns, as a schedule and a saved set keep them."""
    pairs = [(each["key"], each.get("label") or "") if isinstance(each, Mapping) else (each, "") for each in chosen]
    keys = [key for key, _ in pairs]
    labels = [label for _, label in pairs]
    return {"columns_are": CHOSEN if keys else ALL, "columns": keys, "column_order": keys, "column_labels": labels}


def _own_rows(mails: Sequence[Destination]) -> list[Data]:
    """One group of all that have the same own filters, in the order of the first of each."""
    groups: dict[str, Data] = {}
    for each in mails:
        if not each.own_filters:
            continue
        group = groups.setdefault(json.dumps(each.own_filters, sort_keys=True), {"addresses": [], **each.own_filters})
        group["addresses"].append(str(Recipient(each.target, each.name)))
    return [{**group, "addresses": "\n".join(group["addresses"])} for group in groups.values()]


def _tag_values(wanted: Any) -> Data:
    if isinstance(wanted, bool):
        return {"yes_no": str(wanted).lower()}
    if isinstance(wanted, Mapping):
        least, most = (str(wanted.get(key, "")) for key in ("min", "max"))
        return {"least": least, "most": most, "first": least, "last": most, "yes_no": ""}
    values = wanted if isinstance(wanted, list) else [wanted]
    return {"values": "\n".join(str(each) for each in values), "yes_no": ""}


def _send_values(condition: Mapping[str, Any]) -> Data:
    for bound in (AT_LEAST, AT_MOST):
        if bound in condition:
            return {"send_when": bound, "send_rows": str(condition[bound])}
    return {"send_when": CHANGED if condition.get("kind") == "CHANGED" else ALWAYS, "send_rows": ""}


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
