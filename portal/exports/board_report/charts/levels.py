"""What was done in time: for each line a bar over the full length, filled as far as it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from portal.exports.board_report.charts.picture import Align, Label, Picture, Rect, Shape, Tone, rule

_HEAD, _ROW = 26.0, 26.0
_NAME, _RIGHT = 128.0, 150.0


@dataclass(frozen=True)
class Level:
    """`met`, `late` and `open` add up to the whole."""

    name: str
    met: int
    late: int
    open: int
    rate: str
    """ "84.6%"."""
    base: str
    """ "33 of 39 cases"."""
    strong: bool = False


def level_bars(levels: Sequence[Level], *, width: float = 482) -> Picture:
    """In time filled, late in a light tone, not yet done hollow."""
    length = width - _NAME - _RIGHT
    shapes: list[Shape] = [*_legend(), rule(0, _HEAD - 4, width, Tone.FAINT)]
    for line, level in enumerate(levels):
        top = _HEAD + line * _ROW
        base = top + 13.5
        shapes.append(Label(0, base, level.name, 9.5, strong=level.strong, room=_NAME - 10))
        left, whole = _NAME, level.met + level.late + level.open
        for number, fill in ((level.met, Tone.ACCENT), (level.late, Tone.MID), (level.open, Tone.PAPER)):
            wide = length * number / whole if whole else 0
            if number:
                shapes.append(Rect(left, top + 4, wide, 12, fill, Tone.ACCENT))
            left += wide
        if not whole:
            shapes.append(rule(_NAME, top + 10, length))
        shapes.append(Label(_NAME + length + 52, base, level.rate, 11, align=Align.END, strong=True))
        shapes.append(Label(width, base, level.base, 8.5, Tone.MUTED, Align.END))
        shapes.append(rule(0, top + _ROW - 4, width))
    return Picture(width, _HEAD + _ROW * len(levels), tuple(shapes), _said(levels))


def _legend() -> list[Shape]:
    shapes: list[Shape] = []
    x = _NAME
    for name, fill in (("In time", Tone.ACCENT), ("Late", Tone.MID), ("Not yet done", Tone.PAPER)):
        shapes.append(Rect(x, 4, 9, 9, fill, Tone.ACCENT))
        shapes.append(Label(x + 13, 12, name, 8.2, Tone.MUTED))
        x += 26 + 4.6 * len(name)
    return shapes


def _said(levels: Sequence[Level]) -> str:
    lines = (
        f"{each.name}: {each.rate} in time ({each.base}), {each.late:,} late, {each.open:,} not yet done"
        for each in levels
    )
    return "; ".join(lines) + "."
