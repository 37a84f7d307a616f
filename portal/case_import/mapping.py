"""The mapping file: how the columns of somebody's files become the register. docs/importing.md is its reference."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping as Table
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from portal.case_import.convert import check_format
from portal.case_import.csv_options import CsvOptions, read_csv_options
from portal.case_import.each import Each, read_each
from portal.case_import.errors import MappingError, did_you_mean
from portal.case_import.fields import CASE, CHILDREN, DISCLOSURES, INTERVIEWS, Entity, Field, Kind
from portal.case_import.lookup_spec import LookupSpec, read_lookups
from portal.case_import.value_spec import (
    Choose,
    Condition,
    Constant,
    FirstOf,
    Text,
    TextReader,
    as_table,
    fold,
    refuse_unknown,
    scalar,
    texts,
    value_map,
)
from portal.zones import ZoneError, zone

LARGEST_MAPPING = 1_000_000
CUSTOM_KINDS = {
    "text": Kind.TEXT,
    "number": Kind.NUMBER,
    "date": Kind.DAY,
    "datetime": Kind.MOMENT,
    "boolean": Kind.YES_NO,
}
PICKING = ("pick", "worst_first", "pick_with")
PICKS = ("first", "first_filled", "last", "last_filled", "least", "greatest")


@dataclass(frozen=True)
class Spec:
    """One field: its texts (one; or a path's names and codes; or a place's three), and how they become the value."""

    field: Field
    place: str
    parts: tuple[Text | None, ...]
    codes: tuple[Text, ...] = ()
    split: str | None = None
    formats: tuple[str, ...] = ()
    timezone: str | None = None
    decimal: str = "."
    required: bool = False
    not_before: str | None = None
    pick: str = "first"
    worst_first: tuple[str, ...] = ()
    pick_with: str | None = None
    in_bag: bool = False

    def columns(self) -> list[str]:
        return [name for part in self.parts if part for name in part.columns()]

    @property
    def is_constant(self) -> bool:
        return all(part is None or part.is_constant for part in self.parts)


@dataclass(frozen=True)
class Section:
    """Rows of one entity. Without `files` a child section reads the case rows."""

    entity: Entity
    name: str
    place: str
    files: tuple[str, ...]
    csv: CsvOptions
    key: Text | None
    case: Text | None
    investigation: Text | None
    organization: Text | None
    when: Condition | None
    each: Each | None
    per: str
    drop_repeats_but: tuple[str, ...] | None
    specs: tuple[Spec, ...]


@dataclass(frozen=True)
class Mapping:
    source: str
    timezone: str | None
    blank: frozenset[str]
    case: Section
    children: tuple[Section, ...]
    lookups: tuple[LookupSpec, ...] = ()

    @property
    def sections(self) -> tuple[Section, ...]:
        return (self.case, *self.children)


def read_mapping(path: Path) -> Mapping:
    """Raises MappingError: no such file, not TOML, an unknown key, a field without its source, ..."""
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise MappingError(f"The mapping {path} cannot be read: {problem.strerror or problem}.") from None
    if len(data) > LARGEST_MAPPING:
        raise MappingError(f"The mapping {path} is larger than {LARGEST_MAPPING:,} bytes; is it the right file?")
    try:
        table = tomllib.loads(data.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise MappingError(f"The mapping {path} is not a TOML file: {problem}.") from None
    return parse_mapping(table)


_TOP = ("source", "timezone", "date_formats", "blank", "csv", "values", "lookups", "case", *CHILDREN)


def parse_mapping(table: Table[str, Any]) -> Mapping:
    """The same from a table already read. Raises MappingError."""
    refuse_unknown(table, _TOP, "The mapping")
    for name in ("source", "case"):
        if name not in table:
            raise MappingError(f'The mapping needs "{name}".')
    source = table["source"]
    if not isinstance(source, str) or not 1 <= len(source.strip()) <= 64 or not source.isprintable():
        raise MappingError("source: a name of 1 to 64 characters for where the rows come from.")
    maps = {
        name: value_map(each, f"[values.{name}]")
        for name, each in as_table(table.get("values", {}), "[values]").items()
    }
    csv = read_csv_options(table.get("csv", {}), "[csv]", CsvOptions())
    lookups = read_lookups(table.get("lookups", {}), csv)
    reader = _SectionReader(
        TextReader(maps, frozenset(each.name for each in lookups)),
        _formats(table.get("date_formats", []), "date_formats"),
        csv,
    )
    children = [section for name in CHILDREN if name in table for section in reader.children(name, table[name])]
    return Mapping(
        source.strip(),
        _zone_name(table.get("timezone"), "timezone"),
        frozenset(fold(word) for word in texts(table.get("blank", []), "blank")),
        reader.case(as_table(table["case"], "[case]")),
        tuple(children),
        lookups,
    )


class _SectionReader:
    def __init__(self, text: TextReader, formats: tuple[str, ...], csv: CsvOptions) -> None:
        self.text = text
        self.formats = formats
        self.csv = csv

    _EVERY = ("files", "csv", "key", "when", "organization", "drop_repeats_but", "fields")

    def case(self, table: Table[str, Any]) -> Section:
        section = self._section(CASE, table, "[case]", "", self._EVERY)
        if section.key is None:
            raise MappingError('[case]: "key" says which column tells one case from another.')
        if all(spec.field.name != "case_number" for spec in section.specs):
            number = Spec(CASE.fields["case_number"], "[case] key", (section.key,), required=True)
            section = replace(section, specs=(number, *section.specs))
        return section

    def children(self, name: str, data: Any) -> list[Section]:
        entity = CHILDREN[name]
        tables = data if isinstance(data, list) else [data]
        known = (*self._EVERY, "name", "case", "per", "each") + (("investigation",) if entity is INTERVIEWS else ())
        sections: list[Section] = []
        for number, each in enumerate(tables, 1):
            place = f"[[{name}]] number {number}" if len(tables) > 1 else f"[{name}]"
            table = as_table(each, place)
            title = scalar(table.get("name", "" if number == 1 else str(number)), place)
            if any(title == other.name for other in sections):
                raise MappingError(f'{place}: two sections of {name} have the name "{title}".')
            sections.append(self._check_child(self._section(entity, table, place, title, known)))
        return sections

    def _check_child(self, section: Section) -> Section:
        if section.each and section.per == "case":
            raise MappingError(f'{section.place}: "each" makes several, and per = "case" one.')
        if section.each and section.key and not set(section.each.columns) & set(section.key.columns()):
            raise MappingError(
                f'{section.place}: "key" must name a column of "each" too, or all values of a cell would be one.'
            )
        if not section.files:
            for name in ("csv", "case", "investigation", "drop_repeats_but"):
                default = self.csv if name == "csv" else None
                if getattr(section, name) != default:
                    raise MappingError(f'{section.place}: "{name}" goes with "files"; without, the case rows are read.')
        elif section.entity is INTERVIEWS:
            if section.investigation is None:
                raise MappingError(f'{section.place}: "investigation" says whose interviews the rows are.')
        elif section.case is None and section.entity is not DISCLOSURES:
            raise MappingError(f'{section.place}: "case" says which column holds the key of the case.')
        return section

    def _section(
        self, entity: Entity, table: Table[str, Any], place: str, name: str, known: tuple[str, ...]
    ) -> Section:
        known = known + ((entity.bag,) if entity.bag else ())
        refuse_unknown(table, known, place)
        per = table.get("per", "row")
        if per not in ("row", "distinct", "case"):
            raise MappingError(f'{place}: "per" is "row", "distinct" or "case".')
        specs = self._specs(entity, table, place)
        return Section(
            entity=entity,
            name=name,
            place=place,
            files=texts(table.get("files", []), f"{place} files"),
            csv=read_csv_options(table.get("csv", {}), f"{place} csv", self.csv),
            key=self._optional(table, "key", place),
            case=self._optional(table, "case", place),
            investigation=self._optional(table, "investigation", place),
            organization=self._optional(table, "organization", place),
            when=self.text.condition(table["when"], f"{place} when") if "when" in table else None,
            each=read_each(table["each"], f"{place} each") if "each" in table else None,
            per=per,
            drop_repeats_but=_columns(table["drop_repeats_but"], place) if "drop_repeats_but" in table else None,
            specs=specs,
        )

    def _optional(self, table: Table[str, Any], name: str, place: str) -> Text | None:
        return self.text.text(table[name], f"{place} {name}") if name in table else None

    def _specs(self, entity: Entity, table: Table[str, Any], place: str) -> tuple[Spec, ...]:
        fields = as_table(table.get("fields", {}), f"{place} fields")
        is_case = entity is CASE
        specs = []
        for name, data in fields.items():
            if name not in entity.fields:
                raise MappingError(f'{place} fields: there is no field "{name}"{did_you_mean(name, entity.fields)}')
            specs.append(self._spec(entity.fields[name], data, f"{place} fields, {name}", is_case=is_case))
        for name, data in as_table(table.get(entity.bag, {}), f"{place} {entity.bag}").items() if entity.bag else ():
            specs.append(self._custom(name, data, f"{place} {entity.bag}, {name}", is_case=is_case))
        missing = [name for name, each in entity.fields.items() if each.required and name not in fields]
        if missing:
            raise MappingError(f'{place}: "{missing[0]}" must be filled; give it a column, a constant or a choice.')
        _check_references(specs, place)
        return tuple(specs)

    _OPTIONS = ("formats", "timezone", "required", "not_before")

    def _custom(self, name: str, data: Any, place: str, *, is_case: bool) -> Spec:
        kind = data.get("type", "text") if isinstance(data, dict) else "text"
        if kind not in CUSTOM_KINDS:
            raise MappingError(f'{place}: "type" is one of {", ".join(CUSTOM_KINDS)}.')
        if not name.strip() or len(name) > 200 or not name.isprintable():
            raise MappingError(f"{place}: the name of a custom field has 1 to 200 printable characters.")
        decimal = data.get("decimal", ".") if isinstance(data, dict) else "."
        if decimal not in (".", ",") or (decimal == "," and kind != "number"):
            raise MappingError(f'{place}: "decimal" is "," or ".", and goes with type = "number".')
        if isinstance(data, dict):
            data = {key: value for key, value in data.items() if key not in ("type", "decimal")}
        spec = self._spec(Field(name, CUSTOM_KINDS[kind]), data, place, is_case=is_case)
        return replace(spec, in_bag=True, decimal=decimal)

    def _spec(self, field: Field, data: Any, place: str, *, is_case: bool) -> Spec:
        table = data if isinstance(data, dict) else {}
        more = self._OPTIONS + (PICKING if is_case else ())
        split: str | None = None
        codes: tuple[Text, ...] = ()
        parts: tuple[Text | None, ...]
        if field.kind is Kind.PATH:
            parts, codes, split = self._path(data, place, more)
        elif field.kind is Kind.PLACE:
            parts = self._place(data, place, more)
        else:
            parts = (self.text.text(data, place, more),)
            _check_words(field, parts[0], place)
        moment = field.kind in (Kind.MOMENT, Kind.DAY)
        for name in ("formats", "timezone", "not_before"):
            if name in table and not moment:
                raise MappingError(f'{place}: "{name}" goes with dates only.')
        required = table.get("required", False)
        if not isinstance(required, bool):
            raise MappingError(f'{place}: "required" is true or false.')
        return Spec(
            field=field,
            place=place,
            parts=parts,
            codes=codes,
            split=split,
            formats=_formats(table["formats"], place) if "formats" in table else self.formats if moment else (),
            timezone=_zone_name(table.get("timezone"), place),
            required=required or field.required,
            not_before=scalar(table["not_before"], place) if "not_before" in table else None,
            **_picking(table, place),
        )

    def _path(
        self, data: Any, place: str, more: tuple[str, ...]
    ) -> tuple[tuple[Text | None, ...], tuple[Text, ...], str | None]:
        """The levels of a tree from the top: a column each ("path"), or one column that holds them all ("split")."""
        if not isinstance(data, dict) or "path" not in data:
            split = data.get("split") if isinstance(data, dict) else None
            if split is not None and (not isinstance(split, str) or not split.strip()):
                raise MappingError(f'{place}: "split" is the text between the levels.')
            rest = {key: value for key, value in data.items() if key != "split"} if isinstance(data, dict) else data
            return (self.text.text(rest, place, more),), (), split
        refuse_unknown(data, ("path", "codes", *more), place)
        path, codes = data["path"], data.get("codes", [])
        if not isinstance(path, list) or not path or not isinstance(codes, list):
            raise MappingError(f'{place}: "path" and "codes" are lists of columns, from the top level down.')
        if codes and len(codes) != len(path):
            raise MappingError(f'{place}: "codes" needs one column for each level of "path".')
        return (
            tuple(self.text.text(each, place) for each in path),
            tuple(self.text.text(each, place) for each in codes),
            None,
        )

    def _place(self, data: Any, place: str, more: tuple[str, ...]) -> tuple[Text | None, ...]:
        if not isinstance(data, dict) or not {"name", "country", "region"} & set(data):
            return (self.text.text(data, place, more), None, None)
        refuse_unknown(data, ("name", "country", "region", *more), place)
        if "name" not in data:
            raise MappingError(f'{place}: a location needs a "name".')
        return tuple(self.text.text(data[key], place) if key in data else None for key in ("name", "country", "region"))


def _check_words(field: Field, text: Text | None, place: str) -> None:
    """Every value the mapping itself writes must be one of the field's words."""
    if not field.words or text is None:
        return
    for word in _written(text):
        if word and word not in field.words:
            hint = did_you_mean(word, field.words)
            raise MappingError(f'{place}: "{word}" is none of {", ".join(field.words)}{hint}')


def _written(text: Text) -> list[str]:
    words = [word for word in (text.default, text.if_blank) if word is not None]
    if text.values is not None:
        return words + list(text.values.values())
    if text.lookup is not None:
        return words
    match text.source:
        case Constant(word):
            words.append(word)
        case FirstOf(parts):
            words += [word for part in parts for word in _written(part)]
        case Choose(branches, otherwise):
            chosen = [each for _, each in branches] + ([otherwise] if otherwise else [])
            words += [word for part in chosen for word in _written(part)]
    return words


def _picking(table: Table[str, Any], place: str) -> dict[str, Any]:
    if sum(name in table for name in PICKING) > 1:
        raise MappingError(f'{place}: say one of "pick", "worst_first" and "pick_with".')
    pick = table.get("pick", "first")
    if pick not in PICKS:
        raise MappingError(f'{place}: "pick" is one of {", ".join(PICKS)}.')
    worst = texts(table.get("worst_first", []), place)
    if "worst_first" in table:
        pick = "worst"
    if "pick_with" in table:
        pick = "with"
    return {
        "pick": pick,
        "worst_first": worst,
        "pick_with": scalar(table["pick_with"], place) if pick == "with" else None,
    }


def _check_references(specs: list[Spec], place: str) -> None:
    by_name = {spec.field.name: spec for spec in specs if not spec.in_bag}
    for spec in specs:
        for name, what in ((spec.not_before, "not_before"), (spec.pick_with, "pick_with")):
            if name is None:
                continue
            other = by_name.get(name)
            if other is None or other is spec:
                raise MappingError(f'{spec.place}: "{what}" names "{name}", which is no other field mapped in {place}.')
            if what == "not_before" and other.field.kind is not Kind.MOMENT:
                raise MappingError(f'{spec.place}: "{name}" is not a date, so nothing can be before it.')
            if what == "pick_with" and other.pick == "with":
                raise MappingError(f'{spec.place}: "{name}" is itself picked with another field.')


def _columns(data: Any, place: str) -> tuple[str, ...]:
    if not isinstance(data, list) or not all(isinstance(each, str) for each in data):
        raise MappingError(f'{place}: "drop_repeats_but" is a list of columns; empty where all are compared.')
    return tuple(data)


def _formats(data: Any, place: str) -> tuple[str, ...]:
    formats = texts(data, place)
    for each in formats:
        problem = check_format(each)
        if problem:
            raise MappingError(f'{place}: "{each}" is not a date format: {problem}.')
    return formats


def _zone_name(data: Any, place: str) -> str | None:
    if data is None:
        return None
    try:
        return zone(scalar(data, place)).key
    except ZoneError as problem:
        raise MappingError(f"{place}: {problem}") from None
