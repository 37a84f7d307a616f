"""The lists of the builder's filters: what the register offers, and what is chosen already."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from flask import g

from portal import clock
from portal.cases.kept_from import Person, kept_cases
from portal.exports.filter_choices import FilterChoice, choices
from portal.extensions import db
from portal.models import CaseImport
from portal.pages.access import current_user
from portal.pages.schedules.choices import FILTERS, OWN_FILTERS
from portal.pages.schedules.forms import OwnRowsForm, ScheduleForm

DEEPEST = 3
ORGANIZATIONS_KEPT = 64
SECONDS_KEPT = 600


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
    known = _known(organization_id)
    return {key: _offered(known[key], form[key].data or []) for key in FILTERS}


def own_filter_choices(groups: Iterable[OwnRowsForm], organization_id: uuid.UUID) -> list[dict[str, Sequence[Offered]]]:
    """The same for each group with rows of its own."""
    known = _known(organization_id)
    return [{key: _offered(known[key], group[key].data or []) for key in OWN_FILTERS} for group in groups]


def _known(organization_id: uuid.UUID) -> Mapping[str, Sequence[FilterChoice]]:
    """Looked up once a request."""
    if "filter_choices" not in g:
        g.filter_choices = _counted(organization_id)
    known: Mapping[str, Sequence[FilterChoice]] = g.filter_choices
    return known


def _counted(organization_id: uuid.UUID) -> Mapping[str, Sequence[FilterChoice]]:
    newest = sa.select(sa.func.max(CaseImport.finished_at)).where(CaseImport.organization_id == organization_id)
    viewer = Person(current_user.email, current_user.id, current_user.name)
    kept_from = frozenset(kept_cases(db.session.connection(), organization_id, viewer))
    period = int(clock.now().timestamp()) // SECONDS_KEPT
    return _kept(organization_id, db.session.scalar(newest), period, kept_from)


@functools.lru_cache(maxsize=ORGANIZATIONS_KEPT)
def _kept(
    organization_id: uuid.UUID,
    imported_at: datetime | None,  # noqa: ARG001  # a register changes by imports: the next one asks anew
    period: int,  # noqa: ARG001  # and an import that broke off leaves nothing wrong for longer than this
    kept_from: frozenset[uuid.UUID],
) -> Mapping[str, Sequence[FilterChoice]]:
    """Counting 200,000 cases takes longer than a page may."""
    return choices(organization_id, kept_from)


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
