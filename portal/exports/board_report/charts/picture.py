"""A chart as a list of shapes, in points from the upper left corner: drawn alike on pages and in PDFs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from unicodedata import east_asian_width


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
    whole: str = ""
    """The text that this is a line of, where it is one of several."""


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


def most(values: Sequence[float]) -> float:
    """The highest, at least 1, so that a scale has a length."""
    return max([1.0, *values])


def broken(text: str, size: float, room: float, most_lines: int) -> list[str]:
    """The text in lines that fit into the room by a guess at how wide letters are; the last holds all that is left."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if not lines[-1] or len(lines) == most_lines or _guess(longer) * size <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    if len(lines) < most_lines and _guess(lines[-1]) * size > room:
        # a word without a place to break it
        end = next(end for end in range(len(lines[-1]), 0, -1) if end == 1 or _guess(lines[-1][:end]) * size <= room)
        lines[-1:] = [lines[-1][:end], lines[-1][end:]]
    return lines


def _guess(text: str) -> float:
    """In the type's size; rather more than less."""
    return sum(1.0 if east_asian_width(letter) in "WF" else 0.6 if letter.isupper() else 0.48 for letter in text)
