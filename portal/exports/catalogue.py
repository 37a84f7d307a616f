"""What can be exported: the types and formats on offer, and the columns of each, in what order and under what label.

A further export type is one more entry of OFFERED; what a column is stands in `register_columns.py`.
"""

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from portal.exports.columns import Column
from portal.exports.register_columns import (
    CHANGE,
    CORE_GROUPS,
    DISCLOSURE,
    FORM_DATA,
    MOST_INVESTIGATIONS,
    OVERFLOW_GROUP,
    USUAL_INVESTIGATIONS,
    ColumnGroup,
    investigation_group,
    only_investigations,
)
from portal.exports.writers import TABLE_FORMATS
from portal.models import ExportFormat, ExportType

_LONGEST_LABEL = 200


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
    tagged: bool | None = None
    """With the tagged fields; where nothing is said, as the type usually is."""
    chosen: tuple[tuple[str, str | None], ...] = ()
    """(key, own label or None) in the order wanted; empty for all."""


class RowsAre(Enum):
    """What one row of an export stands for."""

    CASES = "case"
    INVESTIGATIONS = "investigation"
    DISCLOSURES = "disclosure"


Tagged = tuple[Column, ...]
"""The columns of the organization's field tags that a type can have, in the order of their slots."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One export type: its formats, and the columns of a configuration."""

    label: str
    formats: tuple[str, ...]
    groups: Callable[[ColumnConfig, Tagged], list[ColumnGroup]]
    """In the order of the file."""
    rows_are: RowsAre = RowsAre.CASES
    chosen_alone: bool = False
    """Whether it has no columns but those that are chosen."""
    usually_tagged: bool = False
    """Whether it has the tagged fields where the configuration says nothing of them."""

    def columns(self, config: ColumnConfig, tagged: Tagged = ()) -> list[Column]:
        """Those that a file has where none are chosen."""
        with_tagged = self.usually_tagged if config.tagged is None else config.tagged
        groups = self.groups(config, tagged if with_tagged else ())
        return [column for group in groups for column in group.columns]

    def choosable(self, tagged: Tagged = ()) -> list[Column]:
        """Every column that may be chosen."""
        return self.columns(_ALL, tagged)


_ALL = ColumnConfig(MOST_INVESTIGATIONS, overflow=True, tagged=True)


def flat_file_columns(investigations: int, *, overflow: bool) -> list[Column]:
    """Every column of the flat file in its order, for so many investigations a case."""
    groups = _flat_file(ColumnConfig(investigations, overflow), ())
    return [column for group in groups for column in group.columns]


def _flat_file(config: ColumnConfig, tagged: Tagged) -> list[ColumnGroup]:
    numbers = range(1, config.investigations + 1)
    overflow = [OVERFLOW_GROUP] if config.overflow else []
    return [*CORE_GROUPS, *(investigation_group(number) for number in numbers), *_of_tags(tagged), *overflow]


def _disclosures(_config: ColumnConfig, tagged: Tagged) -> list[ColumnGroup]:
    own = ColumnGroup("The disclosure", "the disclosure", DISCLOSURE)
    form = ColumnGroup("The form, for programs", "the disclosure's form", (FORM_DATA,))
    return [own, *_of_tags(tagged), form]


def _of_tags(tagged: Tagged) -> list[ColumnGroup]:
    return [ColumnGroup("Tagged fields", "fields and answers that your organization tagged", tagged)] if tagged else []


REPORT_FORMATS = (ExportFormat.PDF.value, ExportFormat.PPTX.value)
_NAMED = ("category_name", "business_unit_name", "location_name")
_NAMES = [
    replace(group, columns=columns)
    for group in CORE_GROUPS
    if (columns := tuple(each for each in group.columns if each.key in _NAMED))
]
"""The names that a board report tells: it has no columns, but they are masked as those of files are."""

OFFERED: Mapping[ExportType, Offer] = {
    ExportType.FLAT_FILE: Offer("Flat file: one row per case, everything about it", TABLE_FORMATS, _flat_file),
    ExportType.CASES_ONLY: Offer(
        "Cases only: one row per case, without what hangs on it", TABLE_FORMATS, lambda _, __: list(CORE_GROUPS)
    ),
    ExportType.INVESTIGATIONS_ONLY: Offer(
        "Investigations only: one row per investigation",
        TABLE_FORMATS,
        lambda _, tagged: [*only_investigations(), *_of_tags(tagged)],
        RowsAre.INVESTIGATIONS,
    ),
    ExportType.DISCLOSURES_ONLY: Offer(
        "Disclosures only: one row per disclosure",
        TABLE_FORMATS,
        _disclosures,
        RowsAre.DISCLOSURES,
        usually_tagged=True,
    ),
    ExportType.CUSTOM: Offer(
        "Custom: one row per case, the columns that you choose", TABLE_FORMATS, _flat_file, chosen_alone=True
    ),
    ExportType.BOARD_REPORT: Offer(
        "Board report: figures, charts and a summary in words", REPORT_FORMATS, lambda _, __: list(_NAMES)
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


def columns_for(
    export_type: str, column_config: Mapping[str, Any], tagged: Tagged = (), *, only_changes: bool = False
) -> list[Column]:
    """The columns of a stored configuration, chosen ones in the order and under the labels chosen.

    A chosen column may be any the type has, whatever the configuration says of investigations and overflow. With
    `only_changes` the last column says what became of the case. Raises CatalogueError.
    """
    on_offer = offer(export_type)
    if only_changes and on_offer.rows_are is RowsAre.DISCLOSURES:
        raise CatalogueError("only_changes", _NO_CHANGES_OF_DISCLOSURES)
    config = parse_column_config(column_config)
    change = [CHANGE] if only_changes else []
    if config.chosen:
        known = {column.key: column for column in on_offer.choosable(tagged)}
        return [_chosen(known, key, label) for key, label in config.chosen] + change
    if on_offer.chosen_alone:
        raise CatalogueError("columns", "Choose the columns: a custom export has those that you choose, in your order.")
    return on_offer.columns(config, tagged) + change


_NO_CHANGES_OF_DISCLOSURES = (
    "Disclosures are not followed for changes: choose the period since the last successful run instead, which counts "
    "by when they were submitted."
)


def parse_column_config(data: Mapping[str, Any]) -> ColumnConfig:
    """Checks {"max_investigations", "include_investigations", "include_overflow", "include_tagged_fields", "columns"}.

    Raises CatalogueError naming the key at fault.
    """
    for key in data:
        if key not in _CONFIG_KEYS:
            raise CatalogueError(
                _shown(key), f"{_shown(key)} is not a setting of columns; known are {', '.join(_CONFIG_KEYS)}."
            )
    investigations = _investigations(data.get("max_investigations", USUAL_INVESTIGATIONS))
    return ColumnConfig(
        investigations=investigations if _flag(data, "include_investigations", usual=True) else 0,
        overflow=_flag(data, "include_overflow", usual=False),
        tagged=_flag(data, "include_tagged_fields", usual=False) if "include_tagged_fields" in data else None,
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
