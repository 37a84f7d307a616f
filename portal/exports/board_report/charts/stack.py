"""Columns made of layers, such as the ages of open cases by priority: dark at the foot, light at the top."""

from __future__ import annotations

from collections.abc import Sequence

from portal.exports.board_report.charts.picture import Align, Label, Picture, Rect, Shape, Tone, most, rule

_LAYERS = (Tone.STRONG, Tone.ACCENT, Tone.MID, Tone.SOFT, Tone.PAPER)
_ON_LAYER = (Tone.PAPER, Tone.PAPER, Tone.INK, Tone.INK, Tone.INK)
_TOP, _BELOW = 22.0, 22.0
_LEAST_FOR_NUMBER = 9.0


def layered_columns(
    columns: Sequence[tuple[str, Sequence[int]]],
    layers: Sequence[str],
    *,
    width: float = 482,
    height: float = 220,
    legend: float = 110,
) -> Picture:
    """`columns` are (label, one number for each of `layers`); at most five layers, the gravest first."""
    said = _said(columns, layers)
    highest = most([float(sum(numbers)) for _, numbers in columns])
    base, room = height - _BELOW, height - _BELOW - _TOP
    used = [place for place in range(len(layers)) if any(numbers[place] for _, numbers in columns)]
    if len(used) == 1:
        # one layer is no layer: nothing to be told apart
        columns, used, legend = [(label, (0, sum(numbers))) for label, numbers in columns], [], 0
    across = width - legend
    slot = across / max(len(columns), 1)
    bar = min(slot * 0.62, 64.0)
    shapes: list[Shape] = [rule(0, base, across, Tone.MUTED, 0.8)]
    for place, (label, numbers) in enumerate(columns):
        left = slot * (place + 0.5) - bar / 2
        shapes += _column(numbers, left, bar, base, room / highest)
        shapes.append(Label(left + bar / 2, base + 13, label, 9, Tone.INK, Align.MIDDLE, room=slot - 4))
    shapes += _legend([(layers[place], place) for place in used], width - legend + 18, _TOP, legend - 33)
    return Picture(width, height, tuple(shapes), said)


def _column(numbers: Sequence[int], left: float, bar: float, base: float, scale: float) -> list[Shape]:
    shapes: list[Shape] = []
    foot = base
    for place, number in enumerate(numbers):
        tall = number * scale
        if not number:
            continue
        shapes.append(Rect(left, foot - tall, bar, tall, _LAYERS[place], Tone.ACCENT if place > 2 else Tone.PAPER))
        if tall >= _LEAST_FOR_NUMBER and number != sum(numbers):
            middle = foot - tall / 2 + 2.8
            shapes.append(Label(left + bar / 2, middle, f"{number:,}", 8, _ON_LAYER[place], Align.MIDDLE))
        foot -= tall
    total = sum(numbers)
    tone = Tone.INK if total else Tone.FAINT
    return [*shapes, Label(left + bar / 2, foot - 5, f"{total:,}", 11, tone, Align.MIDDLE, strong=True)]


def _legend(layers: Sequence[tuple[str, int]], x: float, y: float, room: float) -> list[Shape]:
    shapes: list[Shape] = []
    for line, (name, place) in enumerate(reversed(layers)):
        top = y + line * 16
        shapes.append(Rect(x, top, 10, 10, _LAYERS[place], Tone.ACCENT))
        shapes.append(Label(x + 15, top + 8.5, name, 8.5, room=room))
    return shapes


def _said(columns: Sequence[tuple[str, Sequence[int]]], layers: Sequence[str]) -> str:
    lines = (
        f"{label}: {sum(numbers):,}"
        + "".join(f", {name.lower()} {number:,}" for name, number in zip(layers, numbers, strict=True) if number)
        for label, numbers in columns
    )
    return "; ".join(lines) + "."
