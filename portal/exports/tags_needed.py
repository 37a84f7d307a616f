"""Which field tags an export needs: those it shows as columns, and those it filters by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from portal.exports.catalogue import OFFERED, CatalogueError, offer
from portal.exports.tagged_fields import Tag, tags_of_type

Filters = Iterable[Mapping[str, Any] | None]

_KEYS = frozenset(column.key for each in OFFERED.values() for column in each.choosable())


def may_need_tags(export_type: str, column_config: Mapping[str, Any], filters: Filters) -> bool:
    """Whether the organization's tags must be read; `filters` are the export's and its recipients' own ones."""
    if _includes(export_type, column_config) or any(_filtered(each) for each in filters):
        return True
    return bool(_chosen(column_config) - _KEYS)


def needed_tags(
    export_type: str, column_config: Mapping[str, Any], filters: Filters, tags: Sequence[Tag]
) -> tuple[Tag, ...]:
    """Those of the organization's tags that the export needs, in the order of their slots."""
    shown = set(tags_of_type(export_type, tags)) if _includes(export_type, column_config) else set()
    named = _chosen(column_config).union(*map(_filtered, filters))
    return tuple(tag for tag in tags if tag in shown or named & {tag.column_name, str(tag.slot)})


def _includes(export_type: str, column_config: Mapping[str, Any]) -> bool:
    if column_config.get("columns"):
        return False
    try:
        usual = offer(export_type).usually_tagged
    except CatalogueError:
        return False
    return bool(column_config.get("include_tagged_fields", usual))


def _chosen(column_config: Mapping[str, Any]) -> set[str]:
    chosen = column_config.get("columns") or ()
    return {str(each.get("key") if isinstance(each, Mapping) else each) for each in chosen}


def _filtered(filters: Mapping[str, Any] | None) -> set[str]:
    tags = (filters or {}).get("tags") or {}
    return {str(key).strip() for key in tags}
