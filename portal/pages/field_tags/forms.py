"""The form of a field tag, and what it begins with."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from wtforms import HiddenField, SelectField, StringField
from wtforms.fields import SelectChoice

from portal.exports.columns import Sensitivity
from portal.exports.field_tags import LONGEST_NAME, TagProblem
from portal.exports.tag_survey import FoundField
from portal.exports.tagged_fields import Tag
from portal.models import TagDataType, TagSource
from portal.pages.hostile_input import PlainForm

SOURCES: Mapping[TagSource, str] = {
    TagSource.CASE: "The case",
    TagSource.INTAKE: "Its oldest intake report",
    TagSource.INVESTIGATION: "Its oldest investigation",
    TagSource.INTERVIEW: "Its oldest interview",
    TagSource.DISCLOSURE: "Its oldest disclosure",
}
LOOKED_IN: Mapping[TagSource, str] = {
    TagSource.CASE: "Cases",
    TagSource.INTAKE: "Intake reports",
    TagSource.INVESTIGATION: "Investigations",
    TagSource.INTERVIEW: "Interviews",
    TagSource.DISCLOSURE: "Disclosures",
}
TYPES: Mapping[TagDataType, str] = {
    TagDataType.TEXT: "Text",
    TagDataType.NUMBER: "Number",
    TagDataType.CURRENCY: "Amount of money",
    TagDataType.PERCENTAGE: "Share (percent)",
    TagDataType.DATE: "Date",
    TagDataType.BOOLEAN: "Yes or no",
}
TELLS: Mapping[Sensitivity, str] = {
    Sensitivity.OPEN: "Nothing about a person",
    Sensitivity.PLACE: "A place",
    Sensitivity.PERSON: "Who somebody is",
    Sensitivity.FREE_TEXT: "Anything: people wrote it",
}
ANSWERS = ("source", "field_path", "template", "column_name", "label", "data_type", "format_pattern", "sensitivity")
_TYPED = {"autocomplete": "off", "spellcheck": "false"}


def _choices(words: Mapping[Any, str]) -> list[SelectChoice]:
    return [SelectChoice(key.value, word) for key, word in words.items()]


class TagForm(PlainForm):
    revision = HiddenField()
    source = SelectField(
        "Where the field stands", choices=[SelectChoice(key.value, word) for key, word in SOURCES.items()]
    )
    field_path = StringField(
        "Path of the field",
        description="Such as custom_fields.amount or responses.q5. A key with a dot in it stands in double quotes.",
        render_kw={**_TYPED, "list": "paths"},
    )
    template = StringField(
        "Only forms of this template",
        description="For interviews and disclosures. Empty: of any template.",
        render_kw={**_TYPED, "list": "templates"},
    )
    label = StringField("Heading", description="What people read above the column.", render_kw={"autocomplete": "off"})
    column_name = StringField(
        "Key",
        description="What programs read the column by: small letters, digits and _. It should stay as it is once used.",
        render_kw={**_TYPED, "maxlength": LONGEST_NAME},
    )
    data_type = SelectField("Type", choices=_choices(TYPES), validate_choice=False)
    format_pattern = StringField(
        "Pattern",
        description="How values are written. Numbers: #,##0.00 or #.##0,00 or €\u00a0#,##0.00. Shares: 0.0% where the "
        "form holds 0.45, 0.0 where it holds 45. Dates: dd.mm.yyyy, mm/dd/yyyy, d mmm yyyy. Yes or no: the two words, "
        "like Confirmed/Not confirmed. Empty: only what can mean one thing is read.",
        render_kw=_TYPED,
    )
    sensitivity = SelectField(
        "What its values may tell",
        choices=_choices(TELLS),
        validate_choice=False,
        description="Masking goes by it.",
    )

    def answers(self) -> dict[str, str]:
        """What was typed, by the names of a tag's fields."""
        return {name: str(self[name].data or "") for name in ANSWERS}

    def put(self, problems: Iterable[TagProblem]) -> None:
        """The sentences at their fields; those of no field above the form."""
        for problem in problems:
            if problem.field in self:
                self[problem.field].errors = [*self[problem.field].errors, problem.sentence]
            else:
                self.form_errors.append(problem.sentence)


def revision_of(updated_at: datetime | None) -> str:
    return updated_at.isoformat() if updated_at else ""


def seen_at(revision: str | None) -> datetime | None:
    """When the slot was last changed as the person saw it. Raises ValueError."""
    return datetime.fromisoformat(revision) if revision else None


def answers_of(tag: Tag) -> dict[str, str]:
    data = tag.to_json()
    return {name: data[name] or "" for name in ANSWERS}


def begin_with(source: TagSource, found: FoundField | None) -> dict[str, str]:
    """An empty form, or one for a field that was found: its name as key and heading, and the type it looks like."""
    begun = {"source": source.value, "sensitivity": Sensitivity.FREE_TEXT.value, "data_type": TagDataType.TEXT.value}
    if found is None:
        return begun
    words = re.findall("[A-Za-z0-9]+", found.path.partition(".")[2]) or ["field"]
    name = "_".join(words).lower()
    return {
        **begun,
        "field_path": found.path,
        "template": found.template or "",
        "label": " ".join(words).capitalize(),
        "column_name": (name if name[0].isalpha() else f"field_{name}")[:LONGEST_NAME],
        "data_type": found.looks_like.value,
    }
