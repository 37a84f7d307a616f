"""Whether it is sent: what becomes of an export without rows, and the condition on which it goes out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.models import NoRows
from portal.schedules.inputs.problems import Check

MOST_ROWS = 10_000_000


def checked_no_rows(found: Check, value: Any) -> NoRows:
    chosen = found.choose("no_rows", value, tuple(NoRows), "Choose what happens when there is nothing to report.")
    return NoRows(chosen) if chosen in tuple(NoRows) else NoRows.SEND_EMPTY


def checked_send_condition(found: Check, data: Any) -> dict[str, Any]:
    """{} for always, {"kind": "CHANGED"}, or {"kind": "ROWS"} with "at_least" or "at_most" and a number."""
    if not isinstance(data, Mapping) or not data:
        return {}
    if data.get("kind") == "CHANGED":
        return {"kind": "CHANGED"}
    for bound, least in (("at_least", 1), ("at_most", 0)):
        if data.get("kind") == "ROWS" and bound in data:
            number = data[bound]
            if type(number) is int and least <= number <= MOST_ROWS:
                return {"kind": "ROWS", bound: number}
            found.refuse("send_condition.rows", f"Write a whole number of rows from {least} to {MOST_ROWS:,}.")
            return {}
    found.refuse("send_condition", "Choose when it is sent.")
    return {}
