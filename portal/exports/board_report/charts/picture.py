"""A chart as a list of shapes, in points from the upper left corner: drawn alike on pages and in PDFs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Tone(StrEnum):
    """What a colour says; which colour that is, the page or the report knows. Each is told from its neighbours by how
    light it is, so that a print in black and white reads the same."""

    INK = "ink"
    MUTED = "muted"
    FAINT = "faint"
    RULE = "rule"
    PAPER = "paper"
    ACCENT = "accent"
    STRONG = "strong"
    """A darker accent."""
    MID = "mid"
    """A lighter accent."""
    SOFT = "soft"
    """The lightest accent."""
    WARN = "warn"


class Align(StrEnum):
    START = "start"
    MIDDLE = "middle"
    END = "end"


@dataclass(frozen=True)
class Rect:
    x: float
    y: float
    width: float
    height: float
    fill: Tone
    outline: Tone | None = None
    """Drawn inside, so that two neighbours do not touch."""


@dataclass(frozen=True)
class Path:
    """A line through points; closed and filled with `fill` where there is one."""

    points: tuple[tuple[float, float], ...]
    stroke: Tone | None
    thickness: float = 1
    fill: Tone | None = None
    dashes: tuple[float, ...] = ()


@dataclass(frozen=True)
class Dot:
    x: float
    y: float
    radius: float
    fill: Tone
    outline: Tone | None = None


@dataclass(frozen=True)
class Label:
    """One line of text; `y` is its base line. Wider than `room`, it is cut and ends in an ellipsis."""

    x: float
    y: float
    text: str
    size: float
    tone: Tone = Tone.INK
    align: Align = Align.START
    strong: bool = False
    room: float | None = None


Shape = Rect | Path | Dot | Label


@dataclass(frozen=True)
class Picture:
    """`said` is the whole of it in words, for who cannot see it."""

    width: float
    height: float
    shapes: tuple[Shape, ...]
    said: str


def rule(x: float, y: float, width: float, tone: Tone = Tone.RULE, thickness: float = 0.6) -> Path:
    """A thin line across."""
    return Path(((x, y), (x + width, y)), tone, thickness)


def round_up(value: float) -> float:
    """The end of a scale: the smallest of 1, 2, 2.5, 4, 5, 6 and 8 times a power of ten that is not below the value."""
    step = 1.0
    while step * 10 < value:
        step *= 10
    return next(each * step for each in (1, 2, 2.5, 4, 5, 6, 8, 10) if each * step >= value)


def most(values: Sequence[float]) -> float:
    """The highest, at least 1, so that a scale has a length."""
    return max([1.0, *values])
