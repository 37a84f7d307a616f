"""When it runs: the rule in its zone, how late it may be made, and until when it waits for the data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from portal.schedules.catch_up import LONGEST_GRACE
from portal.schedules.inputs.problems import Check
from portal.schedules.rule import RuleError, next_occurrence, parse_rule, rule_to_json
from portal.zones import ZoneError, zone

_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)


def checked_rule(found: Check, data: Mapping[str, Any], now: datetime) -> dict[str, Any] | None:
    """The rule as it is stored, where it can be read and has a moment left to come."""
    place = found.read("timezone", lambda: zone(str(data.get("timezone", ""))), ZoneError)
    try:
        rule = parse_rule(data.get("rule", {}))
    except RuleError as error:
        found.refuse(f"rule.{error.field}", error.sentence)
        return None
    if place is not None and next_occurrence(rule, place, now) is None:
        at = "rule.date" if "date" in data.get("rule", {}) else "rule.until"
        found.refuse(at, "There is no moment left to come: choose a later date.")
        return None
    return rule_to_json(rule)


def checked_grace(found: Check, value: Any) -> int | None:
    if value is None or (type(value) is int and 0 < value <= LONGEST_GRACE.total_seconds()):
        return value
    found.refuse("grace_seconds", "Choose how late it may still be made, at most 7 days.")
    return None


def checked_ready_by(found: Check, value: Any, rule: Any) -> str | None:
    """The latest time, which is of the same day as the rule's and later."""
    if value is None:
        return None
    if not (isinstance(value, str) and _TIME.fullmatch(value)):
        found.refuse("ready_by", "Write the latest time as hours and minutes, such as 12:00.")
        return None
    begins = rule.get("time") if isinstance(rule, Mapping) else None
    if isinstance(begins, str) and _TIME.fullmatch(begins) and value <= begins:
        found.refuse("ready_by", f"The latest time must come after {begins}, on the same day: choose a later one.")
    return value
