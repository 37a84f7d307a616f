"""What an export is limited to, in words: its filters, and what its period counts by."""

from __future__ import annotations

from portal.exports.case_filters import DATE_FIELD_WORDS, CaseFilters, filters_in_words
from portal.models import ExportType


def limits_in_words(export_type: str, filters: CaseFilters) -> str:
    """ "Status OPEN or ON_HOLD"; "All cases" or "All disclosures" without any filter."""
    if export_type != ExportType.DISCLOSURES_ONLY:
        return filters_in_words(filters)
    if not asks_for_cases(filters):
        return "All disclosures"
    return f"{filters_in_words(filters)}; only disclosures that belong to such a case"


def counted_in_words(export_type: str, filters: CaseFilters) -> str:
    """ "when the case was opened"."""
    if export_type == ExportType.DISCLOSURES_ONLY:
        return "when the disclosure was submitted"
    return f"when the case was {DATE_FIELD_WORDS[filters.date_field]}"


def asks_for_cases(filters: CaseFilters) -> bool:
    """Whether anything but the period narrows the cases."""
    return bool(filters.to_json().keys() - {"date_field"})
