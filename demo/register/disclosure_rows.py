"""Disclosure forms: gifts, outside interests, conflicts; beside a case, and many without one."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from random import Random
from typing import Any

from demo.register import wording
from demo.register.chance import Weighted, one_of, spread
from demo.register.facts import Facts
from demo.register.people import somebody
from demo.register.rows import Batch
from demo.register.surroundings import Surroundings
from demo.register.vocabulary import CURRENCIES, UNITS
from portal.models import Disclosure

_KINDS = Weighted(
    [
        (("Gift or hospitality", "Gifts and hospitality"), 5),
        (("Outside interest", "Outside activities"), 3),
        (("Conflict of interest", "Annual conflict of interest"), 4),
    ]
)
_OF_KIND = {
    "COI-GIF": ("Gift or hospitality", "Gifts and hospitality"),
    "COI-OUT": ("Outside interest", "Outside activities"),
}
_GIVERS = ("Harbor Devices", "Greenleaf Pharma", "Northstar Catering", "Bluebell Staffing", "Kite & Sons Builders")
_UNIT_NAMES = tuple(unit.name for _, _, members in UNITS for unit in members)
_WITHOUT_CASE = 0.12


def disclosure_rows(rng: Random, around: Surroundings, batch: Batch, case_id: uuid.UUID, case: Facts) -> None:
    """Forms handed in around this case's time: perhaps one that belongs to it, perhaps one that belongs to none."""
    conflict = case.category is not None and case.category.code == "COI"
    if rng.random() < (0.6 if conflict else 0.025):
        kind = _OF_KIND.get(case.kind[0]) if case.kind else None
        submitted = case.opened + ((case.closed or around.end) - case.opened) * rng.random() ** 2
        _row(rng, batch, f"{case.number}/D1", case_id, kind or _KINDS.pick(rng), submitted, case.place)
    if rng.random() < _WITHOUT_CASE:
        submitted = case.opened + timedelta(minutes=5)
        if submitted < around.end:
            _row(rng, batch, f"{case.number}/D0", None, _KINDS.pick(rng), submitted, case.place)


def _row(
    rng: Random,
    batch: Batch,
    key: str,
    case_id: uuid.UUID | None,
    kind: tuple[str, str],
    submitted: datetime,
    place: str | None,
) -> None:
    batch.add(
        Disclosure,
        key,
        case_id=case_id,
        kind=kind[0],
        template=kind[1],
        submitted_at=submitted,
        form_data=_form(rng, kind[0], submitted, CURRENCIES.get((place or "US")[:2], "USD")),
    )


def _form(rng: Random, kind: str, submitted: datetime, currency: str) -> dict[str, Any]:
    person = somebody(rng)
    form: dict[str, Any] = {"name": person.name, "unit": one_of(rng, _UNIT_NAMES)}
    since = (submitted - timedelta(days=int(spread(rng, 40, 1.0)))).date().isoformat()
    if kind == "Gift or hospitality":
        form |= {"giver": one_of(rng, _GIVERS), "value": round(spread(rng, 70, 0.9), 2), "currency": currency}
        form |= {"received_on": since, "accepted": rng.random() < 0.6}
    elif kind == "Outside interest":
        form |= {"activity": one_of(rng, ("Board seat", "Teaching", "Consulting", "Second job")), "since": since}
        form |= {"hours_a_week": round(spread(rng, 4, 0.6), 1), "paid": rng.random() < 0.7}
    else:
        form |= {"relation": one_of(rng, ("Spouse", "Sibling", "Former employer", "Shareholding")), "since": since}
        form |= {"share_held": round(rng.random() * 0.2, 4), "managed": rng.random() < 0.8}
    if rng.random() < wording.ODD_SHARE:
        form["remarks"] = one_of(rng, wording.ODD_TEXTS)
    return form
