"""The form by which somebody is put on a case's list of people kept from it."""

from __future__ import annotations

from wtforms import EmailField
from wtforms.validators import InputRequired

from portal.pages.hostile_input import PlainForm


class KeepFromForm(PlainForm):
    address = EmailField(
        "E-mail address",
        [InputRequired("Write the address of whom to keep from this case.")],
        description="Of a user or of anybody who receives files. They are not told.",
        render_kw={"autocomplete": "off"},
    )
