"""A ranking: a line each with its name, a bar, and its numbers in columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from portal.exports.board_report.charts.picture import Align, Label, Picture, Rect, Shape, Tone, most, rule

_HEAD, _ROW = 20.0, 19.0
_SIZE, _HEAD_SIZE = 9.0, 7.6
_COLUMN = 66.0


@dataclass(frozen=True)
class Bar:
    """One line. `value` draws the bar, None draws none; `texts` stand in the columns, the first beside the bar."""

    name: str
    value: float | None
    texts: tuple[str, ...]
    quiet: bool = False
    """What is not a value of its own, such as all others together: drawn hollow."""


def ranked_bars(
    bars: Sequence[Bar],
    heads: tuple[str, ...],
    *,
    name_head: str,
    width: float = 482,
    name_room: float = 172,
    whole: float | None = None,
) -> Picture:
    """`heads` name the columns of `texts`; `whole` is the value of a bar of full length, or None for the highest."""
    longest = whole or most([each.value or 0 for each in bars])
    columns = [width - _COLUMN * (len(heads) - 1 - place) for place in range(len(heads))]
    start = name_room + 12
    length = columns[0] - 44 - start if heads else width - start
    shapes: list[Shape] = [Label(0, 9, name_head, _HEAD_SIZE, Tone.MUTED, strong=True)]
    shapes += [
        Label(x, 9, each, _HEAD_SIZE, Tone.MUTED, Align.END, strong=True)
        for x, each in zip(columns, heads, strict=True)
    ]
    shapes.append(rule(0, 15, width, Tone.FAINT))
    for place, bar in enumerate(bars):
        top = _HEAD + place * _ROW
        base = top + 11.5
        tone = Tone.MUTED if bar.quiet else Tone.INK
        shapes.append(Label(0, base, bar.name, _SIZE, tone, room=name_room))
        if bar.value:
            fill = Tone.PAPER if bar.quiet else Tone.ACCENT
            shapes.append(Rect(start, top + 3.5, max(length * bar.value / longest, 1), 9.5, fill, Tone.ACCENT))
        for column, (x, text) in enumerate(zip(columns, bar.texts, strict=True)):
            shapes.append(Label(x, base, text, _SIZE, tone, Align.END, strong=column == 0))
        shapes.append(rule(0, top + _ROW - 2, width))
    return Picture(width, _HEAD + _ROW * len(bars), tuple(shapes), _said(bars, heads))


def height_of(lines: int) -> float:
    """How tall a ranking of so many lines is."""
    return _HEAD + _ROW * lines


def _said(bars: Sequence[Bar], heads: tuple[str, ...]) -> str:
    lines = (
        f"{bar.name}: " + ", ".join(f"{head.lower()} {text}" for head, text in zip(heads, bar.texts, strict=True))
        for bar in bars
    )
    return "; ".join(lines) + "."
