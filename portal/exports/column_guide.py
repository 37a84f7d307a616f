"""All columns there are, for people: by group, with the exports that have them and how masking treats them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from portal.exports.catalogue import OFFERED, Tagged
from portal.exports.columns import Column
from portal.exports.masking import setting_key
from portal.exports.register_columns import (
    CHANGE,
    CORE_GROUPS,
    DISCLOSURE,
    FORM_DATA,
    MOST_INVESTIGATIONS,
    OVERFLOW_GROUP,
    ColumnGroup,
    investigation_group,
)
from portal.exports.tagged_fields import Tag, tags_of_type
from portal.models import ExportType


@dataclass(frozen=True)
class GuideColumn:
    """`key` is that of files; of an investigation's columns `inv_{n}_type`, n being its number in the case."""

    column: Column
    """Of an investigation's columns the first one's."""
    key: str
    label: str
    exports: tuple[str, ...]
    """What the exports that have it are called."""

    @property
    def setting(self) -> str:
        """Under which an organization's masking rules name it."""
        return setting_key(self.column.key)


@dataclass(frozen=True)
class GuideGroup:
    """Columns that belong together, and where their values come from."""

    title: str
    source: str
    columns: tuple[GuideColumn, ...]


def guide(tags: Sequence[Tag]) -> list[GuideGroup]:
    """Every column once, those of the organization's tags too."""
    tagged = {kind: tuple(tag.column() for tag in tags_of_type(kind, tags)) for kind in OFFERED}
    having = {kind.value: {column.key for column in offer.choosable(tagged[kind])} for kind, offer in OFFERED.items()}
    seen: set[str] = set()
    return [
        GuideGroup(group.title, group.source, tuple(_of(column, having) for column in _new(group, seen)))
        for group in _groups(tagged)
    ]


def export_words(kind: str) -> str:
    """ "Flat file"."""
    return OFFERED[ExportType(kind)].label.partition(":")[0]


def _groups(tagged: Mapping[ExportType, Tagged]) -> Iterator[ColumnGroup]:
    yield from CORE_GROUPS
    first = investigation_group(1)
    yield ColumnGroup("Investigations", first.source, first.columns)
    own = {column.key: column for columns in tagged.values() for column in columns}
    if own:
        yield ColumnGroup("Tagged fields", "fields and answers that your organization tagged", tuple(own.values()))
    yield ColumnGroup("Disclosures", "the disclosure and its form", (*DISCLOSURE, FORM_DATA))
    yield OVERFLOW_GROUP
    yield ColumnGroup("Changes", "a comparison with the last export that was delivered", (CHANGE,))


def _new(group: ColumnGroup, seen: set[str]) -> Iterator[Column]:
    for column in group.columns:
        if column.key not in seen:
            seen.add(column.key)
            yield column


def _of(column: Column, having: dict[str, set[str]]) -> GuideColumn:
    exports = [kind for kind, keys in having.items() if column.key in keys or setting_key(column.key) in keys]
    if column is CHANGE:
        exports = [kind for kind in having if kind not in (ExportType.DISCLOSURES_ONLY, ExportType.BOARD_REPORT)]
    numbered = setting_key(column.key) != column.key
    return GuideColumn(
        column=column,
        key=column.key.replace("inv_1_", "inv_{n}_", 1) if numbered else column.key,
        label=column.label.replace("Inv 1 ", "Inv {n} ", 1) if numbered else column.label,
        exports=tuple(map(export_words, exports)),
    )


NUMBERED = (
    f"n is the number of the investigation in its case, from 1 to {MOST_INVESTIGATIONS}; an export of investigations "
    "only has the same columns without a number, such as inv_type."
)
