"""Characters that no database keeps, refused before any view sees them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator

from flask import Flask, abort, request
from flask_wtf import FlaskForm
from wtforms import Field, FieldList, FormField

UNKEEPABLE = "A hidden character was taken out of this; look at it and send it again."
_STANDS = frozenset("\n\r\t")


class PlainForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """The form of all pages: NUL, control characters and lone surrogates in any text are an error at the field."""

    def validate(self, extra_validators: dict[str, list[object]] | None = None) -> bool:
        valid = bool(super().validate(extra_validators))
        for field in _plain_fields(self):
            if any(isinstance(value, str) and unkeepable(value) for value in field.raw_data or []):
                field.errors = [UNKEEPABLE]
                if isinstance(field.data, str):
                    field.data = "".join(ch for ch in field.data if not unkeepable(ch))
                valid = False
        return valid


def join(app: Flask) -> None:
    app.before_request(_refuse_unkeepable_address)


def unkeepable(text: str) -> bool:
    """Whether `text` holds a control character other than a line break or tab, or half a surrogate pair."""
    return any(unicodedata.category(ch) in {"Cc", "Cs"} and ch not in _STANDS for ch in text)


def _plain_fields(fields: Iterable[Field]) -> Iterator[Field]:
    """All fields, those of forms and lists within the form included."""
    for field in fields:
        if isinstance(field, FormField):
            yield from _plain_fields(field.form)
        elif isinstance(field, FieldList):
            yield from _plain_fields(field.entries)
        else:
            yield field


def _refuse_unkeepable_address() -> None:
    values = [request.path, *(value for pair in request.args.items(multi=True) for value in pair)]
    if any("\x00" in value for value in values):
        abort(400)
