"""What can be exported: the types and formats on offer, and the columns of each, declared once.

Keys and order are a contract: BI tools read by name. A further export type is one more entry of OFFERED.
"""

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from portal.exports.columns import Column, ColumnType
from portal.exports.writers import TABLE_FORMATS
from portal.models import ExportFormat, ExportType

MOST_INVESTIGATIONS = 10
USUAL_INVESTIGATIONS = 3
_LONGEST_LABEL = 200

_T, _I, _B = ColumnType.TEXT, ColumnType.INTEGER, ColumnType.BOOLEAN
_DATE, _DATETIME, _JSON = ColumnType.DATE, ColumnType.DATETIME, ColumnType.JSON

CORE: tuple[Column, ...] = (
    Column("case_id", "Case ID", _T),
    Column("case_number", "Case Number", _T),
    Column("case_status", "Status", _T),
    Column("case_priority", "Priority", _T),
    Column("case_created_at", "Created At", _DATETIME),
    Column("case_closed_at", "Closed At", _DATETIME),
    Column("case_days_open", "Days Open", _I),
    Column("case_sla_breached", "SLA Breached", _B),
    Column("category_name", "Category", _T),
    Column("category_code", "Category Code", _T),
    Column("subcategory_name", "Subcategory", _T),
    Column("source_channel", "Source Channel", _T),
    Column("is_anonymous", "Anonymous", _B),
    Column("reporter_relationship", "Reporter Relationship", _T),
    Column("assigned_to_name", "Assigned To", _T),
    Column("assigned_to_email", "Assignee Email", _T),
    Column("business_unit_name", "Business Unit", _T),
    Column("business_unit_code", "BU Code", _T),
    Column("location_name", "Location", _T),
    Column("location_country", "Country", _T),
    Column("location_region", "Region", _T),
    Column("outcome", "Outcome", _T),
    Column("outcome_reason", "Outcome Reason", _T),
    Column("has_remediation", "Has Remediation", _B),
    Column("remediation_status", "Remediation Status", _T),
    Column("riu_count", "RIU Count", _I),
    Column("investigation_count", "Investigation Count", _I),
    Column("subject_count", "Subject Count", _I),
    Column("attachment_count", "Attachment Count", _I),
)

_INVESTIGATION = (
    ("id", "Id", _T),
    ("type", "Type", _T),
    ("status", "Status", _T),
    ("outcome", "Outcome", _T),
    ("started_at", "Started At", _DATE),
    ("completed_at", "Completed At", _DATE),
    ("days_to_complete", "Days To Complete", _I),
    ("investigator_name", "Investigator Name", _T),
    ("interview_count", "Interview Count", _I),
    ("finding_summary", "Finding Summary", _T),
)
INVESTIGATION_WIDTH = len(_INVESTIGATION)

OVERFLOW: tuple[Column, ...] = (
    Column("all_custom_fields", "All Custom Fields", _JSON),
    Column("all_investigations", "All Investigations", _JSON),
    Column("all_interview_responses", "All Interview Responses", _JSON),
    Column("all_disclosures", "All Disclosures", _JSON),
    Column("all_subjects", "All Subjects", _JSON),
)


class CatalogueError(ValueError):
    """What was asked for is not on offer: the setting at fault, and one sentence for the person who asked."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class ColumnConfig:
    """Which columns are wanted; made and checked by `parse_column_config`."""

    investigations: int = USUAL_INVESTIGATIONS
    overflow: bool = False
    chosen: tuple[tuple[str, str | None], ...] = ()
    """(key, own label or None) in the order wanted; empty for all."""


class RowsAre(Enum):
    """What one row of an export stands for."""

    CASES = "case"
    INVESTIGATIONS = "investigation"


@dataclass(frozen=True, slots=True)
class Offer:
    """One export type: its formats, the columns of a configuration, and every column that may be chosen."""

    label: str
    formats: tuple[str, ...]
    columns: Callable[[ColumnConfig], list[Column]]
    choosable: Callable[[], list[Column]]
    rows_are: RowsAre = RowsAre.CASES


def investigation_columns(number: int) -> list[Column]:
    """The ten columns of a case's investigation number 1, 2, …"""
    return [Column(f"inv_{number}_{key}", f"Inv {number} {label}", kind) for key, label, kind in _INVESTIGATION]


def _only_investigations() -> list[Column]:
    """Which case it belongs to, then what the flat file says of each investigation, without a number."""
    own = [Column(f"inv_{key}", f"Inv {label}", kind) for key, label, kind in _INVESTIGATION]
    return [*CORE[:2], *own]


def _chosen_alone(_config: ColumnConfig) -> list[Column]:
    raise CatalogueError("columns", "Choose the columns: a custom export has those that you choose, in your order.")


def flat_file_columns(investigations: int, *, overflow: bool) -> list[Column]:
    """Every column of the flat file in its order, for so many investigations a case."""
    repeated = [column for number in range(1, investigations + 1) for column in investigation_columns(number)]
    return [*CORE, *repeated, *(OVERFLOW if overflow else ())]


OFFERED: Mapping[ExportType, Offer] = {
    ExportType.FLAT_FILE: Offer(
        "Flat file: one row per case, everything about it",
        TABLE_FORMATS,
        lambda config: flat_file_columns(config.investigations, overflow=config.overflow),
        lambda: flat_file_columns(MOST_INVESTIGATIONS, overflow=True),
    ),
    ExportType.CASES_ONLY: Offer(
        "Cases only: one row per case, without what hangs on it",
        TABLE_FORMATS,
        lambda _: list(CORE),
        lambda: list(CORE),
    ),
    ExportType.INVESTIGATIONS_ONLY: Offer(
        "Investigations only: one row per investigation",
        TABLE_FORMATS,
        lambda _: _only_investigations(),
        _only_investigations,
        RowsAre.INVESTIGATIONS,
    ),
    ExportType.CUSTOM: Offer(
        "Custom: one row per case, the columns that you choose",
        TABLE_FORMATS,
        _chosen_alone,
        lambda: flat_file_columns(MOST_INVESTIGATIONS, overflow=True),
    ),
}


def offer(export_type: str) -> Offer:
    """The offer of an export type. Raises CatalogueError when there is none."""
    try:
        return OFFERED[ExportType(export_type)]
    except (KeyError, ValueError):
        offered = ", ".join(each.value for each in OFFERED)
        raise CatalogueError(
            "export_type", f"{_shown(export_type)} is not offered as an export; offered: {offered}."
        ) from None


def check_format(export_type: str, format_name: str) -> ExportFormat:
    """The format, if that type is offered in it. Raises CatalogueError."""
    formats = offer(export_type).formats
    if format_name not in formats:
        raise CatalogueError(
            "format", f"{_shown(format_name)} is not offered as a format; offered: {', '.join(formats)}."
        )
    return ExportFormat(format_name)


def columns_for(export_type: str, column_config: Mapping[str, Any]) -> list[Column]:
    """The columns of a stored configuration, chosen ones in the order and under the labels chosen.

    A chosen column may be any the type has, whatever the configuration says of investigations and overflow.
    Raises CatalogueError.
    """
    on_offer = offer(export_type)
    config = parse_column_config(column_config)
    if not config.chosen:
        return on_offer.columns(config)
    known = {column.key: column for column in on_offer.choosable()}
    return [_chosen(known, key, label) for key, label in config.chosen]


def parse_column_config(data: Mapping[str, Any]) -> ColumnConfig:
    """Checks {"max_investigations", "include_investigations", "include_overflow", "include_tagged_fields", "columns"}.

    Raises CatalogueError naming the key at fault.
    """
    for key in data:
        if key not in _CONFIG_KEYS:
            raise CatalogueError(
                _shown(key), f"{_shown(key)} is not a setting of columns; known are {', '.join(_CONFIG_KEYS)}."
            )
    if _flag(data, "include_tagged_fields", usual=False):
        raise CatalogueError("include_tagged_fields", "Tagged fields are not offered in exports.")
    investigations = _investigations(data.get("max_investigations", USUAL_INVESTIGATIONS))
    return ColumnConfig(
        investigations=investigations if _flag(data, "include_investigations", usual=True) else 0,
        overflow=_flag(data, "include_overflow", usual=False),
        chosen=_parse_chosen(data.get("columns")),
    )


_CONFIG_KEYS = ("max_investigations", "include_investigations", "include_overflow", "include_tagged_fields", "columns")


def _flag(data: Mapping[str, Any], key: str, *, usual: bool) -> bool:
    value = data.get(key, usual)
    if not isinstance(value, bool):
        raise CatalogueError(key, f"{key} must be true or false.")
    return value


def _investigations(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_INVESTIGATIONS:
        raise CatalogueError(
            "max_investigations",
            f"The number of investigations must be a whole number from 0 to {MOST_INVESTIGATIONS}.",
        )
    return value


def _parse_chosen(data: Any) -> tuple[tuple[str, str | None], ...]:
    if data is None:
        return ()
    if not isinstance(data, Sequence) or isinstance(data, str) or not data:
        raise CatalogueError(
            "columns", 'Columns must be a list of keys, or of {"key": …, "label": …}, with at least one.'
        )
    chosen = tuple(_parse_one(each) for each in data)
    keys = [key for key, _ in chosen]
    for key in keys:
        if keys.count(key) > 1:
            raise CatalogueError("columns", f"The column {_shown(key)} is chosen twice; leave one out.")
    return chosen


def _parse_one(data: Any) -> tuple[str, str | None]:
    if isinstance(data, str):
        return data, None
    if not isinstance(data, Mapping) or not isinstance(data.get("key"), str) or set(data) - {"key", "label"}:
        raise CatalogueError(
            "columns", 'A column is a key such as "case_number", or {"key": "case_number", "label": "No."}.'
        )
    label = data.get("label")
    if label is None:
        return data["key"], None
    if not isinstance(label, str) or not label.strip() or len(label) > _LONGEST_LABEL or not label.isprintable():
        raise CatalogueError(
            "columns", f"The label of {_shown(data['key'])} must be one line of 1 to {_LONGEST_LABEL} characters."
        )
    return data["key"], label.strip()


def _chosen(known: Mapping[str, Column], key: str, label: str | None) -> Column:
    column = known.get(key)
    if column is None:
        near = difflib.get_close_matches(key[:_LONGEST_LABEL].strip().lower(), known, n=1)
        advice = f"did you mean {near[0]}?" if near else "the first are case_id, case_number, case_status."
        raise CatalogueError("columns", f"There is no column {_shown(key)}; {advice}")
    return column if label is None else replace(column, label=label)


def _shown(value: object) -> str:
    """What was typed, short and printable, for a sentence."""
    text = str(value)[:61]
    text = "".join(letter if letter.isprintable() else "\ufffd" for letter in text)
    return f'"{text[:60]}…"' if len(text) > 60 else f'"{text}"'
