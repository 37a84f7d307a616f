"""Where things stand in the two drawings of the first page. Units are those of the drawing's own grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from portal.delivery.by_day import Day
from portal.schedules.outlook import Due

LEFT, RIGHT, AXIS = 40, 820, 74
LABEL_ROWS = (14, 32, 50)
LETTER = 6.4  # width of a letter at 12 units, rather too wide than too narrow
LONGEST_LABEL = 30
TICKS = 6


@dataclass(frozen=True)
class Dot:
    x: float
    radius: float
    label: str
    """"" where there is no room; the list beside the drawing has them all."""
    label_x: float
    label_y: int


@dataclass(frozen=True)
class Tick:
    x: float
    label: str


@dataclass(frozen=True)
class Timeline:
    dots: Sequence[Dot]
    ticks: Sequence[Tick]


def timeline(due: Sequence[Due], now: datetime, until: datetime, zone: ZoneInfo) -> Timeline:
    """Moments on a line from now to `until`; labels in three rows above it, where they do not touch."""
    ends = dict.fromkeys(LABEL_ROWS, 0.0)
    dots = []
    for each in due:
        x = LEFT + (RIGHT - LEFT) * ((each.at - now) / (until - now))
        label = label_of(each, zone)
        half = len(label) * LETTER / 2
        label_x = min(max(x, half), 860 - half)
        row = next((row for row in reversed(LABEL_ROWS) if ends[row] <= label_x - half), None)
        if row is not None:
            ends[row] = label_x + half + 10
        radius = 5 if each.count == 1 else min(9, 6 + each.count // 4)
        dots.append(Dot(round(x, 1), radius, label if row else "", round(label_x, 1), row or 0))
    return Timeline(dots, list(_ticks(now, until, zone)))


def label_of(due: Due, zone: ZoneInfo) -> str:
    """ "08:00 Regulator file", "08:00 · 4 exports"."""
    at = f"{due.at.astimezone(zone):%H:%M}"
    if due.count > 1:
        return f"{at} · {due.count} exports"
    name = due.name if len(due.name) <= LONGEST_LABEL else due.name[: LONGEST_LABEL - 1] + "…"
    return f"{at} {name}"


def _ticks(now: datetime, until: datetime, zone: ZoneInfo) -> list[Tick]:
    """Both ends, and the full hours that divide the time between them evenly."""
    step = (until - now) / TICKS
    ticks = []
    for number in range(TICKS + 1):
        at = now + number * step
        inner = 0 < number < TICKS
        if inner:
            at = at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=at.minute >= 30)
        x = LEFT + (RIGHT - LEFT) * ((at - now) / (until - now))
        words = f"{at.astimezone(zone):%H:%M}"
        ticks.append(Tick(round(x, 1), f"now {words}" if number == 0 else words))
    return ticks


CHART_WIDTH, CHART_HEIGHT, BAR_SHARE = 545, 70, 0.66


@dataclass(frozen=True)
class Bar:
    """One part of a day's column; `kind` is accepted, uncertain or failed."""

    x: float
    y: float
    width: float
    height: float
    kind: str


def bars(days: Sequence[Day]) -> list[Bar]:
    """Columns over the whole width, the highest as high as the chart; a part that is there is never too thin to see."""
    highest = max((day.total for day in days), default=0)
    if not highest:
        return []
    width = CHART_WIDTH / len(days)
    drawn = []
    for number, day in enumerate(days):
        y = float(CHART_HEIGHT)
        for kind, count in (("accepted", day.accepted), ("uncertain", day.uncertain), ("failed", day.failed)):
            if not count:
                continue
            height = max(2.0, (CHART_HEIGHT - 6) * count / highest)
            y -= height
            x = number * width + width * (1 - BAR_SHARE) / 2
            drawn.append(Bar(round(x, 1), round(y, 1), round(width * BAR_SHARE, 1), round(height, 1), kind))
    return drawn
