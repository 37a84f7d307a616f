"""What is set in each part of the builder that is folded away, in one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.models import OnBlackout
from portal.pages.schedules.choices import DATE_FIELDS, FILTERS, FIRST_FILTERS, ON_BLACKOUT
from portal.pages.schedules.forms import ScheduleForm
from portal.pages.schedules.in_words import Described, cases_in_words, facts
from portal.pages.schedules.names import Names
from portal.pages.template_filters import field_errors

FIELDS = {
    "date-field": ("date_field",),
    "more-filters": (*(key for key in FILTERS if key not in FIRST_FILTERS), "tag_filters", "anonymous"),
    "columns": ("investigations", "tagged", "overflow", "columns_are", "columns", "column_set", "column_set_name"),
    "file": ("delimiter", "bom", "header_labels", "zip"),
    "interval": ("interval", "start", "until"),
    "late": ("on_blackout", "wait", "ready_by", "catch_up", "grace"),
    "own-rows": ("own_rows",),
    "sending": ("no_rows", "send_when", "send_rows"),
    "backup": ("backup_address",),
    "folders": ("folders",),
    "owner": ("owner_id", "description"),
}


def folds_to_mend(form: ScheduleForm) -> set[str]:
    """The folds in which something is to be mended."""
    wrong = [field_id for field_id, _ in field_errors(form)]
    return {
        fold
        for fold, names in FIELDS.items()
        if any(field_id == name or field_id.startswith(f"{name}-") for name in names for field_id in wrong)
    }


def folded(described: Described, names: Names) -> dict[str, str]:
    """By the name of the fold."""
    told = facts(described, names)
    filters: Mapping[str, Any] = described.get("filters") or {}
    return {
        "date-field": dict(DATE_FIELDS).get(filters.get("date_field", "created_at"), "").lower(),
        "cases": cases_in_words({key: value for key, value in filters.items() if key != "date_field"}, names),
        "more-filters": cases_in_words(_less_used(filters), names) if _less_used(filters) else "Any",
        "columns": told.get("Columns", ""),
        "file": told.get("Format", "").partition(", ")[2].capitalize() or "As is",
        "late": _late(described, told),
        "own-rows": told.get("Own rows", "Everybody gets the same rows"),
        "sending": ". ".join(filter(None, (told.get("Sent", "Sent every time"), _without_rows(told)))),
        "backup": told.get("Backup recipient", "Nobody"),
        "folders": told.get("Folders", "None"),
        "owner": told["Owner"],
    }


def _less_used(filters: Mapping[str, Any]) -> Mapping[str, Any]:
    return {key: value for key, value in filters.items() if key not in {*FIRST_FILTERS, "date_field"}}


def _late(described: Described, told: Mapping[str, str]) -> str:
    chosen = described.get("on_blackout") or OnBlackout.RUN
    days_off = dict(ON_BLACKOUT).get(chosen, "")
    waits = f", waits for the data until {described['ready_by']}" if described.get("ready_by") else ""
    on_days_off = f"Days off: {days_off[:1].lower()}{days_off[1:]}{waits}"
    return ". ".join(filter(None, (on_days_off, told.get("If it could not run on time"))))


def _without_rows(told: Mapping[str, str]) -> str:
    words = told.get("When there is nothing to report", "")
    return f"Nothing to report: {words[:1].lower()}{words[1:]}" if words else ""
