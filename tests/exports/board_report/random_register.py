"""Small registers by chance, with moments on and around the edges of days, months and periods, where figures turn."""

from __future__ import annotations

import random
import uuid
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from portal.models import (
    BusinessUnit,
    Case,
    CaseRestriction,
    CaseStatus,
    Category,
    IntakeReport,
    Investigation,
    Location,
    Organization,
    Outcome,
    Priority,
    RestrictionKind,
    SourceChannel,
    write_session,
)
from tests.support.cast import LONG_AGO

KEPT_FROM = "kept.away@example.org"


def new_organization(zone: str) -> uuid.UUID:
    ident = uuid.uuid4()
    with write_session() as db:
        db.add(
            Organization(id=ident, name="Chance Ltd", slug=ident.hex, timezone=zone, settings={}, created_at=LONG_AGO)
        )
    return ident


def fill_by_chance(
    organization_id: uuid.UUID, cases: int, seed: int, edges: list[datetime], *, dates_kept: bool = True
) -> None:
    """So many cases around those moments; `dates_kept`: also the dates of Directive (EU) 2019/1937."""
    chance = random.Random(seed)

    def maybe(value: Any, odds: float = 0.8) -> Any:
        return value if chance.random() < odds else None

    def around(days: int = 100) -> datetime:
        moment = chance.choice(edges)
        return moment + chance.choice(
            [
                timedelta(),
                timedelta(microseconds=-1),
                timedelta(seconds=chance.randrange(-7_200, 7_200)),
                timedelta(days=chance.randrange(-days, days), seconds=chance.randrange(86_400)),
            ]
        )

    def soon_after(moment: datetime) -> datetime:
        return moment + chance.choice(
            [
                timedelta(),
                timedelta(days=chance.randrange(0, 40), seconds=chance.randrange(86_400)),
                timedelta(days=chance.choice([7, 8, 30, 31, 60, 61, 89, 90, 91, 92, 93])),
                timedelta(days=-1),
            ]
        )

    own: dict[str, Any] = {"organization_id": organization_id}
    tops = [{"id": uuid.uuid4(), "name": name, "parent_id": None, **own} for name in ("Conduct", "Fraud", "Privacy")]
    below = [{"id": uuid.uuid4(), "name": f"Part {n}", "parent_id": chance.choice(tops)["id"], **own} for n in range(4)]
    wholes = [{"id": uuid.uuid4(), "name": f"Unit {n}", "parent_id": None, **own} for n in range(12)]
    units = [
        {"id": uuid.uuid4(), "name": f"Unit {n}", "parent_id": chance.choice(wholes)["id"], **own} for n in (12, 13, 14)
    ]
    places = [{"id": uuid.uuid4(), "name": f"Place {n}", **own} for n in range(3)]
    rows: dict[Any, list[dict[str, Any]]] = {Case: [], IntakeReport: [], Investigation: [], CaseRestriction: []}
    for number in range(cases):
        case_id, created = uuid.uuid4(), around()
        acknowledged = maybe(soon_after(created), 0.7) if dates_kept else None
        rows[Case].append(
            {
                "id": case_id,
                "case_number": f"C-{number:05}",
                "status": chance.choice([CaseStatus.CLOSED, CaseStatus.CLOSED, *CaseStatus]),
                "priority": maybe(chance.choice(list(Priority))),
                "category_id": maybe(chance.choice([*tops, *below])["id"]),
                "business_unit_id": maybe(chance.choice([*wholes, *units])["id"]),
                "location_id": maybe(chance.choice(places)["id"]),
                "created_at": created,
                "updated_at": created,
                "closed_at": maybe(chance.choice([soon_after(created), around()])),
                "due_at": maybe(chance.choice([soon_after(created), around(20)])),
                "acknowledged_at": acknowledged,
                "feedback_at": maybe(soon_after(acknowledged or created), 0.6) if dates_kept else None,
                "outcome": maybe(chance.choice(list(Outcome))),
                "custom_fields": {},
                **own,
            }
        )
        for _ in range(chance.choice([0, 1, 1, 1, 2])):
            rows[IntakeReport].append(
                {
                    "id": uuid.uuid4(),
                    "case_id": case_id,
                    "received_at": chance.choice([created, soon_after(created), around()]),
                    "source_channel": maybe(chance.choice(list(SourceChannel))),
                    "is_anonymous": chance.choice([True, False, None]),
                    "details": {},
                    **own,
                }
            )
        for _ in range(chance.choice([0, 0, 1, 2])):
            rows[Investigation].append(
                {"id": uuid.uuid4(), "case_id": case_id, "completed_at": maybe(around()), "custom_fields": {}, **own}
            )
        if chance.random() < 0.1:
            kind = RestrictionKind.BY_HAND
            rows[CaseRestriction].append(
                {"id": uuid.uuid4(), "case_id": case_id, "kind": kind, "email": KEPT_FROM, **own}
            )
    with write_session() as db:
        for table, made in [
            (Category, tops),
            (Category, below),
            (BusinessUnit, wholes),
            (BusinessUnit, units),
            (Location, places),
            *rows.items(),
        ]:
            if made:
                db.execute(sa.insert(table), made)
