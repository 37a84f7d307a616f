"""Characters that no database keeps, refused before any view sees them."""

from __future__ import annotations

import unicodedata

from flask import Flask, abort, request
from flask_wtf import FlaskForm
from wtforms import Field

UNKEEPABLE = "This holds a hidden character that cannot be kept; type it again instead of pasting it."
_STANDS = frozenset("\n\r\t")


class PlainForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """The form that all pages use: NUL, control characters and lone surrogates in any text are an error at the field."""

    def validate(self, extra_validators: dict[str, list[object]] | None = None) -> bool:
        valid = bool(super().validate(extra_validators))
        for field in self:
            if _unkeepable_in(field):
                field.errors = [UNKEEPABLE]
                valid = False
        return valid


def join(app: Flask) -> None:
    app.before_request(_refuse_unkeepable_address)


def unkeepable(text: str) -> bool:
    """Whether `text` holds a control character other than a line break or tab, or half a surrogate pair."""
    return any(unicodedata.category(ch) in {"Cc", "Cs"} and ch not in _STANDS for ch in text)


def _unkeepable_in(field: Field) -> bool:
    raw = field.raw_data or []
    return any(isinstance(value, str) and unkeepable(value) for value in raw)


def _refuse_unkeepable_address() -> None:
    values = [request.path, *(value for pair in request.args.items(multi=True) for value in pair)]
    if any("\x00" in value for value in values):
        abort(400)
