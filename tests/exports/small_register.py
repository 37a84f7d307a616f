"""A small register with all that rows and filters must tell apart, made by chance from a seed: equal moments, cases
closed without a date, investigations without a start, categories three levels deep and in a cycle, all text."""

from __future__ import annotations

import random
import uuid
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from portal.models import (
    Attachment,
    BusinessUnit,
    Case,
    CaseStatus,
    Category,
    Disclosure,
    IntakeReport,
    Interview,
    Investigation,
    Location,
    Outcome,
    Priority,
    RemediationPlan,
    SourceChannel,
    Subject,
    write_session,
)

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
PLANNED = datetime(2026, 11, 2, 13, 0, tzinfo=UTC)
"""Mon 2 Nov 2026, 08:00 in New York."""


def fill(organization_id: uuid.UUID, cases: int, seed: int = 7) -> None:
    """So many cases of 2026 and what hangs on them, in the organization."""
    maker = _Maker(organization_id, random.Random(seed))
    maker.surroundings()
    maker.write(Category, BusinessUnit, Location)
    with write_session() as db:
        db.execute(maker.cycle)
    for begin in range(0, cases, 2000):
        for number in range(begin, min(begin + 2000, cases)):
            maker.case(number)
        maker.write(Case, Investigation, Interview, IntakeReport, Subject, Attachment, RemediationPlan, Disclosure)


class _Maker:
    def __init__(self, organization_id: uuid.UUID, chance: random.Random) -> None:
        self.organization_id = organization_id
        self.chance = chance
        self.made: dict[type, list[dict[str, Any]]] = defaultdict(list)
        self.categories: list[uuid.UUID] = []
        self.units: list[uuid.UUID] = []
        self.places: list[uuid.UUID] = []

    def _id(self) -> uuid.UUID:
        return uuid.UUID(int=self.chance.getrandbits(128), version=4)

    def _maybe(self, value: Any, odds: float = 0.75) -> Any:
        return value if self.chance.random() < odds else None

    def _moment(self, begin: datetime, days: float) -> datetime:
        moment = begin + timedelta(seconds=self.chance.randrange(int(days * 86400)))
        return moment + timedelta(microseconds=self.chance.choice([0, 0, 500_000, 510_000]))

    def _add(self, table: Any, **values: Any) -> uuid.UUID:
        ident = self._id()
        self.made[table].append({"id": ident, "organization_id": self.organization_id, **values})
        return ident

    def write(self, *tables: type) -> None:
        with write_session() as db:
            for table in tables:
                if rows := self.made.pop(table, []):
                    db.execute(sa.insert(table), rows)

    def surroundings(self) -> None:
        conduct = self._add(Category, name="Conduct", code="CON", parent_id=None)
        harassment = self._add(Category, name="Harassment", code="HAR", parent_id=conduct)
        other = self._add(Category, name="Other", code=None, parent_id=harassment)
        fraud = self._add(Category, name="Fraud", code="FRD", parent_id=None)
        fraud_other = self._add(Category, name="Other", code=None, parent_id=fraud)
        turning = self._add(Category, name="Turning", code="TRN", parent_id=None)
        back = self._add(Category, name="Back", code="BCK", parent_id=turning)
        self.cycle = sa.update(Category).where(Category.id == turning).values(parent_id=back)
        self.categories = [conduct, harassment, other, fraud, fraud_other, turning, back]
        north = self._add(BusinessUnit, name="North", code="N-1", parent_id=None)
        self.units = [north, self._add(BusinessUnit, name="Wards", code=None, parent_id=north)]
        self.places = [
            self._add(Location, name="Hafen", country="Germany", region="Nord"),
            self._add(Location, name="Harbor", country="United States", region=None),
            self._add(Location, name="青葉台", country=None, region="Kantō"),
        ]

    def case(self, number: int) -> None:
        chance = self.chance
        # every fifth shares its moment with the one before
        created = FIRST + timedelta(hours=(number - number % 5 // 4) * 7 % 7300, minutes=number % 3)
        status = chance.choice(list(CaseStatus))
        closed = self._maybe(self._moment(created, 90), 0.8 if status is CaseStatus.CLOSED else 0.1)
        case_id = self._add(
            Case,
            case_number=f"C-{chance.randrange(10**6):06}-{number}",
            status=status,
            priority=self._maybe(chance.choice(list(Priority))),
            category_id=self._maybe(chance.choice(self.categories)),
            business_unit_id=self._maybe(chance.choice(self.units)),
            location_id=self._maybe(chance.choice(self.places)),
            assignee_name=self._maybe(chance.choice(["Ana Duarte", "=1+1", 'Öz, "Lee"'])),
            assignee_email=self._maybe(chance.choice(["ana@example.org", "Ana@Example.org", "otto@example.org"])),
            created_at=created,
            updated_at=self._moment(created, 200),
            closed_at=closed,
            due_at=self._maybe(closed if closed and chance.random() < 0.2 else self._moment(created, 120)),
            outcome=self._maybe(chance.choice(list(Outcome))),
            outcome_reason=self._maybe('two\r\nlines; a "quote" – 理由', 0.3),
            custom_fields=chance.choice([{}, {"amount": 12.5, "site": "Hafen", "deep": {"b": [1, None], "a": True}}]),
        )
        self._hanging(case_id, created)

    def _hanging(self, case_id: uuid.UUID, created: datetime) -> None:
        chance = self.chance
        for _ in range(chance.choice([0, 1, 1, 2, 3])):
            self._add(
                IntakeReport,
                case_id=case_id,
                received_at=chance.choice([created, self._moment(created, 5)]),
                source_channel=self._maybe(chance.choice(list(SourceChannel))),
                is_anonymous=chance.choice([True, False, None]),
                reporter_relationship=self._maybe("Employee"),
            )
        for _ in range(chance.choice([0, 0, 1, 2])):
            self._add(Subject, case_id=case_id, name=self._maybe("Sam Example"), email=self._maybe("sam@example.org"))
        for number in range(chance.choice([0, 0, 1, 3])):
            self._add(Attachment, case_id=case_id, filename=f"{number}.pdf")
        for _ in range(chance.choice([0, 0, 1, 2])):
            self._add(
                RemediationPlan,
                case_id=case_id,
                status=self._maybe(chance.choice(["Open", "Done"])),
                created_at=chance.choice([created, self._moment(created, 9)]),
            )
        for _ in range(chance.choice([0, 0, 0, 1, 2])):
            self._add(Disclosure, case_id=case_id, kind="Gift", submitted_at=created, form_data={"value": 20})
        for _ in range(chance.choice([0, 0, 1, 2, 4])):
            self._investigation(case_id, created)

    def _investigation(self, case_id: uuid.UUID, created: datetime) -> None:
        chance = self.chance
        started = self._maybe(chance.choice([created, self._moment(created, 30)]))
        ident = self._add(
            Investigation,
            case_id=case_id,
            type=self._maybe("Interview round"),
            status=self._maybe("Open"),
            outcome=self._maybe(chance.choice(list(Outcome)), 0.4),
            started_at=started,
            completed_at=self._maybe(self._moment(started or created, 40), 0.6),
            investigator_name=self._maybe("Ida Example"),
            finding_summary=self._maybe("@found", 0.3),
        )
        for _ in range(chance.choice([0, 0, 1, 3])):
            self._add(Interview, investigation_id=ident, held_at=self._maybe(created), responses={"q1": "yes"})
