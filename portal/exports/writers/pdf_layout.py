"""How a table lies on paper: which paper, which size of type, how wide each column.

Wide tables go to landscape pages, then to smaller type, then to pages twice as large; what fits on none of them is
squeezed, the widest columns first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MARGIN = 36.0
"""Points left free at every edge."""
GAP = 3.0
"""Points left free at either side of a cell's text."""

LARGE_PAPER = ("A3", "Tabloid")
"""Paper of twice the usual size."""

_A4, _LETTER = (595.28, 841.89), (612.0, 792.0)
_LOOSE, _TIGHT = 115.0, 72.0
"""Points at which a column's text may well be broken into lines, rather than ask for the next way."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Points throughout."""

    width: float
    height: float
    size: float
    """Of the type."""
    columns: tuple[float, ...]
    paper: str
    """In words: "A4", "A4 landscape"."""

    @property
    def leading(self) -> float:
        """From line to line."""
        return round(self.size * 1.3, 2)


@dataclass(frozen=True, slots=True)
class Wish:
    """How wide a column would like to be, in thousandths of the type's size."""

    whole: float
    """Nothing seen so far would be broken into lines."""
    word: float
    """No word seen so far would be broken."""
    part: float
    """No word seen so far would be broken but after a hyphen and the like."""


def lay_out(wishes: Sequence[Wish], *, letter: bool) -> Layout:
    """The first of the ways on which the columns are comfortable. `letter`: the paper of North America."""
    upright = _LETTER if letter else _A4
    name, large_name = ("Letter", LARGE_PAPER[1]) if letter else ("A4", LARGE_PAPER[0])
    across = upright[::-1]
    large = (2 * upright[0], upright[1])
    ways = [
        (upright, 8.0, _LOOSE, name),
        (across, 8.0, _LOOSE, f"{name} landscape"),
        (across, 7.0, _LOOSE, f"{name} landscape"),
        (across, 7.0, _TIGHT, f"{name} landscape"),
        (large, 7.0, _LOOSE, f"{large_name} landscape"),
        (large, 6.0, _TIGHT, f"{large_name} landscape"),
    ]
    for (width, height), size, wraps_at, paper in ways:
        room = width - 2 * MARGIN
        columns = [_comfortable(wish, size, wraps_at) for wish in wishes]
        if sum(columns) <= room:
            wanted = [wish.whole * size / 1000 + 2 * GAP for wish in wishes]
            return Layout(width, height, size, tuple(_widened(columns, wanted, room)), paper)
    parts = [min(wish.part * size / 1000 + 2 * GAP, column) for wish, column in zip(wishes, columns, strict=True)]
    return Layout(width, height, size, tuple(_squeezed(columns, parts, room)), paper)


def _comfortable(wish: Wish, size: float, wraps_at: float) -> float:
    """Of its text, up to `wraps_at`, and of a long word half as much again."""
    whole, word = wish.whole * size / 1000, wish.word * size / 1000
    return min(whole, max(wraps_at, min(word, 1.5 * wraps_at))) + 2 * GAP


def _squeezed(columns: Sequence[float], parts: Sequence[float], room: float) -> list[float]:
    """What `parts` leave is shared by what each still wants; where they are too wide, the widest give way first."""
    if sum(parts) <= room:
        share = (room - sum(parts)) / (sum(columns) - sum(parts))
        return [part + share * (column - part) for part, column in zip(parts, columns, strict=True)]
    left, cap = room, 0.0
    for position, width in enumerate(sorted(parts)):
        cap = left / (len(parts) - position)
        if width > cap:
            break
        left -= width
    return [min(width, cap) for width in parts]


def _widened(columns: Sequence[float], wanted: Sequence[float], room: float) -> list[float]:
    """Room that is left goes to columns that would break lines, then to all."""
    spare = room - sum(columns)
    short = [max(wish - width, 0.0) for width, wish in zip(columns, wanted, strict=True)]
    share = min(1.0, spare / sum(short)) if sum(short) else 0.0
    columns = [width + share * more for width, more in zip(columns, short, strict=True)]
    stretch = room / sum(columns)
    return [width * stretch for width in columns]
