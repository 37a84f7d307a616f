"""Filters on tagged fields: cases by the value that their row shows in a column of the flat file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from portal.exports.tag_rules import BLANKS, UNFIT, NumberRule, Typed, rule_of
from portal.exports.tagged_fields import Tag
from portal.models import TagDataType

_LONGEST = 300
_MOST_VALUES = 1_000
_HOW: Mapping[TagDataType, str] = {
    TagDataType.TEXT: "is no text; write what the column shows",
    TagDataType.NUMBER: "is no number; write it like 1234.5",
    TagDataType.CURRENCY: "is no amount; write it like 1234.50, without a currency",
    TagDataType.PERCENTAGE: "is no share; write it like 0.45 or 45%",
    TagDataType.DATE: "is no date; write it like 2026-11-02",
    TagDataType.BOOLEAN: "is not yes or no; write true or false",
}
_RANGED = frozenset(TagDataType) - {TagDataType.TEXT, TagDataType.BOOLEAN}


class TagFilterError(ValueError):
    """A filter on a tagged field that cannot be used; the text is one sentence."""


@dataclass(frozen=True)
class TagFilter:
    """One tagged field and what is looked for: any of `values`, or what lies from `least` to `most`, both included."""

    tag: Tag
    values: tuple[str | int | float | bool, ...] = ()
    least: Any = None
    most: Any = None

    def admits(self, value: Typed) -> bool:
        """Whether a value that a row shows is looked for; what is empty or does not fit never is."""
        if value is None or value is UNFIT:
            return False
        if self.values:
            return (value.strip(BLANKS) if isinstance(value, str) else value) in self.values
        return (self.least is None or self.least <= value) and (self.most is None or value <= self.most)

    def to_json(self) -> Any:
        """As it is stored under the column's name; `parse_tag_filters` reads it back."""
        if self.values:
            return self.values[0] if len(self.values) == 1 else list(self.values)
        return {key: end for key, end in (("min", self.least), ("max", self.most)) if end is not None}

    def in_words(self) -> str:
        """ "Amount from 1,000 to 5,000" or "Saw it happen: yes"."""
        label = self.tag.label
        if self.values:
            return f"{label}: {' or '.join(map(self._shown, self.values))}"
        if self.most is None:
            return f"{label} from {self._shown(self.least)}"
        if self.least is None:
            return f"{label} up to {self._shown(self.most)}"
        return f"{label} from {self._shown(self.least)} to {self._shown(self.most)}"

    def _shown(self, value: Any) -> str:
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, str):
            return value
        if self.tag.data_type is TagDataType.PERCENTAGE:
            return f"{value * 100:,.6g} %"
        return f"{value:,}"


def parse_tag_filters(data: Any, tags: Sequence[Tag]) -> tuple[TagFilter, ...]:
    """Reads {slot or column: value, [values] or {"min": …, "max": …}}. Raises TagFilterError.

    Values are as the column shows them: dates as 2026-11-02, a share of 45 % as 0.45 or "45%".
    """
    if not isinstance(data, Mapping):
        raise TagFilterError('tags must be an object such as {"amount": {"min": 1000}}.')
    found: dict[str, TagFilter] = {}
    for key, wanted in data.items():
        tag = _tag(str(key), tags)
        if tag.column_name in found:
            raise TagFilterError(f"The tagged field {tag.column_name} is filtered twice; leave one out.")
        found[tag.column_name] = _filter(tag, wanted)
    return tuple(found.values())


def _tag(key: str, tags: Sequence[Tag]) -> Tag:
    named = key.strip(BLANKS)
    for tag in tags:
        if named in (tag.column_name, str(tag.slot)):
            return tag
    if not tags:
        raise TagFilterError(f"There is no tagged field {_quoted(key)}: none is set up.")
    known = ", ".join(tag.column_name for tag in tags)
    raise TagFilterError(f"There is no tagged field {_quoted(key)}; there are: {known}.")


def _filter(tag: Tag, wanted: Any) -> TagFilter:
    if isinstance(wanted, Mapping):
        return _range(tag, wanted)
    values = wanted if isinstance(wanted, list | tuple) else [wanted]
    if not values or len(values) > _MOST_VALUES:
        raise TagFilterError(f"{tag.label}: choose 1 to {_MOST_VALUES:,} values.")
    return TagFilter(tag, values=tuple(dict.fromkeys(_typed(tag, value) for value in values)))


def _range(tag: Tag, wanted: Mapping[str, Any]) -> TagFilter:
    if set(wanted) - {"min", "max"} or all(end is None for end in wanted.values()):
        raise TagFilterError(f'{tag.label}: a range is {{"min": …, "max": …}} with at least one of the two.')
    if tag.data_type not in _RANGED:
        raise TagFilterError(f"{tag.label}: a range fits numbers and dates alone; choose values here.")
    least, most = (None if wanted.get(key) is None else _typed(tag, wanted[key]) for key in ("min", "max"))
    if least is not None and most is not None and least > most:
        raise TagFilterError(f"{tag.label}: the lowest value lies above the highest; swap them.")
    return TagFilter(tag, least=least, most=most)


def _typed(tag: Tag, value: Any) -> Any:
    if isinstance(value, list | dict) or (isinstance(value, str) and len(value) > _LONGEST):
        raise TagFilterError(f"{tag.label}: {_quoted(value)} {_HOW[tag.data_type]}.")
    read = UNFIT if isinstance(value, bool) and tag.data_type is not TagDataType.BOOLEAN else _as_shown(tag, value)
    if read is None or read is UNFIT:
        raise TagFilterError(f"{tag.label}: {_quoted(value)} {_HOW[tag.data_type]}.")
    return read.strip(BLANKS) if isinstance(read, str) else read


def _as_shown(tag: Tag, value: Any) -> Typed:
    """The value as the column shows it, or as the tag's own pattern has it."""
    rule = tag.rule
    if isinstance(rule, NumberRule):
        # 45 in a field whose pattern counts hundredths is 0.45 in the column
        return replace(rule, in_hundredths=False).read(value)
    if tag.data_type is TagDataType.DATE:
        read = rule_of(TagDataType.DATE, None).read(value)
        return rule.read(value) if read is UNFIT else read
    return rule.read(value)


def _quoted(value: object) -> str:
    text = "".join(letter if letter.isprintable() else "\ufffd" for letter in str(value)[:60])
    return f'"{text}"'
