"""One value of a mapping file: where it comes from and what becomes of it. Read from TOML, without any data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from portal.case_import.errors import MappingError, did_you_mean

ValueMap = Mapping[str, str]
SOURCES = ("column", "first_of", "join", "constant", "choose")


@dataclass(frozen=True)
class Column:
    name: str


@dataclass(frozen=True)
class Constant:
    text: str


@dataclass(frozen=True)
class Join:
    """Parts that are blank are left out, with their separator."""

    parts: tuple[Text, ...]
    separator: str


@dataclass(frozen=True)
class FirstOf:
    """The first part that is not blank."""

    parts: tuple[Text, ...]


@dataclass(frozen=True)
class Choose:
    """The value of the first condition that holds."""

    branches: tuple[tuple[Condition, Text], ...]
    otherwise: Text | None


@dataclass(frozen=True)
class Lookup:
    """The column `take` of the row of the lookup `name` whose key the text is."""

    name: str
    take: str


@dataclass(frozen=True)
class Text:
    """A source and what becomes of its text: blank words, the lookup, the value map, what stands for unknown and for
    blank."""

    place: str
    source: Column | Constant | Join | FirstOf | Choose
    blank: frozenset[str] = frozenset()
    lookup: Lookup | None = None
    values: ValueMap | None = None
    default: str | None = None
    if_blank: str | None = None

    @property
    def is_constant(self) -> bool:
        return isinstance(self.source, Constant)

    def columns(self) -> list[str]:
        """The columns a person would look at when the value is wrong, in order."""
        match self.source:
            case Column(name):
                return [name]
            case Join(parts) | FirstOf(parts):
                return [name for part in parts for name in part.columns()]
            case Choose(branches, otherwise):
                texts = [text for _, text in branches] + ([otherwise] if otherwise else [])
                names = [name for text in texts for name in text.columns()]
                return names or [name for condition, _ in branches for name in condition.columns()]
            case _:
                return []


@dataclass(frozen=True)
class Test:
    """One comparison: equals, in, starts_with, contains (any of `words`), or blank. `negated` turns it round."""

    text: Text
    how: str
    words: tuple[str, ...]
    negated: bool

    def columns(self) -> list[str]:
        return self.text.columns()


@dataclass(frozen=True)
class All:
    parts: tuple[Condition, ...]

    def columns(self) -> list[str]:
        return [name for part in self.parts for name in part.columns()]


@dataclass(frozen=True)
class AnyOf:
    parts: tuple[Condition, ...]

    def columns(self) -> list[str]:
        return [name for part in self.parts for name in part.columns()]


@dataclass(frozen=True)
class Not:
    part: Condition

    def columns(self) -> list[str]:
        return self.part.columns()


Condition = Test | All | AnyOf | Not


def fold(text: str) -> str:
    """How values and words are compared: without regard to case, blanks around it and the number of blanks within."""
    return " ".join(text.split()).casefold()


def as_table(data: Any, place: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise MappingError(f"{place}: a table was expected, not {data!r}.")
    return data


def refuse_unknown(table: Mapping[str, Any], known: tuple[str, ...], place: str) -> None:
    for key in table:
        if key not in known:
            raise MappingError(f'{place}: "{key}" is not known here{did_you_mean(key, known)}')


def scalar(data: Any, place: str) -> str:
    """A TOML scalar as the text that stands for it: true, 12, a date in ISO 8601."""
    if isinstance(data, bool):
        return "true" if data else "false"
    if isinstance(data, datetime | date | time):
        return data.isoformat()
    if isinstance(data, str | int | float):
        return str(data)
    raise MappingError(f"{place}: a text, a number, true, false or a date was expected, not {data!r}.")


def texts(data: Any, place: str) -> tuple[str, ...]:
    """A list of scalars, or one alone."""
    return tuple(scalar(each, place) for each in (data if isinstance(data, list) else [data]))


@dataclass(frozen=True)
class TextReader:
    """Reads values with the value maps that the mapping file named in [values], and the lookups in [lookups]."""

    named_maps: Mapping[str, ValueMap] = field(default_factory=dict)
    lookups: frozenset[str] = frozenset()

    KEYS = (*SOURCES, "separator", "otherwise", "lookup", "take", "values", "default", "if_blank", "blank")

    def text(self, data: Any, place: str, more_keys: tuple[str, ...] = ()) -> Text:
        """A column's name, or a table with one source and what becomes of it. Raises MappingError."""
        if isinstance(data, str):
            if not data.strip():
                raise MappingError(f"{place}: the name of a column is empty.")
            return Text(place, Column(data))
        table = as_table(data, place)
        refuse_unknown(table, self.KEYS + more_keys, place)
        values = self._values(table.get("values"), place)
        lookup = self._lookup(table, place)
        if "default" in table and values is None and lookup is None:
            raise MappingError(
                f'{place}: "default" says what an unknown value becomes, so it needs "values" or "lookup".'
            )
        return Text(
            place,
            self._source(table, place),
            frozenset(fold(word) for word in texts(table.get("blank", []), place)),
            lookup,
            values,
            scalar(table["default"], place) if "default" in table else None,
            scalar(table["if_blank"], place) if "if_blank" in table else None,
        )

    def _lookup(self, table: Mapping[str, Any], place: str) -> Lookup | None:
        if "lookup" not in table and "take" not in table:
            return None
        name, take = table.get("lookup"), table.get("take")
        if not isinstance(name, str) or not isinstance(take, str) or not take.strip():
            raise MappingError(f'{place}: "lookup" names one of [lookups], and "take" the column of it that is wanted.')
        if name not in self.lookups:
            raise MappingError(f"{place}: there is no [lookups.{name}]{did_you_mean(name, self.lookups)}")
        return Lookup(name, take)

    def _source(self, table: Mapping[str, Any], place: str) -> Column | Constant | Join | FirstOf | Choose:
        given = [name for name in SOURCES if name in table]
        if len(given) != 1:
            raise MappingError(f"{place}: say exactly one of {', '.join(SOURCES)}.")
        name = given[0]
        if "separator" in table and name != "join":
            raise MappingError(f'{place}: "separator" goes with "join".')
        if "otherwise" in table and name != "choose":
            raise MappingError(f'{place}: "otherwise" goes with "choose".')
        data = table[name]
        match name:
            case "column":
                if not isinstance(data, str) or not data.strip():
                    raise MappingError(f'{place}: "column" is the name of one column.')
                return Column(data)
            case "constant":
                return Constant(scalar(data, place))
            case "join":
                separator = table.get("separator", " ")
                if not isinstance(separator, str):
                    raise MappingError(f'{place}: "separator" is a text.')
                return Join(self._parts(data, place, name), separator)
            case "first_of":
                return FirstOf(self._parts(data, place, name))
            case _:
                return self._choose(data, table, place)

    def _parts(self, data: Any, place: str, name: str) -> tuple[Text, ...]:
        if not isinstance(data, list) or not data:
            raise MappingError(f'{place}: "{name}" is a list of columns.')
        return tuple(self.text(each, place) for each in data)

    def _choose(self, data: Any, table: Mapping[str, Any], place: str) -> Choose:
        if not isinstance(data, list) or not data:
            raise MappingError(f'{place}: "choose" is a list of {{ when = …, then = … }}.')
        branches = []
        for each in data:
            branch = as_table(each, place)
            refuse_unknown(branch, ("when", "then"), place)
            if set(branch) != {"when", "then"}:
                raise MappingError(f'{place}: each choice needs "when" and "then".')
            branches.append((self.condition(branch["when"], place), self.outcome(branch["then"], place)))
        otherwise = self.outcome(table["otherwise"], place) if "otherwise" in table else None
        return Choose(tuple(branches), otherwise)

    def outcome(self, data: Any, place: str) -> Text:
        """What "then" and "otherwise" say: a plain text, number or date is itself; a column needs { column = … }."""
        if isinstance(data, dict):
            return self.text(data, place)
        return Text(place, Constant(scalar(data, place)))

    def condition(self, data: Any, place: str) -> Condition:
        """{ column = …, equals | in | … } or { all | any | not = … }. Raises MappingError."""
        table = as_table(data, f"{place}, a condition")
        for name, kind in (("all", All), ("any", AnyOf)):
            if name in table:
                refuse_unknown(table, (name,), place)
                if not isinstance(table[name], list) or not table[name]:
                    raise MappingError(f'{place}: "{name}" is a list of conditions.')
                return kind(tuple(self.condition(each, place) for each in table[name]))
        if "not" in table:
            refuse_unknown(table, ("not",), place)
            return Not(self.condition(table["not"], place))
        return self._test(table, place)

    _HOW = ("equals", "not_equals", "in", "not_in", "starts_with", "contains", "blank")

    def _test(self, table: Mapping[str, Any], place: str) -> Test:
        refuse_unknown(table, ("column", "join", "first_of", "separator", *self._HOW), place)
        how = [name for name in self._HOW if name in table]
        if len(how) != 1:
            raise MappingError(f"{place}: a condition needs exactly one of {', '.join(self._HOW)}.")
        subject = self.text({key: value for key, value in table.items() if key not in self._HOW}, place)
        name, data = how[0], table[how[0]]
        if name == "blank":
            if not isinstance(data, bool):
                raise MappingError(f'{place}: "blank" in a condition is true or false.')
            return Test(subject, "blank", (), negated=not data)
        words = tuple(fold(word) for word in texts(data, place))
        plain = "in" if name in {"equals", "not_equals", "not_in"} else name
        return Test(subject, plain, words, negated=name.startswith("not_"))

    def _values(self, data: Any, place: str) -> ValueMap | None:
        if data is None:
            return None
        if isinstance(data, str):
            if data not in self.named_maps:
                known = did_you_mean(data, self.named_maps)
                raise MappingError(f"{place}: there is no value map [values.{data}]{known}")
            return self.named_maps[data]
        return value_map(data, place)


def value_map(data: Any, place: str) -> ValueMap:
    """Source word (compared folded) -> value. Two keys that fold to one are an error."""
    made: dict[str, str] = {}
    for key, value in as_table(data, place).items():
        if fold(key) in made:
            raise MappingError(f'{place}: "{key}" stands twice in the value map.')
        made[fold(key)] = scalar(value, place)
    return made
