"""A small line without a scale beside a figure: how it went over the months, with a mark on the last."""

from __future__ import annotations

from collections.abc import Sequence

from portal.exports.board_report.charts.picture import Dot, Label, Path, Picture, Shape, Tone, rule

Point = tuple[float, float]


def sparkline(values: Sequence[float | None], *, width: float = 132, height: float = 26) -> Picture:
    """The foot of the picture is zero, so that it shows how much as well as how. Months without a value are gaps."""
    if all(each is None for each in values):
        return Picture(
            width, height, (Label(0, height - 4, "not told by month", 7.4, Tone.MUTED),), "Not told by month."
        )
    foot = height - 1
    high = max(each for each in values if each is not None) or 1
    step = (width - 6) / max(len(values) - 1, 1)
    points = [
        None if each is None else (3 + place * step, foot - 1 - (height - 6) * max(each, 0) / high)
        for place, each in enumerate(values)
    ]
    last = next(each for each in reversed(points) if each is not None)
    shapes = (*_lines(points, foot), rule(0, foot, width, Tone.MID), Dot(*last, 2.2, Tone.ACCENT, Tone.PAPER))
    told = ", ".join("none" if each is None else f"{each:g}" for each in values)
    return Picture(width, height, shapes, f"By month: {told}.")


def _lines(points: Sequence[Point | None], foot: float) -> list[Shape]:
    runs: list[list[Point]] = [[]]
    for point in points:
        if point is None:
            runs.append([])
        else:
            runs[-1].append(point)
    shapes: list[Shape] = []
    for run in runs:
        if len(run) == 1:
            shapes.append(Dot(*run[0], 1, Tone.ACCENT))
        elif run:
            below = (*run, (run[-1][0], foot), (run[0][0], foot))
            shapes += [Path(below, None, 0, fill=Tone.SOFT), Path(tuple(run), Tone.ACCENT, 1.2)]
    return shapes
