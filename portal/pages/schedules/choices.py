"""The choices of the forms of schedules: what is stored, and its words on the page."""

from __future__ import annotations

from portal.models import CatchUp, NoRows, OnBlackout

LAST_DAYS, BETWEEN, TYPED = "last_days", "between", "typed"
OWN_PERIODS = (
    (LAST_DAYS, "The last … days"),
    (BETWEEN, "Between two dates"),
    (TYPED, "A year, quarter or month"),
)
REPEATS = (
    ("daily", "Daily"),
    ("weekdays", "Monday to Friday"),
    ("weekly", "Weekly"),
    ("monthly", "Monthly"),
    ("once", "Once"),
)
MONTHLY_BY = (
    ("day", "A day of the month"),
    ("last_day", "The last day"),
    ("nth", "A weekday, such as the first Monday"),
    ("workday", "A working day, Monday to Friday"),
)
NTH = (("1", "First"), ("2", "Second"), ("3", "Third"), ("4", "Fourth"), ("last", "Last"))
CATCH_UP = (
    (CatchUp.LATEST.value, "The latest one"),
    (CatchUp.ALL.value, "All of them, at most 31"),
    (CatchUp.NONE.value, "None"),
)
ON_BLACKOUT = (
    (OnBlackout.RUN.value, "Run as on any other day"),
    (OnBlackout.SKIP.value, "Skip it"),
    (OnBlackout.MOVE.value, "Move it to the next working day, Monday to Friday"),
)
HALF_WAY = "half the time to the next one, at most 7 days"
_HOUR, _DAY = 3_600, 86_400
GRACES = (
    ("", f"{HALF_WAY[:1].upper()}{HALF_WAY[1:]}"),
    (str(_HOUR), "1 hour"),
    (str(4 * _HOUR), "4 hours"),
    (str(12 * _HOUR), "12 hours"),
    (str(_DAY), "1 day"),
    (str(3 * _DAY), "3 days"),
    (str(7 * _DAY), "7 days"),
)
ANONYMOUS = (("", "Both"), ("true", "Anonymous only"), ("false", "Named only"))
DATE_FIELDS = (("created_at", "Opened"), ("closed_at", "Closed"), ("updated_at", "Last changed"))
# key of the filter: its name on the page
FILTERS = {
    "status": "Status",
    "priority": "Priority",
    "category": "Category",
    "business_unit": "Business unit",
    "location": "Location",
    "country": "Country",
    "region": "Region",
    "channel": "Channel",
    "assignee": "Assignee",
    "outcome": "Outcome",
}
# those that stand before the eyes; the others are folded away
FIRST_FILTERS = ("status", "priority", "category", "business_unit")
# those by which recipients may have rows of their own
OWN_FILTERS = ("business_unit", "category", "region", "country", "location")
ALL, CHOSEN = "all", "chosen"
COLUMNS_ARE = ((ALL, "All of them, in the usual order"), (CHOSEN, "Those that I choose"))
NO_ROWS = (
    (NoRows.SEND_EMPTY.value, "Send the empty file"),
    (NoRows.SEND_NOTICE.value, "Send a notice: a short mail without a file"),
    (NoRows.SEND_NOTHING.value, "Send nothing"),
)
ALWAYS, CHANGED, AT_LEAST, AT_MOST = "always", "changed", "at_least", "at_most"
SEND_WHEN = (
    (ALWAYS, "Every time"),
    (CHANGED, "Only if something changed since the last time"),
    (AT_LEAST, "Only if there are at least so many rows"),
    (AT_MOST, "Only if there are at most so many rows"),
)
SIDES = {"inside": "Inside your organization", "outside": "Outside your organization"}
PROFILES = {
    "NONE": "Everything",
    "INTERNAL": "Without names and free text",
    "EXTERNAL": "Without names, free text, case numbers",
}
AS_USUAL = "As your organization does as a rule"
YES_NO = (("", "Both"), ("true", "Yes"), ("false", "No"))
LOOK_AS = (("inside", "Inside"), ("outside", "Outside"))
