"""Two numbers a month as pairs of columns: the first filled, the second hollow, each with its number above it."""

from __future__ import annotations

from collections.abc import Sequence

from portal.exports.board_report.charts.picture import Align, Label, Picture, Rect, Shape, Tone, most, rule

_TOP, _BELOW = 34.0, 30.0
_NUMBER_SIZE, _LABEL_SIZE = 7.2, 8.0
_MOST_DIGITS = 4
"""Longer numbers above columns would run into each other; the table below has them."""


def monthly_columns(
    months: Sequence[tuple[str, int, int]],
    names: tuple[str, str] = ("Opened", "Closed"),
    *,
    unfinished: bool = False,
    width: float = 482,
    height: float = 230,
) -> Picture:
    """`months` are (label such as "Nov 2026", first number, second number), the oldest first.

    `unfinished`: the last month is not over, which its label says.
    """
    highest = most([float(max(first, second)) for _, first, second in months])
    base, room = height - _BELOW, height - _BELOW - _TOP
    slot = width / max(len(months), 1)
    bar = min(slot * 0.32, 15.0)
    shapes: list[Shape] = [*_legend(names), rule(0, base, width, Tone.MUTED, 0.8)]
    numbers = all(max(first, second) < 10**_MOST_DIGITS for _, first, second in months)
    for position, (label, first, second) in enumerate(months):
        middle = slot * (position + 0.5)
        for value, left, fill in ((first, middle - bar - 0.75, Tone.ACCENT), (second, middle + 0.75, Tone.PAPER)):
            tall = room * value / highest
            if value:
                shapes.append(Rect(left, base - tall, bar, tall, fill, Tone.ACCENT))
            if numbers:
                tone = Tone.INK if value else Tone.FAINT
                shapes.append(Label(left + bar / 2, base - tall - 3, str(value), _NUMBER_SIZE, tone, Align.MIDDLE))
        shapes += _month(label, middle, base, slot, first=position == 0 or label.startswith("Jan"))
    if unfinished and months:
        shapes.append(Label(width, height - 1, "not over", 7, Tone.MUTED, Align.END))
    return Picture(width, height, tuple(shapes), _said(months, names))


def _legend(names: tuple[str, str]) -> list[Shape]:
    second = 22 + 5.4 * len(names[0])
    return [
        Rect(0, 2, 9, 9, Tone.ACCENT, Tone.ACCENT),
        Label(13, 10, names[0], 8.5, strong=True),
        Rect(second, 2, 9, 9, Tone.PAPER, Tone.ACCENT),
        Label(second + 13, 10, names[1], 8.5, strong=True),
    ]


def _month(label: str, middle: float, base: float, room: float, *, first: bool) -> list[Shape]:
    """The month, and under the first of each year the year."""
    name, _, year = label.partition(" ")
    found: list[Shape] = [Label(middle, base + 12, name, _LABEL_SIZE, Tone.MUTED, Align.MIDDLE, room=room)]
    if first and year:
        found.append(Label(middle, base + 22, year, _LABEL_SIZE, Tone.INK, Align.MIDDLE, strong=True, room=room))
    return found


def _said(months: Sequence[tuple[str, int, int]], names: tuple[str, str]) -> str:
    each = "; ".join(f"{label}: {first:,} and {second:,}" for label, first, second in months)
    return f"{names[0]} and {names[1].lower()} by month. {each}." if months else "No months."
