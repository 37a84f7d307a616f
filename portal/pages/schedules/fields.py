"""The fields that forms of schedules are made of. They hold what was typed, as it was typed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from wtforms import Field, FieldList, RadioField, SelectField, SelectMultipleField, StringField
from wtforms.fields import SelectChoice
from wtforms.widgets import TextInput

from portal.moments import MomentError, parse_day
from portal.schedules.rule import RuleError, parse_rule


def listed(pairs: Iterable[tuple[str, str]]) -> list[SelectChoice]:
    return [SelectChoice(value, label) for value, label in pairs]


class CheckboxesField(SelectMultipleField):  # type: ignore[misc]  # WTForms ships no types
    """Several of a list; which values there are is for the subject to say."""

    def __init__(self, label: str, choices: Any = (), **more: Any) -> None:
        super().__init__(label, choices=listed(choices), validate_choice=False, **more)


class _PickerInput(TextInput):  # type: ignore[misc]  # WTForms ships no types
    """The browser's picker, unless it would hide what was typed: browsers leave a value empty that they cannot read."""

    def __init__(self, kind: str, readable: Callable[[str], object], errors: type[Exception]) -> None:
        super().__init__()
        self._kind, self._readable, self._errors = kind, readable, errors

    def __call__(self, field: Field, **given: Any) -> Any:
        try:
            if field.data:
                self._readable(field.data)
        except self._errors:
            return super().__call__(field, **given)
        return super().__call__(field, type=self._kind, **given)


def _read_time(text: str) -> object:
    return parse_rule({"freq": "daily", "time": text})


_DATE = _PickerInput("date", parse_day, MomentError)
_TIME = _PickerInput("time", _read_time, RuleError)


def radio(label: str, choices: Any, **more: Any) -> RadioField:
    return RadioField(label, choices=listed(choices), validate_choice=False, **more)


def select(label: str, choices: Any, **more: Any) -> SelectField:
    return SelectField(label, choices=listed(choices), validate_choice=False, **more)


def number(label: str, **more: Any) -> StringField:
    return StringField(label, render_kw={"inputmode": "numeric", "size": 6, "autocomplete": "off"}, **more)


def day_picker(label: str, **more: Any) -> StringField:
    """A day with the browser's picker, kept as it was typed."""
    return StringField(label, widget=_DATE, **more)


def time_picker(label: str, **more: Any) -> StringField:
    """A time of day with the browser's picker, kept as it was typed."""
    return StringField(label, widget=_TIME, **more)


class GroupsField(FieldList):  # type: ignore[misc]  # WTForms ships no types
    """A list of forms within the form, as many as were sent."""

    def _extract_indices(self, prefix: str, formdata: Iterable[str]) -> Iterator[int]:
        """WTForms takes the digits of every script for numbers, and fails on some of them."""
        start = f"{prefix}-"
        for key in formdata:
            number = key.removeprefix(start).partition("-")[0]
            if key.startswith(start) and number.isascii() and number.isdecimal() and len(number) < 4:
                yield int(number)
