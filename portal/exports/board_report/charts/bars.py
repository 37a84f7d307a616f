"""A ranking: a line each with its name, a bar, and its numbers in columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from portal.exports.board_report.charts.picture import Align, Label, Picture, Rect, Shape, Tone, broken, most, rule

_HEAD, _ROW = 20.0, 19.0
_SIZE, _HEAD_SIZE = 9.0, 7.6
_NAME_LINES, _NAME_LINE = 2, 10.5
_LETTER, _BETWEEN = 4.7, 16.0


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
    name_room: float = 164,
    whole: float | None = None,
) -> Picture:
    """`heads` name the columns of `texts`; `whole` is the value of a bar of full length, or None for the highest."""
    longest = whole or most([each.value or 0 for each in bars])
    widths = [_room_of([head, *(bar.texts[place] for bar in bars)]) for place, head in enumerate(heads)]
    columns = [width - sum(widths[place + 1 :]) for place in range(len(heads))]
    start = name_room + 12
    length = width - sum(widths) - start
    shapes: list[Shape] = [Label(0, 9, name_head, _HEAD_SIZE, Tone.MUTED, strong=True)]
    shapes += [
        Label(x, 9, each, _HEAD_SIZE, Tone.MUTED, Align.END, strong=True)
        for x, each in zip(columns, heads, strict=True)
    ]
    shapes.append(rule(0, 15, width, Tone.FAINT))
    top = _HEAD
    for bar in bars:
        names = broken(bar.name, _SIZE, name_room, _NAME_LINES)
        tall = _ROW + _NAME_LINE * (len(names) - 1)
        tone = Tone.MUTED if bar.quiet else Tone.INK
        for line, name in enumerate(names):
            base = top + 11.5 + line * _NAME_LINE
            shapes.append(Label(0, base, name, _SIZE, tone, room=name_room, whole=bar.name))
        base = top + 11.5 + (tall - _ROW) / 2
        if bar.value:
            fill = Tone.PAPER if bar.quiet else Tone.ACCENT
            shapes.append(Rect(start, base - 8, max(length * bar.value / longest, 1), 9.5, fill, Tone.ACCENT))
        for column, (x, text) in enumerate(zip(columns, bar.texts, strict=True)):
            shapes.append(Label(x, base, text, _SIZE, tone, Align.END, strong=column == 0))
        top += tall
        shapes.append(rule(0, top - 2, width))
    return Picture(width, top, tuple(shapes), _said(bars, heads))


def _room_of(texts: Sequence[str]) -> float:
    return _LETTER * max(map(len, texts)) + _BETWEEN


def _said(bars: Sequence[Bar], heads: tuple[str, ...]) -> str:
    lines = (
        f"{bar.name}: " + ", ".join(f"{head.lower()} {text}" for head, text in zip(heads, bar.texts, strict=True))
        for bar in bars
    )
    return "; ".join(lines) + "."
