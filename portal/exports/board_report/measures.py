"""One number of the report: what it is made of, how it is written, and how it compares with an earlier one."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Self

SMALL_BASE = 10
"""Of fewer cases a percentage says more than is known: the count stands beside it, and no change is worked out."""
NOTHING = "–"
HIDDEN = "hidden"


class Unit(StrEnum):
    COUNT = "count"
    DAYS = "days"
    SHARE = "share"


@dataclass(frozen=True)
class Measure:
    """A number and what it comes from. `value` None: there was nothing to compute it from, or it is `hidden`.

    COUNT: an int. DAYS: a median, of `base` cases. SHARE: `part` of `base`, from 0 to 1.
    """

    unit: Unit
    value: float | None
    part: int | None = None
    base: int | None = None
    hidden: bool = False
    """A small count of anonymous reports, or what would tell one."""

    @classmethod
    def count(cls, number: int) -> Self:
        return cls(Unit.COUNT, number)

    @classmethod
    def days(cls, median: float | None, cases: int) -> Self:
        return cls(Unit.DAYS, median, base=cases)

    @classmethod
    def share(cls, part: int, base: int) -> Self:
        """Without a base there is no share."""
        return cls(Unit.SHARE, part / base if base else None, part, base)

    @classmethod
    def hidden_count(cls) -> Self:
        return cls(Unit.COUNT, None, hidden=True)

    @classmethod
    def hidden_share(cls) -> Self:
        return cls(Unit.SHARE, None, hidden=True)

    @property
    def text(self) -> str:
        """ "1,204", "12.5 days", "84.6%"; "–" for nothing, "hidden" for what is hidden."""
        if self.hidden:
            return HIDDEN
        if self.value is None:
            return NOTHING
        if self.unit is Unit.SHARE:
            return percent_text(self.part or 0, self.base or 0)
        return (
            f"{number_text(self.value)} {'day' if self.value == 1 else 'days'}"
            if self.unit is Unit.DAYS
            else (number_text(self.value))
        )

    @property
    def is_small(self) -> bool:
        """Whether it rests on so few cases that they have to be named with it."""
        return self.base is not None and 0 < self.base < SMALL_BASE

    @property
    def tenths(self) -> int:
        """A share in tenths of a percent, as it is written; 0 of nothing."""
        return tenths_of_percent(self.part or 0, self.base) if self.base else 0

    @property
    def base_text(self) -> str:
        """ "33 of 39 cases"; "of 41 cases" for a median; "" for a count."""
        if self.base is None or self.hidden:
            return ""
        of = f"of {self.base:,} {'case' if self.base == 1 else 'cases'}"
        return f"{self.part:,} {of}" if self.part is not None else of


@dataclass(frozen=True)
class Change:
    """From the period before to this one, in the measure's own unit: cases, days, or percentage points."""

    difference: float
    percent: float | None
    """Of counts whose earlier value is at least SMALL_BASE; of nothing else."""
    text: str
    """ "+12 (+9.4%)", "−3", "+2.5 days", "−4.2 points", "no change"."""


def change_of(now: Measure, before: Measure | None) -> Change | None:
    """None where either has no value, or rests on too few cases to be compared."""
    if before is None or now.value is None or before.value is None or now.is_small or before.is_small:
        return None
    if now.unit is Unit.SHARE:
        points = (now.tenths - before.tenths) / 10
        unit = "point" if abs(points) == 1 else "points"
        return Change(points, None, signed(points, f" {unit}"))
    difference = now.value - before.value
    if now.unit is Unit.DAYS:
        return Change(difference, None, signed(difference, " day" if abs(difference) == 1 else " days"))
    percent = None
    if before.value >= SMALL_BASE:
        percent = rounded(Fraction(int(difference) * 100, int(before.value)))
    beside = f" ({signed(percent, '%', nothing='under 0.1%')})" if percent is not None and difference else ""
    return Change(difference, percent, signed(difference) + beside)


def tenths_of_percent(part: int, base: int) -> int:
    """0 to 1000, rounded half up; 0 and 1000 only where it is none and all."""
    tenths = int((Decimal(part * 1000) / Decimal(base)).quantize(Decimal(1), ROUND_HALF_UP))
    return min(max(tenths, 1), 999) if 0 < part < base else tenths


def percent_text(part: int, base: int) -> str:
    """ "84.6%", "80%"; "–" of nothing."""
    return f"{number_text(tenths_of_percent(part, base) / 10)}%" if base else NOTHING


def number_text(value: float) -> str:
    """ "1,204", "12.5": at most one digit after the point, and none where it is 0."""
    return f"{value:,.1f}".removesuffix(".0")


def signed(value: float, unit: str = "", nothing: str = "no change") -> str:
    """ "+12", "−3.5 days", "no change"."""
    if not value:
        return nothing
    return f"{'+' if value > 0 else '−'}{number_text(abs(value))}{unit}"


def rounded(value: Fraction) -> float:
    """To one digit after the point, half away from zero."""
    return float((Decimal(value.numerator) / Decimal(value.denominator)).quantize(Decimal("0.1"), ROUND_HALF_UP))
