"""What is in the file: type, format, columns, filters, and what is masked for whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from portal.exports.board_report.limits import ANONYMITY, CHANGES, by_anonymity
from portal.exports.case_filters import FilterError, KnownNames, parse_filters_by
from portal.exports.catalogue import OFFERED, CatalogueError, check_format, columns_for
from portal.exports.request import check_format_options, check_width
from portal.exports.tagged_fields import Tag, tags_of_type
from portal.models import ExportType
from portal.schedules.inputs.problems import Check

SIDES = ("inside", "outside")
PROFILES = ("NONE", "INTERNAL", "EXTERNAL")
"""How much is masked; beside them "" for what the organization does as a rule."""


def checked_contents(
    found: Check, data: Mapping[str, Any], tags: Sequence[Tag]
) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """(format, its options, column configuration): what the catalogue offers, checked by it."""
    export_type, wanted = str(data.get("export_type")), str(data.get("format"))
    options, columns = dict(data.get("format_options", {})), dict(data.get("column_config", {}))
    only_changes = bool(data.get("only_changes"))
    if export_type in tuple(OFFERED):
        tagged = tuple(tag.column() for tag in tags_of_type(export_type, tags))
        for ask in (
            lambda: check_format(export_type, wanted),
            lambda: check_format_options(wanted, options),
            lambda: check_width(wanted, columns_for(export_type, columns, tagged, only_changes=only_changes)),
        ):
            try:
                ask()
            except CatalogueError as error:
                found.refuse(error.field, error.sentence)
    if export_type == ExportType.BOARD_REPORT:
        _check_report(found, data)
    return wanted, options, columns


def _check_report(found: Check, data: Mapping[str, Any]) -> None:
    groups = {"": data, **{f"own_rows.{number}.": each for number, each in enumerate(data.get("own_rows") or ())}}
    for at, group in groups.items():
        filters = group.get("filters") if isinstance(group, Mapping) else None
        if isinstance(filters, Mapping) and by_anonymity(filters):
            found.refuse(f"{at}filters.anonymous", ANONYMITY)
    if data.get("only_changes"):
        found.refuse("only_changes", CHANGES)


def checked_filters(found: Check, data: Any, names: KnownNames, at: str = "filters") -> dict[str, Any] | None:
    """The filters as they are stored; a problem stands at `at` and the filter's own name."""
    try:
        return parse_filters_by(data, names).to_json()
    except FilterError as error:
        found.refuse(f"{at}.{error.field}", error.sentence)
        return None


def checked_masking(found: Check, data: Any) -> dict[str, str]:
    """Profiles by side; a side that is left to the organization's rule is not in it."""
    given = data if isinstance(data, Mapping) else {}
    for side in SIDES:
        if given.get(side, "") not in {"", *PROFILES}:
            found.refuse(f"masking.{side}", "Choose what they may see.")
    return {side: str(given[side]) for side in SIDES if given.get(side)}
