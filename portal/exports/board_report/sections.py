"""What stands on the pages of the report: its figures as pictures and texts, without a layout."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from portal.config import VERSION
from portal.exports.board_report.breakdowns import Breakdown, BreakdownRow, RowKind
from portal.exports.board_report.charts import (
    Bar,
    Level,
    Picture,
    layered_columns,
    level_bars,
    monthly_columns,
    ranked_bars,
)
from portal.exports.board_report.definitions import DEFINITIONS
from portal.exports.board_report.figures import BoardFigures
from portal.exports.board_report.kpis import Kpi
from portal.exports.board_report.measures import NOTHING, Measure, Unit
from portal.exports.board_report.service_levels import Due
from portal.moments import last_import_in_words, moment_in_words

CLOCKS_OWED = "Who reports is owed an acknowledgement within 7 days, and feedback within 3 months of it"


@dataclass(frozen=True)
class Facts:
    """What the title page says of the report itself."""

    run_reference: str
    """The run's id; empty where the report was made without a run."""
    generated_at: datetime
    planned_for: datetime


def title_facts(figures: BoardFigures, facts: Facts) -> list[tuple[str, str]]:
    """(name, value) of the title page."""
    place = figures.period.zone
    planned = [("Planned for", moment_in_words(facts.planned_for, place))] if facts.run_reference else []
    return [
        ("Period", figures.period.words),
        ("Compared with", figures.period.before_label or "nothing: it reaches back to the first case"),
        ("Cases", figures.filters),
        ("Time zone", place.key),
        ("Register imported", last_import_in_words(figures.register_as_of, place)),
        *planned,
        ("Made", f"{moment_in_words(facts.generated_at, place)}, by Duepost {VERSION}"),
        ("Run", facts.run_reference or "None: it was made from its page"),
    ]


@dataclass(frozen=True)
class KeyFigure:
    """A key figure as it is set."""

    kpi: Kpi
    number: str
    unit: str
    """What stands small behind the number: "days", "%"."""
    beside: str
    """What it rests on: "33 of 39 cases"."""
    arrow: str
    change: str


def key_figures(figures: BoardFigures) -> list[KeyFigure]:
    return [_key_figure(each, has_before=figures.period.before is not None) for each in figures.kpis]


def _key_figure(kpi: Kpi, *, has_before: bool) -> KeyFigure:
    number, unit = _split(kpi.now)
    arrow = ""
    if kpi.change is not None and kpi.change.difference:
        arrow = "▲" if kpi.change.difference > 0 else "▼"
    earlier = "" if has_before else "no period before it"
    if kpi.before is not None and (kpi.before.value is not None or kpi.before.hidden):
        earlier = f"{kpi.before.text} in the period before"
    change = kpi.change.text if kpi.change else ""
    if kpi.now.base is None:
        return KeyFigure(kpi, number, unit, earlier, arrow, change)
    beside = kpi.now.base_text if kpi.now.base else "nothing to compute it from"
    change = change or earlier
    return KeyFigure(kpi, number, unit, beside, arrow, change)


def _split(measure: Measure) -> tuple[str, str]:
    """("12.5", "days"), ("84.6", "%"), ("1,204", "")."""
    text = measure.text
    if measure.value is None:
        return text, ""
    if measure.unit is Unit.SHARE:
        return text.removesuffix("%"), "%"
    number, _, unit = text.partition(" ")
    return number, unit


def trend_picture(figures: BoardFigures) -> Picture:
    months = [(each.month.label, each.opened, each.closed) for each in figures.trend.months]
    unfinished = bool(figures.trend.months) and not figures.trend.months[-1].month.complete
    return monthly_columns(months, unfinished=unfinished)


def breakdown_picture(breakdown: Breakdown, *, with_before: bool) -> Picture:
    """A line a value; how many are anonymous where that is told of any."""
    anonymous = any(row.anonymous and not row.anonymous.hidden for row in breakdown.rows)
    heads = ("Cases", "Share", *(["Anonymous"] if anonymous else []), *(["Change"] if with_before else []))
    bars = [
        Bar(
            row.label,
            row.count.value,
            _texts(row, anonymous=anonymous, with_before=with_before),
            quiet=row.kind is not RowKind.VALUE,
        )
        for row in breakdown.rows
    ]
    return ranked_bars(bars, heads, name_head=breakdown.label)


def title_of(breakdown: Breakdown) -> str:
    """ "Category: 90 cases opened"."""
    of = breakdown.of.replace("cases", "case") if breakdown.total == 1 else breakdown.of
    return f"{breakdown.label}: {breakdown.total:,} {of}"


def why_empty(breakdown: Breakdown) -> str | None:
    """Why there is nothing to draw of it; None where there is."""
    if not breakdown.rows:
        return f"There were no {breakdown.of} in the period."
    if all(row.kind is RowKind.NOT_RECORDED for row in breakdown.rows):
        return f"Not recorded for any of the {breakdown.total:,} {breakdown.of}."
    return None


def no_clocks(figures: BoardFigures) -> str:
    """Why there is nothing to draw of the Directive's clocks."""
    if clocks(figures):
        return "No such day ended in the period."
    return "The register holds no dates of acknowledgement or feedback, so nothing can be said of these."


def _texts(row: BreakdownRow, *, anonymous: bool, with_before: bool) -> tuple[str, ...]:
    texts = [row.count.text, row.share.text]
    if anonymous:
        texts.append(row.anonymous.text if row.anonymous else NOTHING)
    if with_before:
        texts.append(row.change.text if row.change else NOTHING)
    return tuple(texts)


def aging_picture(figures: BoardFigures) -> Picture:
    bands = figures.aging.bands
    layers = [label for label, _ in bands[0].by_priority] if bands else []
    return layered_columns([(band.label, [number for _, number in band.by_priority]) for band in bands], layers)


def levels_picture(dues: Sequence[Due]) -> Picture:
    return level_bars(
        [
            Level(
                each.label,
                each.met,
                each.late,
                each.outstanding,
                each.rate.text,
                each.rate.base_text,
                each.label == "All",
            )
            for each in dues
        ]
    )


def clocks(figures: BoardFigures) -> list[Due]:
    """Those of the Directive whose dates the register holds."""
    return [each for each in (figures.clocks.acknowledgement, figures.clocks.feedback) if each is not None]


def long_names(figures: BoardFigures) -> Iterable[str]:
    """Every name that a chart may have had to cut."""
    return (row.label for breakdown in figures.breakdowns for row in breakdown.rows)


def definitions() -> list[tuple[str, str]]:
    """(figure, how it is computed), in the order of the report."""
    return [(each.label, each.words) for each in DEFINITIONS.values()]
