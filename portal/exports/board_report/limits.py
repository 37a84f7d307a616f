"""What a board report cannot be asked for, whatever the register holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.exports.case_filters import FilterError
from portal.exports.request import ExportRequest

ANONYMITY = (
    "A board report cannot be filtered by anonymity: small numbers would tell who reported. It states the share of "
    "anonymous cases itself."
)
CHANGES = "A board report is of whole periods: it cannot be of changes only."


def check_limits(request: ExportRequest) -> None:
    """Raises FilterError."""
    if any(by_anonymity(filters) for filters in (request.filters, request.own_filters or {})):
        raise FilterError("anonymous", ANONYMITY)
    if request.only_changes:
        raise FilterError("only_changes", CHANGES)


def by_anonymity(filters: Mapping[str, Any]) -> bool:
    return filters.get("anonymous") is not None
