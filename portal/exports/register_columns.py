"""Every column that the register gives, declared once: key, label, type, what it gives away, and what it means.

Keys and order are a contract: BI tools read by name. The texts are what people read of a column, wherever they meet it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from portal.exports.columns import Column, ColumnType, Sensitivity

MOST_INVESTIGATIONS = 10
USUAL_INVESTIGATIONS = 3

_T, _I, _B = ColumnType.TEXT, ColumnType.INTEGER, ColumnType.BOOLEAN
_DATE, _DATETIME, _JSON = ColumnType.DATE, ColumnType.DATETIME, ColumnType.JSON
_OPEN, _IDENTIFIER, _PERSON = Sensitivity.OPEN, Sensitivity.IDENTIFIER, Sensitivity.PERSON
_PLACE, _FREE_TEXT, _EVERYTHING = Sensitivity.PLACE, Sensitivity.FREE_TEXT, Sensitivity.EVERYTHING


@dataclass(frozen=True, slots=True)
class ColumnGroup:
    """Columns that belong together for a reader."""

    title: str
    source: str
    """Where their values come from: a sentence's part, such as "the case"."""
    columns: tuple[Column, ...]


_IDENTITY = (
    Column("case_id", "Case ID", _T, _IDENTIFIER, "The case's id in this register. It never changes."),
    Column(
        "case_number",
        "Case Number",
        _T,
        _IDENTIFIER,
        "The number by which people know the case; empty for a disclosure that belongs to none.",
    ),
)

ANONYMOUS = Column("is_anonymous", "Anonymous", _B, _OPEN, "Whether the first report came without a name.")

CORE_GROUPS: tuple[ColumnGroup, ...] = (
    ColumnGroup(
        "The case",
        "the case",
        (
            *_IDENTITY,
            Column("case_status", "Status", _T, _OPEN, "NEW, OPEN, ON_HOLD or CLOSED."),
            Column("case_priority", "Priority", _T, _OPEN, "LOW, MEDIUM, HIGH or CRITICAL; empty where none is set."),
            Column("case_created_at", "Created At", _DATETIME, _OPEN, "When the case was opened."),
            Column("case_closed_at", "Closed At", _DATETIME, _OPEN, "When the case was closed; empty while open."),
            Column(
                "case_days_open",
                "Days Open",
                _I,
                _OPEN,
                "Calendar days from opening to closing, or to the moment the export was planned for while the case is "
                "open; the same day counts as 0. Empty for a closed case whose closing date is not known.",
            ),
            Column(
                "case_sla_breached",
                "SLA Breached",
                _B,
                _OPEN,
                "True where the case was not closed by its due date, or is open past it. False without a due date.",
            ),
        ),
    ),
    ColumnGroup(
        "Category",
        "the tree of categories",
        (
            Column("category_name", "Category", _T, _OPEN, "The top category that the case belongs to."),
            Column("category_code", "Category Code", _T, _OPEN, "The code of the top category."),
            Column(
                "subcategory_name",
                "Subcategory",
                _T,
                _OPEN,
                "The case's own category, where that stands below the top one; else empty.",
            ),
        ),
    ),
    ColumnGroup(
        "How it was reported",
        "the earliest intake report of the case",
        (
            Column(
                "source_channel",
                "Source Channel",
                _T,
                _OPEN,
                "How the first report came in: HOTLINE, WEB_FORM, EMAIL, WALK_IN, LETTER, PROXY or OTHER.",
            ),
            ANONYMOUS,
            Column(
                "reporter_relationship",
                "Reporter Relationship",
                _T,
                _PLACE,
                "What the first reporter is to the organization, such as an employee or a supplier.",
            ),
        ),
    ),
    ColumnGroup(
        "Assignee",
        "the case",
        (
            Column("assigned_to_name", "Assigned To", _T, _PERSON, "The name of whoever works on the case."),
            Column("assigned_to_email", "Assignee Email", _T, _PERSON, "The address of whoever works on the case."),
        ),
    ),
    ColumnGroup(
        "Where",
        "the case's business unit and location",
        (
            Column("business_unit_name", "Business Unit", _T, _PLACE, "The business unit that the case is about."),
            Column("business_unit_code", "BU Code", _T, _PLACE, "The code of that business unit."),
            Column("location_name", "Location", _T, _PLACE, "The location that the case is about."),
            Column("location_country", "Country", _T, _PLACE, "The country of that location."),
            Column("location_region", "Region", _T, _PLACE, "The region of that location."),
        ),
    ),
    ColumnGroup(
        "Outcome and follow-up",
        "the case and its newest remediation plan",
        (
            Column(
                "outcome",
                "Outcome",
                _T,
                _OPEN,
                "SUBSTANTIATED, PARTLY_SUBSTANTIATED, UNSUBSTANTIATED, INSUFFICIENT, WITHDRAWN, REFERRED or OTHER; "
                "empty until there is one.",
            ),
            Column("outcome_reason", "Outcome Reason", _T, _FREE_TEXT, "Why, in the words of whoever decided."),
            Column("has_remediation", "Has Remediation", _B, _OPEN, "Whether there is a remediation plan."),
            Column("remediation_status", "Remediation Status", _T, _OPEN, "The status of the newest remediation plan."),
        ),
    ),
    ColumnGroup(
        "Counts",
        "what belongs to the case",
        (
            Column("riu_count", "RIU Count", _I, _OPEN, "How many intake reports the case has."),
            Column(
                "investigation_count",
                "Investigation Count",
                _I,
                _OPEN,
                "How many investigations the case has: all of them, also those beyond the columns of this file.",
            ),
            Column("subject_count", "Subject Count", _I, _OPEN, "How many people the case is about."),
            Column("attachment_count", "Attachment Count", _I, _OPEN, "How many files are attached to the case."),
        ),
    ),
)

CORE: tuple[Column, ...] = tuple(column for group in CORE_GROUPS for column in group.columns)

_INVESTIGATION: tuple[Column, ...] = (
    Column("id", "Id", _T, _IDENTIFIER, "The investigation's id in this register."),
    Column("type", "Type", _T, _OPEN, "What kind of investigation it is."),
    Column("status", "Status", _T, _OPEN, "How far the investigation is."),
    Column("outcome", "Outcome", _T, _OPEN, "What the investigation came to, in the same words as a case's outcome."),
    Column("started_at", "Started At", _DATE, _OPEN, "The day on which the investigation began."),
    Column("completed_at", "Completed At", _DATE, _OPEN, "The day on which the investigation ended; empty until then."),
    Column("days_to_complete", "Days To Complete", _I, _OPEN, "Calendar days from its start to its end."),
    Column("investigator_name", "Investigator Name", _T, _PERSON, "The name of whoever investigates."),
    Column("interview_count", "Interview Count", _I, _OPEN, "How many interviews were held for it."),
    Column("finding_summary", "Finding Summary", _T, _FREE_TEXT, "What was found, in the investigator's words."),
)
INVESTIGATION_WIDTH = len(_INVESTIGATION)

_OF_INVESTIGATIONS = "the case's investigations, the oldest first and those without a start last"

OVERFLOW: tuple[Column, ...] = (
    Column(
        "all_custom_fields",
        "All Custom Fields",
        _JSON,
        _EVERYTHING,
        "All fields of the case that only your organization has.",
    ),
    Column(
        "all_investigations",
        "All Investigations",
        _JSON,
        _EVERYTHING,
        "All investigations of the case with their own fields, also those beyond the columns of this file.",
    ),
    Column(
        "all_interview_responses",
        "All Interview Responses",
        _JSON,
        _EVERYTHING,
        "All interviews of the case's investigations with their answers.",
    ),
    Column("all_disclosures", "All Disclosures", _JSON, _EVERYTHING, "All disclosures that belong to the case."),
    Column("all_subjects", "All Subjects", _JSON, _EVERYTHING, "The people the case is about."),
)
OVERFLOW_GROUP = ColumnGroup("Everything else, for programs", "all that belongs to the case, as compact JSON", OVERFLOW)

DISCLOSURE: tuple[Column, ...] = (
    Column("disclosure_id", "Disclosure ID", _T, _IDENTIFIER, "The disclosure's id in this register."),
    _IDENTITY[1],
    Column("kind", "Kind", _T, _OPEN, "What is disclosed, such as a gift or an outside interest."),
    Column("template", "Template", _T, _OPEN, "The form that was filled in."),
    Column("submitted_at", "Submitted At", _DATETIME, _OPEN, "When the disclosure was submitted."),
)
FORM_DATA = Column("form_data", "Form Data", _JSON, _EVERYTHING, "All answers of the form, as compact JSON.")

CHANGE = Column(
    "change",
    "Change",
    _T,
    _OPEN,
    'What has happened to the case since the last time: "new" or "changed".',
)


def investigation_columns(number: int) -> list[Column]:
    """The ten columns of a case's investigation number 1, 2, …"""
    return [_renamed(column, f"inv_{number}_", f"Inv {number} ") for column in _INVESTIGATION]


def investigation_group(number: int) -> ColumnGroup:
    return ColumnGroup(f"Investigation {number}", _OF_INVESTIGATIONS, tuple(investigation_columns(number)))


def only_investigations() -> tuple[ColumnGroup, ...]:
    """Which case it belongs to, then what the flat file says of each investigation, without a number."""
    own = tuple(_renamed(column, "inv_", "Inv ") for column in _INVESTIGATION)
    return ColumnGroup("The case", "the case", _IDENTITY), ColumnGroup("The investigation", "the investigation", own)


def _renamed(column: Column, before_key: str, before_label: str) -> Column:
    return replace(column, key=before_key + column.key, label=before_label + column.label)
