"""One section of the mapping, made ready for the columns of one file: a row of cells in, mapped values out."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import itemgetter
from zoneinfo import ZoneInfo

from portal.case_import.columns import Columns
from portal.case_import.convert import canonical, converter, limited, local_day
from portal.case_import.errors import BadValueError, shortened
from portal.case_import.fields import CASE, Kind
from portal.case_import.mapping import Section, Spec
from portal.case_import.value_spec import (
    All,
    AnyOf,
    Choose,
    Column,
    Condition,
    Constant,
    FirstOf,
    Join,
    Not,
    Test,
    Text,
    fold,
)
from portal.zones import zone

Cells = list[str]
Getter = Callable[[Cells], str]
LONGEST_KEY = 400
NOT_IN_MAP = "is not in the value map, which has no default"


class _UnknownError(Exception):
    """A value that the value map or the lookup does not know; its text is the value."""

    def __init__(self, value: str, reason: str) -> None:
        super().__init__(value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Mapped:
    """What one row gives to one section. `values` are JSON values in the order of the section's specs."""

    case_key: str
    own_key: str
    investigation_key: str
    values: list[object]


class RowMapper:
    """Raises MappingError on making where the file lacks a column of the section."""

    def __init__(
        self, section: Section, case_key: Text | None, columns: Columns, home: ZoneInfo, names: set[str]
    ) -> None:
        """`case_key` is whose value joins the row to its case; `names` the organization's, folded; `home` its zone."""
        self.section = section
        self._columns = columns
        self._home = home
        self._names = names
        self._case_key = _text(case_key, columns) if case_key else None
        self._case_key_columns = ", ".join(case_key.columns()) if case_key else ""
        self._own_key = _text(section.key, columns) if section.key else None
        self._investigation = _text(section.investigation, columns) if section.investigation else None
        self._organization = _text(section.organization, columns) if section.organization else None
        self._when = _condition(section.when, columns) if section.when else None
        self._fields = [_field(spec, columns, home) for spec in section.specs]
        self._telling = [number for number, spec in enumerate(section.specs) if not spec.is_constant]
        self._required = [(number, spec) for number, spec in enumerate(section.specs) if spec.required]
        self._order = before_rules(section.specs)
        compared = set(range(len(columns)))
        for name in section.drop_repeats_but or ():
            compared.discard(columns.index(name, f"{section.place} drop_repeats_but"))
        self._compared = sorted(compared)
        each = section.each
        self._split = each.separator if each else ""
        self._apart = [columns.index(name, f"{section.place} each") for name in each.columns] if each else []

    def digest(self, cells: Cells, section: int) -> bytes:
        """The same for two rows of that section that are alike in all compared columns."""
        text = canonical([section, *(cells[index] for index in self._compared)])
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()

    def map(self, cells: Cells, notes: list[str]) -> list[Mapped]:
        """What the row gives; nothing where the section has nothing to say about it. Raises BadValueError. Cells come
        trimmed; what is to be counted goes to `notes`."""
        found = (self._map(each, notes) for each in self._parts(cells)) if self._apart else (self._map(cells, notes),)
        return [each for each in found if each is not None]

    def _parts(self, cells: Cells) -> Iterator[Cells]:
        """The row once for each value of the cells that hold several; blank values give none."""
        lists = [[part.strip() for part in cells[at].split(self._split)] for at in self._apart]
        for values in itertools.zip_longest(*lists, fillvalue=""):
            if any(values):
                part = list(cells)
                for at, value in zip(self._apart, values, strict=True):
                    part[at] = value
                yield part

    def _map(self, cells: Cells, notes: list[str]) -> Mapped | None:
        if self._organization:
            self._check_organization(cells)
        if self._when and not self._when(cells):
            return None
        is_case = self.section.entity is CASE
        case_key = self._key(self._case_key, cells, None)
        if is_case and not case_key:
            raise BadValueError(self._case_key_columns, "", "is empty, and a case needs its key")
        values = [read(cells) for read in self._fields]
        own_key = self._key(self._own_key, cells, self.section.key)
        if not is_case and not own_key and not any(values[number] not in (None, {}) for number in self._telling):
            return None
        for number, spec in self._required:
            if values[number] is None:
                shown = ", ".join(spec.columns())
                raise BadValueError(shown, "", f"is empty, and {spec.field.name} must be filled")
        if not is_case:
            apply_order(values, self._order, self._home, self.section.place, notes)
        return Mapped(case_key, own_key, self._key(self._investigation, cells, self.section.investigation), values)

    def _key(self, read: Getter | None, cells: Cells, text: Text | None) -> str:
        if read is None:
            return ""
        column = ", ".join(text.columns()) if text else self._case_key_columns
        try:
            key = read(cells)
        except _UnknownError as unknown:
            raise BadValueError(column, str(unknown), unknown.reason) from None
        _check_length(column, key, LONGEST_KEY)
        return key

    def _check_organization(self, cells: Cells) -> None:
        assert self._organization is not None
        assert self.section.organization is not None
        name = self._organization(cells)
        if name and fold(name) not in self._names:
            column = ", ".join(self.section.organization.columns())
            raise BadValueError(column, name, "names another organization")


def before_rules(specs: tuple[Spec, ...]) -> list[tuple[int, int, str, str]]:
    """(number of the later field, of the earlier, their names) for each "not_before"."""
    place = {spec.field.name: number for number, spec in enumerate(specs) if not spec.in_bag}
    return [
        (number, place[spec.not_before], spec.field.name, spec.not_before)
        for number, spec in enumerate(specs)
        if spec.not_before is not None
    ]


def apply_order(
    values: list[object], rules: list[tuple[int, int, str, str]], home: ZoneInfo, place: str, notes: list[str]
) -> None:
    """Empty each date that lies on a day before the one it must not come before, and note it."""
    for later, earlier, name, other in rules:
        first, second = values[earlier], values[later]
        if isinstance(first, str) and isinstance(second, str) and local_day(second, home) < local_day(first, home):
            values[later] = None
            notes.append(f"{place} {name} before {other}, left empty")


def _field(spec: Spec, columns: Columns, home: ZoneInfo) -> Callable[[Cells], object]:
    if spec.field.kind is Kind.PATH:
        return _path(spec, columns)
    if spec.field.kind is Kind.PLACE:
        return _place(spec, columns)
    return _single(spec, columns, home)


def _single(spec: Spec, columns: Columns, home: ZoneInfo) -> Callable[[Cells], object]:
    text = spec.parts[0]
    assert text is not None
    get = _text(text, columns)
    convert = converter(spec.field, spec.formats, zone(spec.timezone) if spec.timezone else home, spec.decimal)
    shown = ", ".join(spec.columns())

    def read(cells: Cells) -> object:
        try:
            value = get(cells)
            if value:
                return convert(value)
        except _UnknownError as unknown:
            raise BadValueError(shown, str(unknown), unknown.reason) from None
        except ValueError as problem:
            raise BadValueError(shown, value, str(problem)) from None
        return None

    return read


def _path(spec: Spec, columns: Columns) -> Callable[[Cells], object]:
    gets = [_named(part, columns) for part in spec.parts if part]
    codes = [_named(part, columns) for part in spec.codes] or None
    split = spec.split
    shown = ", ".join(spec.columns())
    longest = spec.field.longest or 0

    def read(cells: Cells) -> object:
        names = [get(cells) for get in gets]
        if split:
            names = [" ".join(each.split()) for each in names[0].split(split)]
        signs = [code(cells) for code in codes] if codes else [""] * len(names)
        levels = [[name, sign or None] for name, sign in zip(names, signs, strict=True) if name]
        for name, sign in levels:
            _check_length(shown, name or "", longest)
            _check_length(shown, sign or "", 64)
        return levels or None

    return read


def _place(spec: Spec, columns: Columns) -> Callable[[Cells], object]:
    gets = [_named(part, columns) if part else None for part in spec.parts]
    shown = ", ".join(spec.columns())

    def read(cells: Cells) -> object:
        name, country, region = (get(cells) if get else "" for get in gets)
        _check_length(shown, name, 200)
        _check_length(shown, country, 64)
        _check_length(shown, region, 200)
        return [name, country or None, region or None] if name else None

    return read


def _named(text: Text, columns: Columns) -> Getter:
    """A text as a name: runs of blanks made one."""
    get = _text(text, columns)
    shown = ", ".join(text.columns())

    def read(cells: Cells) -> str:
        try:
            return " ".join(get(cells).split())
        except _UnknownError as unknown:
            raise BadValueError(shown, str(unknown), unknown.reason) from None

    return read


def _check_length(column: str, value: str, longest: int) -> None:
    try:
        limited(value, longest)
    except ValueError as problem:
        raise BadValueError(column, shortened(value), str(problem)) from None


def _text(text: Text, columns: Columns) -> Getter:
    """The text with its blank words, value map and defaults; "" is blank. The getter raises _UnknownError."""
    get = _source(text, columns)
    if text.lookup is not None:
        get = _looked_up(get, text, columns)
    if not text.blank and text.values is None and text.if_blank is None:
        return get
    blank, values, default, if_blank = text.blank, text.values, text.default, text.if_blank or ""

    def read(cells: Cells) -> str:
        value = get(cells)
        folded = fold(value) if values is not None or blank else ""
        if folded in blank:
            value = folded = ""
        if values is not None:
            mapped = values.get(folded)
            if mapped is None and value:
                if default is None:
                    raise _UnknownError(value, NOT_IN_MAP)
                mapped = default
            value = mapped or ""
        return value or if_blank

    return read


def _looked_up(get: Getter, text: Text, columns: Columns) -> Getter:
    assert text.lookup is not None
    table = columns.looked_up(text.lookup.name, text.lookup.take, text.place)
    reason = f'is no key of the lookup "{text.lookup.name}"'
    default, blank = text.default, text.blank

    def read(cells: Cells) -> str:
        key = get(cells)
        if not key or (blank and fold(key) in blank):
            return ""
        value = table.get(key, default)
        if value is None:
            raise _UnknownError(key, reason)
        return value

    return read


def _source(text: Text, columns: Columns) -> Getter:
    match text.source:
        case Column(name):
            return itemgetter(columns.index(name, text.place))
        case Constant(word):
            return lambda _cells: word
        case Join(parts, separator):
            gets = [_text(part, columns) for part in parts]
            return lambda cells: separator.join(filter(None, [get(cells) for get in gets]))
        case FirstOf(parts):
            firsts = [_text(part, columns) for part in parts]
            return lambda cells: next(filter(None, (get(cells) for get in firsts)), "")
        case Choose(branches, otherwise):
            pairs = [(_condition(condition, columns), _text(part, columns)) for condition, part in branches]
            last = _text(otherwise, columns) if otherwise else lambda _cells: ""
            return lambda cells: next((get for holds, get in pairs if holds(cells)), last)(cells)


def _condition(condition: Condition, columns: Columns) -> Callable[[Cells], bool]:
    match condition:
        case All(parts):
            every = [_condition(part, columns) for part in parts]
            return lambda cells: all(holds(cells) for holds in every)
        case AnyOf(parts):
            some = [_condition(part, columns) for part in parts]
            return lambda cells: any(holds(cells) for holds in some)
        case Not(part):
            inner = _condition(part, columns)
            return lambda cells: not inner(cells)
        case Test():
            return _test(condition, columns)


def _test(test: Test, columns: Columns) -> Callable[[Cells], bool]:
    get, words, negated = _text(test.text, columns), test.words, test.negated
    if test.how == "blank":
        return lambda cells: (not get(cells)) != negated
    if test.how == "starts_with":
        return lambda cells: fold(get(cells)).startswith(words)
    if test.how == "contains":
        return lambda cells: any(word in fold(get(cells)) for word in words)
    known = frozenset(words)
    return lambda cells: (fold(get(cells)) in known) != negated
