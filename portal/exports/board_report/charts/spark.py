"""A small line without a scale beside a figure: how it went over the months, with a mark on the last."""

from __future__ import annotations

from collections.abc import Sequence

from portal.exports.board_report.charts.picture import Dot, Path, Picture, Shape, Tone, rule


def sparkline(values: Sequence[float | None], *, width: float = 132, height: float = 26) -> Picture:
    """Months without a value are gaps. The foot of the picture is zero, or the lowest value where that is below."""
    known = [each for each in values if each is not None]
    shapes: list[Shape] = [rule(0, height - 1, width)]
    if known:
        low, high = min(0.0, *known), max(known)
        span = (high - low) or 1
        step = (width - 6) / max(len(values) - 1, 1)
        points = [
            None if each is None else (3 + place * step, height - 3 - (height - 8) * (each - low) / span)
            for place, each in enumerate(values)
        ]
        shapes += _lines(points)
        last = next(each for each in reversed(points) if each is not None)
        shapes.append(Dot(*last, 2.2, Tone.ACCENT, Tone.PAPER))
    told = ", ".join("none" if each is None else f"{each:g}" for each in values)
    return Picture(width, height, tuple(shapes), f"By month: {told}." if values else "Not told by month.")


def _lines(points: Sequence[tuple[float, float] | None]) -> list[Shape]:
    runs: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is None:
            runs.append([])
        else:
            runs[-1].append(point)
    alone = [Dot(*run[0], 1, Tone.ACCENT) for run in runs if len(run) == 1]
    return [*(Path(tuple(run), Tone.ACCENT, 1.3) for run in runs if len(run) > 1), *alone]
