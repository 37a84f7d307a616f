"""The forms of schedules. They hold what was typed, as it was typed; `answers` reads it, the subject judges it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from typing import Any

from wtforms import BooleanField, Field, HiddenField, RadioField, SelectField, SelectMultipleField, StringField
from wtforms.fields import SelectChoice, TextAreaField
from wtforms.widgets import TextInput

from portal.exports.catalogue import MOST_INVESTIGATIONS, OFFERED
from portal.exports.periods import PERIOD_CHOICES
from portal.exports.writers import FORMATS
from portal.models import CatchUp, OnBlackout
from portal.moments import WEEKDAYS, MomentError, parse_day
from portal.pages.hostile_input import PlainForm
from portal.schedules.rule import RuleError, parse_rule

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


def _listed(pairs: Iterable[tuple[str, str]]) -> list[SelectChoice]:
    return [SelectChoice(value, label) for value, label in pairs]


def offer_owners(field: SelectField, owners: Iterable[tuple[uuid.UUID, str]]) -> None:
    """Those who may own a schedule; whoever stands there and may not is asked to be replaced."""
    field.choices = _listed((str(owner_id), name) for owner_id, name in owners)
    if field.data not in {choice.value for choice in field.choices}:
        field.choices.insert(0, SelectChoice(field.data or "", "Choose an owner"))


class CheckboxesField(SelectMultipleField):  # type: ignore[misc]  # WTForms ships no types
    """Several of a list; which values there are is for the subject to say."""

    def __init__(self, label: str, choices: Any = (), **more: Any) -> None:
        super().__init__(label, choices=_listed(choices), validate_choice=False, **more)


class _PickerInput(TextInput):  # type: ignore[misc]  # WTForms ships no types
    """The browser's picker, unless it would hide what was typed: browsers leave a value empty that they cannot read."""

    def __init__(self, kind: str, readable: Callable[[str], object], errors: type[Exception]) -> None:
        super().__init__()
        self._kind, self._readable, self._errors = kind, readable, errors

    def __call__(self, field: Field, **given: Any) -> Any:
        try:
            if field.data:
                self._readable(field.data)
        except self._errors:
            return super().__call__(field, **given)
        return super().__call__(field, type=self._kind, **given)


def _read_time(text: str) -> object:
    return parse_rule({"freq": "daily", "time": text})


_DATE = _PickerInput("date", parse_day, MomentError)
_TIME = _PickerInput("time", _read_time, RuleError)


def _radio(label: str, choices: Any, **more: Any) -> RadioField:
    return RadioField(label, choices=_listed(choices), validate_choice=False, **more)


def _select(label: str, choices: Any, **more: Any) -> SelectField:
    return SelectField(label, choices=_listed(choices), validate_choice=False, **more)


def _number(label: str, **more: Any) -> StringField:
    return StringField(label, render_kw={"inputmode": "numeric", "size": 6, "autocomplete": "off"}, **more)


def day_picker(label: str, **more: Any) -> StringField:
    """A day with the browser's picker, kept as it was typed."""
    return StringField(label, widget=_DATE, **more)


class ScheduleForm(PlainForm):
    """The builder. All fields are texts, lists of texts or yes/no."""

    revision = HiddenField()

    name = StringField(
        "Name",
        description="Stands in the subject of the mail and in the file name.",
        render_kw={"autocomplete": "off", "aria-required": "true"},
    )
    description = TextAreaField("Description", description="For your colleagues. May be left empty.")
    export_type = _radio("Contents", [(kind.value, offer.label) for kind, offer in OFFERED.items()])
    format = _radio(
        "Format",
        list(FORMATS.items()),
        description="Excel for people. CSV for people and programs. JSON lines and Parquet for data tools.",
    )
    delimiter = _radio("Between the columns", [(",", "Comma"), (";", "Semicolon")])
    bom = BooleanField("Mark the file as UTF-8, so that Excel opens it with the right letters")
    header_labels = BooleanField("Head the columns with words (“Case Number”) and not with keys (“case_number”)")

    period = _select("Period", [*PERIOD_CHOICES, *OWN_PERIODS])
    period_days = _number("Number of days")
    period_from = day_picker("From")
    period_to = day_picker("To, this day included")
    period_typed = StringField(
        "Year, quarter or month",
        description="Such as 2022, 2022-Q1 or 2022-03.",
        render_kw={"autocomplete": "off"},
    )
    date_field = _radio("The period counts by when a case was", DATE_FIELDS)

    status = CheckboxesField(FILTERS["status"])
    priority = CheckboxesField(FILTERS["priority"])
    category = CheckboxesField(FILTERS["category"])
    business_unit = CheckboxesField(FILTERS["business_unit"])
    location = CheckboxesField(FILTERS["location"])
    country = CheckboxesField(FILTERS["country"])
    region = CheckboxesField(FILTERS["region"])
    channel = CheckboxesField(FILTERS["channel"])
    assignee = CheckboxesField(FILTERS["assignee"])
    outcome = CheckboxesField(FILTERS["outcome"])
    anonymous = _radio("Reports", ANONYMOUS)

    investigations = _number(
        "Investigations per case",
        description=f"0 to {MOST_INVESTIGATIONS}; each takes ten columns.",
    )
    overflow = BooleanField("Also everything else of a case, in five columns for programs (JSON)")
    columns = TextAreaField(
        "Only these columns, in this order",
        description="One a line, by key; the keys stand below. A heading of your own follows after “=”: "
        "case_number = No. Excel shows it, and CSV that is headed with words. "
        "Leave it empty for all columns; custom contents need some.",
        render_kw={"spellcheck": "false"},
    )

    repeats = _radio("Repeats", REPEATS)
    weekdays = CheckboxesField("On", [(str(number), name) for number, name in enumerate(WEEKDAYS, 1)])
    monthly_by = _radio("On", MONTHLY_BY)
    day = _number("Day of the month", description="1 to 31.")
    short_month = _radio("In shorter months", [("clamp", "On the last day"), ("skip", "Not at all")])
    nth = _select("Which one", NTH)
    weekday = _select("Weekday", [(str(number), name) for number, name in enumerate(WEEKDAYS, 1)])
    workday = StringField(
        "Which working day",
        description="1 to 20 from the start of the month, or last.",
        render_kw={"size": 6, "autocomplete": "off"},
    )
    date = day_picker("Date")
    time = StringField("At", widget=_TIME)
    timezone = StringField(
        "Time zone",
        description="Begin to type a city.",
        render_kw={"list": "time-zones", "autocomplete": "off", "spellcheck": "false"},
    )
    interval = _number(
        "Every how many",
        description="Days, weeks or months, counted from the first day. 3 months is every quarter.",
    )
    start = day_picker("First day", description="Not before this day. Needed when it is not every day, week or month.")
    until = day_picker("Last day", description="Leave it empty to go on without an end.")
    wait = BooleanField(
        "Wait for the import of the day",
        description="Made as soon as an import of cases has succeeded that day, and not before the time above.",
    )
    ready_by = StringField(
        "At the latest at",
        widget=_TIME,
        description="Later on the same day. If no import has come by then, it is made of the register as it is.",
    )
    on_blackout = _radio("On days of the blackout calendar", ON_BLACKOUT)
    catch_up = _radio(
        "Make up for",
        CATCH_UP,
        description="Whatever is not made up for is written down as missed, and can be produced by hand.",
    )
    grace = _select("The latest one is made, if it is no later than", GRACES)

    recipients = TextAreaField(
        "Recipients",
        description="Paste addresses in any form, one or many.",
        render_kw={"spellcheck": "false", "autocomplete": "off"},
    )
    attach = BooleanField("Attach the file to the mail")
    link = BooleanField("Put a link to the file into the mail")
    sign_in_to_download = BooleanField("The link asks to sign in first")
    folders = TextAreaField(
        "Folders",
        description="Below the export folder, one a line; {year}, {month}, {day} and {schedule} are filled in: "
        "board/{year}.",
        render_kw={"spellcheck": "false", "autocomplete": "off", "rows": 2},
    )
    owner_id = _select("Owner", (), description="Is told when a run fails.")

    def __init__(self, *args: Any, owners: Any = (), **more: Any) -> None:
        super().__init__(*args, **more)
        offer_owners(self.owner_id, owners)


class PauseForm(PlainForm):
    reason = StringField("Why", description="Others read it beside the state. May be left empty.")
    resume_on = day_picker("Resume by itself on", description="Leave it empty to pause until somebody resumes it.")


class ReassignForm(PlainForm):
    owner_id = _select("New owner", ())
