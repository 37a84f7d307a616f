"""The columns of a schedule as the builder shows them: what may be chosen, and what is, in its order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from portal.exports.catalogue import OFFERED, ColumnConfig
from portal.exports.register_columns import MOST_INVESTIGATIONS, USUAL_INVESTIGATIONS
from portal.exports.tagged_fields import Tag, tags_of_type
from portal.models import ExportType
from portal.pages.schedules.answers import chosen_columns
from portal.pages.schedules.choices import CHOSEN
from portal.pages.schedules.forms import ScheduleForm

UP, DOWN, REMOVE, ARRANGE, ALL_OF_THEM, NONE_OF_THEM = (
    "column-up",
    "column-down",
    "column-remove",
    "columns-arrange",
    "columns-all",
    "columns-none",
)
STEPS = frozenset({UP, DOWN, REMOVE, ARRANGE, ALL_OF_THEM, NONE_OF_THEM})


@dataclass(frozen=True)
class Choice:
    key: str
    label: str
    about: str
    ticked: bool


@dataclass(frozen=True)
class Group:
    title: str
    source: str
    choices: Sequence[Choice]


@dataclass(frozen=True)
class Placed:
    """A column of the file; `label` is None where these contents have no such column."""

    key: str
    label: str | None
    heading: str


@dataclass(frozen=True)
class Chooser:
    groups: Sequence[Group]
    placed: Sequence[Placed]


def chooser(form: ScheduleForm, tags: Sequence[Tag]) -> Chooser:
    """What the form's contents offer, ticked as the form is. Nothing where a type has no columns of its own."""
    offer = OFFERED.get(ExportType(form.export_type.data)) if form.export_type.data in tuple(ExportType) else None
    chosen = chosen_columns(form)
    if offer is None:
        return Chooser([], [Placed(key, None, heading) for key, heading in chosen])
    ticked = {key for key, _ in chosen}
    tagged = tuple(tag.column() for tag in tags_of_type(form.export_type.data, tags))
    known = {column.key: column.label for column in offer.choosable(tagged)}
    config = ColumnConfig(_investigations(form, ticked), overflow=True)
    groups = [
        Group(
            group.title,
            group.source,
            [Choice(each.key, each.label, each.about, each.key in ticked) for each in group.columns],
        )
        for group in offer.groups(config, tagged)
    ]
    return Chooser(groups, [Placed(key, known.get(key), heading) for key, heading in chosen])


def _investigations(form: ScheduleForm, ticked: set[str]) -> int:
    """As many as a case has columns for, and as many as are chosen from."""
    typed = (form.investigations.data or "").strip()
    wanted = int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 3 else USUAL_INVESTIGATIONS
    numbers = [number for number in range(1, MOST_INVESTIGATIONS + 1) if any(f"inv_{number}_" in key for key in ticked)]
    return min(max([wanted, *numbers]), MOST_INVESTIGATIONS)


def take_step(form: ScheduleForm, step: str, key: str, tags: Sequence[Tag]) -> None:
    """Change the form's columns as the button says that was pressed; what is ticked and not yet placed is placed."""
    chosen = chosen_columns(form)
    at = next((number for number, (each, _) in enumerate(chosen) if each == key), None)
    if step == ALL_OF_THEM:
        chosen += [(each.key, "") for group in chooser(form, tags).groups for each in group.choices if not each.ticked]
    elif step == NONE_OF_THEM:
        chosen = []
    elif at is not None:
        one = chosen.pop(at)
        to = {UP: max(at - 1, 0), DOWN: at + 1}
        if step in to:
            chosen.insert(to[step], one)
    place(form, chosen)


def place(form: ScheduleForm, chosen: Sequence[tuple[str, str]]) -> None:
    """Put these columns, (key, own heading or ""), into the form."""
    form.columns_are.data = CHOSEN
    form.columns.data = form.column_order.data = [key for key, _ in chosen]
    form.column_labels.data = [heading for _, heading in chosen]


def as_stored(form: ScheduleForm) -> list[str | Mapping[str, str]]:
    """What is chosen, as a column configuration holds it."""
    return [{"key": key, "label": heading} if heading else key for key, heading in chosen_columns(form)]
