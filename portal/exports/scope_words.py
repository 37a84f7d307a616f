"""What an export is limited to, in words: its filters, and what its period counts by."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from portal.exports.case_filters import DATE_FIELD_WORDS, CaseFilters, filters_in_words
from portal.exports.masking import UNTOLD_TAGS
from portal.models import ExportType

NOT_TOLD = "(not told in this file)"


def limits_in_words(export_type: str, filters: CaseFilters, untold: Collection[str] = ()) -> str:
    """ "Status OPEN or ON_HOLD"; "All cases" or "All disclosures" without any filter.

    `untold` are the filters whose values a masked file must not tell.
    """
    of_disclosures = export_type == ExportType.DISCLOSURES_ONLY
    if of_disclosures and not asks_for_cases(filters):
        return "All disclosures"
    told = _told(filters, untold)
    # the date of cases that a period may count by means nothing to disclosures
    words = filters_in_words(replace(told, date_field="created_at") if of_disclosures else told)
    if "anonymous" in untold and filters.anonymous is not None:
        words += f"; anonymous or named {NOT_TOLD}"
    if UNTOLD_TAGS in untold and filters.tags:
        words += f"; tagged fields {NOT_TOLD}"
    return f"{words}; only disclosures of such cases" if of_disclosures else words


def _told(filters: CaseFilters, untold: Collection[str]) -> CaseFilters:
    values = {key: (NOT_TOLD,) if key in untold else each for key, each in filters.values.items()}
    return replace(
        filters,
        values=values,
        anonymous=None if "anonymous" in untold else filters.anonymous,
        tags=() if UNTOLD_TAGS in untold else filters.tags,
    )


def told_json(filters: Mapping[str, Any], untold: Collection[str]) -> dict[str, Any]:
    """Filters as they are stored, without the values that a masked file must not tell."""
    return {key: NOT_TOLD if key in untold else value for key, value in filters.items()}


def counted_in_words(export_type: str, filters: CaseFilters) -> str:
    """ "when the case was opened"."""
    if export_type == ExportType.DISCLOSURES_ONLY:
        return "when the disclosure was submitted"
    return f"when the case was {DATE_FIELD_WORDS[filters.date_field]}"


def asks_for_cases(filters: CaseFilters) -> bool:
    """Whether anything but the period narrows the cases."""
    return bool(filters.to_json().keys() - {"date_field"})
