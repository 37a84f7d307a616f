"""The forms of schedules. They hold what was typed, as it was typed; `answers` reads it, the subject judges it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from wtforms import BooleanField, Form, FormField, HiddenField, SelectField, StringField
from wtforms.fields import SelectChoice, TextAreaField

from portal.exports.catalogue import OFFERED
from portal.exports.periods import PERIOD_CHOICES
from portal.exports.register_columns import MOST_INVESTIGATIONS
from portal.exports.tagged_fields import Tag
from portal.exports.writers import FORMATS
from portal.models import ColumnSet
from portal.models.field_tag import SLOTS
from portal.moments import WEEKDAYS
from portal.pages.hostile_input import PlainForm
from portal.pages.schedules.choices import (
    ANONYMOUS,
    CATCH_UP,
    COLUMNS_ARE,
    DATE_FIELDS,
    FILTERS,
    GRACES,
    LOOK_AS,
    MONTHLY_BY,
    NO_ROWS,
    NTH,
    ON_BLACKOUT,
    OWN_PERIODS,
    REPEATS,
    SEND_WHEN,
    YES_NO,
)
from portal.pages.schedules.fields import (
    CheckboxesField,
    GroupsField,
    day_picker,
    listed,
    number,
    radio,
    select,
    time_picker,
)
from portal.schedules.inputs.recipients import MOST_OWN_ROWS


def offer_owners(field: SelectField, owners: Iterable[tuple[uuid.UUID, str]]) -> None:
    """Those who may own a schedule; whoever stands there and may not is asked to be replaced."""
    field.choices = listed((str(owner_id), name) for owner_id, name in owners)
    if field.data not in {choice.value for choice in field.choices}:
        field.choices.insert(0, SelectChoice(field.data or "", "Choose an owner"))


def offer_column_sets(form: ScheduleForm, sets: Iterable[ColumnSet]) -> None:
    form.column_set.choices = listed([("", "Choose a set"), *((str(each.id), each.name) for each in sets)])


class OwnRowsForm(Form):  # type: ignore[misc]  # WTForms ships no types
    """Recipients with rows of their own: who, and which cases."""

    addresses = TextAreaField(
        "Recipients",
        description="They need not stand above.",
        render_kw={"spellcheck": "false", "autocomplete": "off", "rows": 2},
    )
    business_unit = CheckboxesField(FILTERS["business_unit"])
    category = CheckboxesField(FILTERS["category"])
    region = CheckboxesField(FILTERS["region"])
    country = CheckboxesField(FILTERS["country"])
    location = CheckboxesField(FILTERS["location"])


class TagFilterForm(Form):  # type: ignore[misc]  # WTForms ships no types
    """A filter on one tagged field; which of the fields is shown goes by the tag's type."""

    column = HiddenField()
    values = TextAreaField("Any of these, one a line", render_kw={"spellcheck": "false", "rows": 2})
    least = number("From")
    most = number("To")
    first = day_picker("From")
    last = day_picker("To, this day included")
    yes_no = radio("It is", YES_NO)


def offer_tag_filters(form: ScheduleForm, tags: Iterable[Tag]) -> list[tuple[Tag, TagFilterForm]]:
    """A filter for each tag, as it was filled in or empty."""
    filled = {entry.form.column.data: entry.form for entry in form.tag_filters}
    for tag in tags:
        if tag.column_name not in filled and len(form.tag_filters) < SLOTS:
            filled[tag.column_name] = form.tag_filters.append_entry({"column": tag.column_name, "yes_no": ""}).form
    return [(tag, filled[tag.column_name]) for tag in tags if tag.column_name in filled]


def offer_masking(form: ScheduleForm, choices: Mapping[str, Iterable[tuple[str, str]]]) -> None:
    """By side what its people may see."""
    for side, offered in choices.items():
        form[f"masking_{side}"].choices = listed(offered)


@dataclass(frozen=True)
class BlankGroup:
    """A group with rows of its own that is yet to be filled in, as an entry of the form's."""

    index: int
    form: OwnRowsForm


def blank_group(number: int) -> BlankGroup:
    return BlankGroup(number, OwnRowsForm(prefix=f"own_rows-{number}"))


class ScheduleForm(PlainForm):
    """The builder. All fields are texts, lists of texts or yes/no."""

    revision = HiddenField()
    # the id of the schedule that a new form will make, however often it is sent
    key = HiddenField()

    name = StringField(
        "Name",
        description="Stands in the subject of the mail and in the file name.",
        render_kw={"autocomplete": "off", "aria-required": "true"},
    )
    description = TextAreaField("Description", description="For your colleagues. May be left empty.")
    export_type = radio("Contents", [(kind.value, offer.label) for kind, offer in OFFERED.items()])
    format = radio(
        "Format",
        [(name, label) for name, label in FORMATS.items() if any(name in offer.formats for offer in OFFERED.values())],
        description="Excel for people, PDF to read and print. CSV for people and programs. JSON lines and Parquet "
        "for data tools.",
    )
    delimiter = radio("Between the columns", [(",", "Comma"), (";", "Semicolon")])
    bom = BooleanField("Mark the file as UTF-8, so that Excel opens it with the right letters")
    header_labels = BooleanField("Head the columns with words (“Case Number”) and not with keys (“case_number”)")

    zip = BooleanField("Compress the file (zip)")

    period = select("Period", [*PERIOD_CHOICES, *OWN_PERIODS])
    period_days = number("Number of days")
    period_from = day_picker("From")
    period_to = day_picker("To, this day included")
    period_typed = StringField(
        "Year, quarter or month",
        description="Such as 2022, 2022-Q1 or 2022-03.",
        render_kw={"autocomplete": "off"},
    )
    date_field = radio(
        "The period counts by when a case was",
        DATE_FIELDS,
        description="Disclosures alone count by when they were submitted, whatever stands here.",
    )

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
    anonymous = radio("Reports", ANONYMOUS)
    tag_filters = GroupsField(FormField(TagFilterForm), max_entries=SLOTS)

    only_changes = BooleanField("Only cases that are new or changed since the last time")

    investigations = number(
        "Investigations per case",
        description=f"0 to {MOST_INVESTIGATIONS}; each takes ten columns.",
    )
    tagged = BooleanField("Also the tagged fields of your organization")
    overflow = BooleanField("Also everything else of a case, in five columns for programs (JSON)")
    columns_are = radio("Columns", COLUMNS_ARE)
    columns = CheckboxesField("Columns of the file")
    column_order = CheckboxesField("Their order")
    column_labels = CheckboxesField("Their own headings")
    column_set = select("Saved sets", ())
    column_set_name = StringField("Save these columns as", render_kw={"autocomplete": "off"})

    repeats = radio("Repeats", REPEATS)
    weekdays = CheckboxesField("On", [(str(number), name) for number, name in enumerate(WEEKDAYS, 1)])
    monthly_by = radio("On", MONTHLY_BY)
    day = number("Day of the month", description="1 to 31.")
    short_month = radio("In shorter months", [("clamp", "On the last day"), ("skip", "Not at all")])
    nth = select("Which one", NTH)
    weekday = select("Weekday", [(str(number), name) for number, name in enumerate(WEEKDAYS, 1)])
    workday = StringField(
        "Which working day",
        description="1 to 20 from the start of the month, or last.",
        render_kw={"size": 6, "autocomplete": "off"},
    )
    date = day_picker("Date")
    time = time_picker("At")
    timezone = StringField(
        "Time zone",
        description="Begin to type a city.",
        render_kw={"list": "time-zones", "autocomplete": "off", "spellcheck": "false"},
    )
    interval = number(
        "Every how many",
        description="Days, weeks or months, counted from the first day. 3 months is every quarter.",
    )
    start = day_picker("First day", description="Not before this day. Needed when it is not every day, week or month.")
    until = day_picker("Last day", description="Leave it empty to go on without an end.")
    wait = BooleanField(
        "Wait for the import of the day",
        description="Made as soon as an import of cases has succeeded that day, and not before the time above.",
    )
    ready_by = time_picker(
        "At the latest at",
        description="Later on the same day. If no import has come by then, it is made of the register as it is.",
    )
    on_blackout = radio("On days of the blackout calendar", ON_BLACKOUT)
    catch_up = radio(
        "Make up for",
        CATCH_UP,
        description="Whatever is not made up for is written down as missed, and can be produced by hand.",
    )
    grace = select("The latest one is made, if it is no later than", GRACES)

    recipients = TextAreaField(
        "Recipients",
        description="Paste addresses in any form, one or many.",
        render_kw={"spellcheck": "false", "autocomplete": "off"},
    )
    attach = BooleanField("Attach the file to the mail")
    link = BooleanField("Put a link to the file into the mail")
    sign_in_to_download = BooleanField("The link asks to sign in first")
    masking_inside = select("People inside your organization see", ())
    masking_outside = select("People outside see", ())
    look_as = radio("As seen", LOOK_AS)
    own_rows = GroupsField(FormField(OwnRowsForm), max_entries=MOST_OWN_ROWS)
    backup_address = StringField(
        "Backup recipient",
        description="Gets what all the others are kept from, where a case concerns them. Without a backup, the admins "
        "that may know are told.",
        render_kw={"autocomplete": "off", "spellcheck": "false"},
    )
    no_rows = radio("When there is nothing to report", NO_ROWS)
    send_when = radio("It is sent", SEND_WHEN)
    send_rows = number("Number of rows")
    folders = TextAreaField(
        "Folders",
        description="Below the export folder, one a line; {year}, {month}, {day} and {schedule} are filled in: "
        "board/{year}.",
        render_kw={"spellcheck": "false", "autocomplete": "off", "rows": 2},
    )
    owner_id = select("Owner", (), description="Is told when a run fails.")

    def __init__(self, *args: Any, owners: Any = (), **more: Any) -> None:
        super().__init__(*args, **more)
        offer_owners(self.owner_id, owners)


class PauseForm(PlainForm):
    reason = StringField("Why", description="Others read it beside the state. May be left empty.")
    resume_on = day_picker("Resume by itself on", description="Leave it empty to pause until somebody resumes it.")


class ReassignForm(PlainForm):
    owner_id = select("New owner", ())
