"""The lists of the builder's filters: what the register offers, and what is chosen already."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from portal.exports.filter_choices import FilterChoice, choices
from portal.pages.schedules.forms import FILTERS, ScheduleForm

DEEPEST = 3


@dataclass(frozen=True)
class Offered:
    """`count` is None for what is chosen and is not, or no longer, in the register."""

    value: str
    label: str
    count: int | None
    depth: int
    chosen: bool


def filter_choices(form: ScheduleForm, organization_id: uuid.UUID) -> dict[str, Sequence[Offered]]:
    """By the filter's key, in the order of the form; ticked as the form is."""
    known = choices(organization_id)
    return {key: _offered(known[key], form[key].data or []) for key in FILTERS}


def _offered(known: Sequence[FilterChoice], chosen: Sequence[str]) -> Sequence[Offered]:
    wanted = set(chosen)
    unknown = [value for value in dict.fromkeys(chosen) if value not in {each.value for each in known}]
    return [
        *(Offered(value, value, None, 0, chosen=True) for value in unknown),
        *(
            Offered(each.value, each.label, each.count, min(each.depth, DEEPEST), each.value in wanted)
            for each in known
        ),
    ]
