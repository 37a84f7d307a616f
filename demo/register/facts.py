"""What is true of one case, before any row is written: each fact leans on those drawn before it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from demo.register import moments
from demo.register.chance import Weighted, one_of, spread
from demo.register.surroundings import Staff, Surroundings, Unit
from demo.register.vocabulary import (
    ANONYMOUS,
    BY_DAY,
    BY_NIGHT,
    CATEGORIES,
    REPORTERS,
    UNKNOWN_REPORTER,
    CategoryProfile,
)
from portal.models import CaseStatus, Outcome, Priority, SourceChannel

_CHANNELS_BY_DAY, _CHANNELS_BY_NIGHT = Weighted(BY_DAY), Weighted(BY_NIGHT)
_REPORTERS = {group: Weighted(pairs) for group, pairs in REPORTERS.items()}
_MOST_GROWTH = 1.0 + max(top.growth for top in CATEGORIES) * moments.YEARS
_NO_INTAKE = 0.007
_CRITICAL = 0.87
_URGENT_PACE = 0.35


@dataclass(slots=True)
class Facts:
    """One case. `severity` runs from 0 to 1 and shows only in what follows from it."""

    number: str
    opened: datetime
    unit: Unit | None
    category: CategoryProfile | None
    kind: tuple[str, str] | None
    place: str | None
    channel: SourceChannel | None
    anonymous: bool
    reporter: str
    severity: float
    priority: Priority | None
    investigations: int
    closed: datetime | None
    status: CaseStatus
    outcome: Outcome | None
    assignee: Staff | None

    @property
    def kind_name(self) -> str:
        return self.kind[1] if self.kind else "Concern"

    @property
    def unit_name(self) -> str:
        return self.unit.profile.name if self.unit else "an unnamed unit"


def draw(rng: Random, around: Surroundings, number: str, opened: datetime, years: float, by_day: bool) -> Facts:
    """A case opened at that instant, `years` into the register, on a working day or else at night."""
    unit = around.units.pick(rng)
    category = _category(rng, unit, years)
    channel = None if rng.random() < _NO_INTAKE else (_CHANNELS_BY_DAY if by_day else _CHANNELS_BY_NIGHT).pick(rng)
    anonymous = channel is not None and rng.random() < ANONYMOUS[channel] * (
        0.7 + 0.4 * (category.anonymous if category else 0.6)
    )
    severity = min(1.0, max(0.0, rng.gauss(category.severity if category else 0.35, 0.19)))
    investigations = _investigations(rng, severity)
    closed = _closed(rng, around, opened, category, severity, years)
    status = _status(rng, around.end - opened, closed)
    known = status is not CaseStatus.NEW or rng.random() < 0.3
    return Facts(
        number=number,
        opened=opened,
        unit=unit,
        category=category,
        kind=around.kinds[category.code].pick(rng) if category else None,
        place=one_of(rng, unit.profile.places) if unit and rng.random() < 0.985 else None,
        channel=channel,
        anonymous=anonymous,
        reporter=_reporter(rng, category, anonymous),
        severity=severity,
        priority=_priority(rng, severity),
        investigations=investigations if status is not CaseStatus.NEW else 0,
        closed=closed,
        status=status,
        outcome=_outcome(rng, category, anonymous, investigations) if closed else None,
        assignee=one_of(rng, around.staff) if known else None,
    )


def _category(rng: Random, unit: Unit | None, years: float) -> CategoryProfile | None:
    """By the unit's own mix; those that grow are taken more often the later it is."""
    if unit is None:
        return one_of(rng, CATEGORIES)
    while True:
        category = unit.category.pick(rng)
        if category is None or rng.random() * _MOST_GROWTH < 1.0 + category.growth * years:
            return category


def _reporter(rng: Random, category: CategoryProfile | None, anonymous: bool) -> str:
    if anonymous and rng.random() < 0.45:
        return UNKNOWN_REPORTER
    return _REPORTERS[category.reporters if category else "staff"].pick(rng)


def _priority(rng: Random, severity: float) -> Priority | None:
    if rng.random() < 0.01:
        return None
    if severity < 0.34:
        return Priority.LOW
    if severity < 0.62:
        return Priority.MEDIUM
    return Priority.HIGH if severity < _CRITICAL else Priority.CRITICAL


def _investigations(rng: Random, severity: float) -> int:
    """None for most light cases; a grave one has several, and one in a thousand has more than ten."""
    if rng.random() < 0.001:
        return 11 + int(rng.random() * 3)
    if rng.random() > 0.25 + 0.75 * severity:
        return 0
    count = 1
    while rng.random() < 0.12 + 0.34 * severity * severity and count < 7:
        count += 1
    return count


def _closed(
    rng: Random, around: Surroundings, opened: datetime, category: CategoryProfile | None, severity: float, years: float
) -> datetime | None:
    """When it was closed, where that has happened: grave ones take longer, the gravest are hurried, some never end."""
    median = (category.median_days if category else 25) * (0.55 + severity) * (1.0 - 0.05 * years)
    length = spread(rng, median * (_URGENT_PACE if severity >= _CRITICAL else 1.0), 0.72)
    if rng.random() < 0.03:
        length *= 5
    moment = opened + timedelta(days=max(0.02, length))
    if length > 1:
        moment = max(opened, moments.office_hours(rng, moment, around.zone))
    return moment if moment < around.end else None


def _status(rng: Random, age: timedelta, closed: datetime | None) -> CaseStatus:
    if closed is not None:
        return CaseStatus.CLOSED
    if rng.random() < 0.55 * math.exp(-age.days / 5) + 0.02:
        return CaseStatus.NEW
    return CaseStatus.ON_HOLD if rng.random() < 0.11 else CaseStatus.OPEN


def _outcome(rng: Random, category: CategoryProfile | None, anonymous: bool, investigations: int) -> Outcome:
    """Nothing is confirmed without looking; what came without a name is harder to verify."""
    confirmed = (category.substantiated if category else 0.3) * (1.15 if investigations else 0.35)
    doubt = 0.30 if anonymous else 0.16
    chance = rng.random()
    if chance < 0.12:
        aside = rng.random()
        if aside < 0.40:
            return Outcome.REFERRED
        return Outcome.WITHDRAWN if aside < 0.70 and not anonymous else Outcome.OTHER
    if rng.random() < confirmed:
        return Outcome.SUBSTANTIATED if rng.random() < 0.72 else Outcome.PARTLY_SUBSTANTIATED
    return Outcome.INSUFFICIENT if rng.random() < doubt + (0.0 if investigations else 0.2) else Outcome.UNSUBSTANTIATED
