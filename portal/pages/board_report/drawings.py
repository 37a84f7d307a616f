"""The drawings of the page, made by the report's own charts."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from portal.exports.board_report.charts import for_page, layered_columns, monthly_columns, sparkline
from portal.exports.board_report.figures import BoardFigures
from portal.exports.board_report.kpis import Kpi
from portal.exports.board_report.measures import Unit


@dataclass(frozen=True)
class Drawings:
    trend: Markup
    sparks: dict[str, Markup]
    """By key figure, of those that are told by month."""
    aging: Markup


def drawings(figures: BoardFigures) -> Drawings:
    months = figures.trend.months
    bands = figures.aging.bands
    return Drawings(
        for_page(
            monthly_columns(
                [(each.month.label, each.opened, each.closed) for each in months],
                unfinished=not months[-1].month.complete,
                width=680,
                height=220,
            )
        ),
        {
            each.key: for_page(sparkline(each.months), css="spark")
            for each in figures.kpis
            if any(month is not None for month in each.months)
        },
        for_page(
            layered_columns(
                [(band.label, [number for _, number in band.by_priority]) for band in bands],
                [label for label, _ in bands[0].by_priority],
                width=400,
                height=210,
                legend=96,
            )
        ),
    )


def _as_written(kpi: Kpi) -> list[float | None]:
    """The months of a share in percent."""
    if kpi.unit is not Unit.SHARE:
        return list(kpi.months)
    return [None if month is None else round(100 * month, 1) for month in kpi.months]
