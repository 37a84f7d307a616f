"""The summary of a board report: sentences made from its figures by rules, each traceable to the figures it says.

No sentence without a fact, no percentage of fewer than ten cases without their number, no percent change from a small
number; where two values lead, neither is called the largest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from portal.exports.board_report.breakdowns import Breakdown, RowKind
from portal.exports.board_report.figures import BoardFigures
from portal.exports.board_report.kpis import Kpi
from portal.exports.board_report.measures import SMALL_BASE, Measure, Unit, number_text
from portal.exports.board_report.service_levels import Due

FEW = 3
"""Of fewer cases nothing is called the largest part."""
MARKED_TENTHS = 50
"""A rate is told apart from another where they differ by five percentage points."""
_LONGEST_NAME = 60


@dataclass(frozen=True)
class Sentence:
    text: str
    figures: tuple[str, ...]
    """The keys of the definitions whose figures it says."""


def summary(figures: BoardFigures) -> list[Sentence]:
    """In reading order; one sentence that says so where there is nothing to report."""
    opened, closed = figures.kpi("opened").now.value, figures.kpi("closed").now.value
    if not opened and not closed:
        return [*_nothing(figures), *_backlog(figures), *_clocks(figures)]
    return [
        *_flow(figures),
        *_backlog(figures),
        *_closing(figures),
        *_service_levels(figures),
        *_composition(figures),
        *_risks(figures),
        *_clocks(figures),
    ]


def _nothing(figures: BoardFigures) -> Iterator[Sentence]:
    yield Sentence(_capital(f"{figures.period.phrase} no case was opened and none was closed."), ("opened", "closed"))


def _flow(figures: BoardFigures) -> Iterator[Sentence]:
    opened, closed = figures.kpi("opened"), figures.kpi("closed")
    text = f"{figures.period.phrase}, {_cases(opened.now, 'opened')}{_compared(opened, figures)}."
    yield Sentence(_capital(text), ("opened",))
    yield Sentence(_capital(f"{_cases(closed.now, 'closed')}{_compared(closed, figures)}."), ("closed",))


def _backlog(figures: BoardFigures) -> Iterator[Sentence]:
    still_open, aging = figures.kpi("open_at_end"), figures.aging
    compared = _compared(still_open, figures, "at its beginning")
    yield Sentence(f"At the end of the period {_cases(still_open.now, 'open')}{compared}.", ("open_at_end",))
    if not aging.total:
        return
    old, oldest = aging.bands[-1].count, _days(aging.oldest_days or 0)
    if aging.total == 1:
        text = f"It had been open for {oldest}."
    elif not old:
        text = "None of the open cases had been open for more than 90 days."
    elif old == aging.total:
        text = f"All of the open cases had been open for more than 90 days, the oldest for {oldest}."
    else:
        share = "" if aging.bands[-1].share.is_small else f" ({aging.bands[-1].share.text})"
        text = f"{old:,} of the open cases{share} had been open for more than 90 days, the oldest for {oldest}."
    yield Sentence(text, ("aging",))


def _closing(figures: BoardFigures) -> Iterator[Sentence]:
    days, found, anonymous = (figures.kpi(key) for key in ("median_days", "substantiated", "anonymous"))
    if days.now.value is not None:
        of = f" of {number_text(days.now.base or 0)} {'case' if days.now.base == 1 else 'cases'}"
        median = "The time to close" if days.now.base == 1 else "The median time to close"
        yield Sentence(
            f"{median}{of if days.now.is_small else ''} was {days.now.text}{_compared(days, figures)}.",
            ("median_days",),
        )
    if found.now.base:
        subject = _share(found.now, "case closed with a finding", "cases closed with a finding", "substantiated")
        yield Sentence(f"{subject}, wholly or in part{_compared(found, figures)}.", ("substantiated",))
    if anonymous.now.base and not anonymous.now.hidden:
        of = "" if anonymous.now.base == figures.cases else " for which that is recorded"
        yield Sentence(f"{_anonymous(anonymous.now, of)}{_compared(anonymous, figures)}.", ("anonymous",))


def _service_levels(figures: BoardFigures) -> Iterator[Sentence]:
    met, levels = figures.kpi("sla_met"), figures.service_levels
    if not met.now.base:
        return
    subject = _share(met.now, "case that fell due", "cases that fell due", "closed in time")
    yield Sentence(f"{subject}{_compared(met, figures)}.", ("sla_met",))
    low = [each for each in levels.rows if each.due >= SMALL_BASE and _below(each.rate, levels.all.rate)]
    if low:
        worst = min(low, key=lambda each: each.rate.tenths)
        yield Sentence(
            f"Of the cases of priority {worst.label} that fell due, {worst.rate.text} "
            f"({worst.met:,} of {worst.due:,}) were closed in time.",
            ("service_levels",),
        )
    if levels.all.outstanding:
        were = "was" if levels.all.outstanding == 1 else "were"
        yield Sentence(
            f"{levels.all.outstanding:,} of the cases that fell due {were} still open at the end of the period.",
            ("service_levels",),
        )


def _composition(figures: BoardFigures) -> Iterator[Sentence]:
    yield from _largest(figures.breakdown("category"), "categories")
    yield from _largest(figures.breakdown("business_unit"), "business units")
    yield from _largest(figures.breakdown("channel"), "channels")


def _largest(breakdown: Breakdown, many: str) -> Iterator[Sentence]:
    rows = [row for row in breakdown.rows if row.kind is RowKind.VALUE and row.count.value]
    if breakdown.total < FEW or len(rows) < 2:  # one alone has neither more nor less
        return
    first, key = rows[0], ("breakdown_" + breakdown.key,)
    leading = [row for row in rows if row.count.value == first.count.value]
    share = "" if first.share.is_small else f" ({first.share.text})"
    of = f"{first.count.text} of {breakdown.total:,} cases opened"
    if len(leading) == 1:
        yield Sentence(f"Of the {many}, {_named(first.label)} had the most: {of}{share}.", key)
    elif len(leading) == 2:  # a pair
        names = f"{_named(leading[0].label)} and {_named(leading[1].label)}"
        yield Sentence(f"Of the {many}, {names} had the most: {of}{share} each.", key)


def _risks(figures: BoardFigures) -> Iterator[Sentence]:
    yield from _rising(figures)
    yield from _unit_above(figures)
    overdue = figures.risks.overdue
    if overdue:
        parts = [f"{each.count:,} {each.priority.lower()}-priority" for each in overdue]
        number = sum(each.count for each in overdue)
        cases = "case was" if number == 1 else "cases were"
        longest = _days(max(each.longest_days for each in overdue))
        for_long = f"for {longest}" if number == 1 else f"the longest for {longest}"
        yield Sentence(f"{' and '.join(parts)} {cases} open past the due date, {for_long}.", ("overdue",))
    elif figures.service_levels.all.due:
        yield Sentence("No case of critical or high priority was open past its due date.", ("overdue",))


def _rising(figures: BoardFigures) -> Iterator[Sentence]:
    rising = figures.risks.rising
    if not rising:
        return
    first = rising[0]
    percent = f" (+{number_text(first.change.percent)}%)" if first.change.percent else ""
    leading = [each for each in rising if each.change.difference == first.change.difference]
    most = "rose most" if len(leading) == 1 else "rose"
    more = [_named(each.label) for each in rising[1:]]
    also = f"; {_and(more)} rose too" if more else ""
    text = f"{_named(first.label)} {most}, from {first.before:,} to {first.now:,} cases{percent}{also}."
    yield Sentence(f"Of the categories, {text}", ("rising",))


def _unit_above(figures: BoardFigures) -> Iterator[Sentence]:
    units, overall = figures.risks.units, figures.risks.organization_rate
    if not units or overall.value is None or units[0].rate.tenths - overall.tenths < MARKED_TENTHS:
        return
    first = units[0]
    if len(units) > 1 and units[1].rate.tenths == first.rate.tenths:
        return
    yield Sentence(
        f"Of the units with at least 10 cases closed with a finding, {_named(first.label)} had the highest "
        f"substantiation rate: {first.rate.text} ({first.rate.base_text}), against {overall.text} in all.",
        ("units_above", "substantiated"),
    )


def _clocks(figures: BoardFigures) -> Iterator[Sentence]:
    acknowledged, feedback = figures.clocks.acknowledgement, figures.clocks.feedback
    if acknowledged and acknowledged.due:
        one, many = "case whose seven days for it ended", "cases whose seven days for it ended"
        subject = _share(acknowledged.rate, one, many, "acknowledged in time")
        yield Sentence(f"{subject}{_never(acknowledged, 'was not', 'were not')}.", ("acknowledged",))
    if feedback and feedback.due:
        one, many = "case whose three months for feedback ended", "cases whose three months for feedback ended"
        subject = _share(feedback.rate, one, many, "given it in time")
        yield Sentence(f"{subject}{_never(feedback, 'had none', 'had none')}.", ("feedback",))


def _never(due: Due, one: str, many: str) -> str:
    """ "; 12 had none by the end of the period": told where there were several."""
    if not due.outstanding or due.due == 1:
        return ""
    return f"; {due.outstanding:,} {one if due.outstanding == 1 else many} by the end of the period"


def _cases(measure: Measure, done: str) -> str:
    """ "no case was opened", "1 case was opened", "1,204 cases were opened"."""
    if not measure.value:
        return f"no case was {done}"
    return f"1 case was {done}" if measure.value == 1 else f"{measure.text} cases were {done}"


def _share(share: Measure, one: str, many: str, done: str) -> str:
    """ "84.6% of the 39 cases closed were …", "2 of 3 cases closed were …", "The one case closed was not …"."""
    part, base = share.part or 0, share.base or 0
    if base == 1:
        return f"The one {one} was {done}" if part else f"The one {one} was not {done}"
    if part in (0, base):
        return f"{'All' if part else 'None of the'} {base:,} {many} {'were' if part else 'was'} {done}"
    if share.is_small:
        return f"{part:,} of {base:,} {many} {'was' if part == 1 else 'were'} {done}"
    return f"{share.text} of the {base:,} {many} were {done}"


def _anonymous(share: Measure, of: str) -> str:
    """ "The report was anonymous in 38.7% of the 6,663 cases opened"; `of` says which of them are meant."""
    part, base = share.part or 0, share.base or 0
    if base == 1:
        return f"The report of the one case opened{of} was {'' if part else 'not '}anonymous"
    if part in (0, base):
        which = f"all {base:,}" if part else f"none of the {base:,}"
    else:
        which = f"{part:,} of {base:,}" if share.is_small else f"{share.text} of the {base:,}"
    return f"The report was anonymous in {which} cases opened{of}"


def _compared(kpi: Kpi, figures: BoardFigures, when: str | None = None) -> str:
    """ ", 12 (9.4%) more than in September 2026"; "" where there is nothing to compare with."""
    change, before, when = kpi.change, kpi.before, when or figures.period.before_phrase
    if change is None or before is None:
        return ""
    if not change.difference:
        if kpi.unit is not Unit.COUNT:
            return f", the same as {when}"
        return f", as many as {when}" if kpi.now.value else f", as {when}"
    amount = number_text(abs(change.difference))
    more = "more" if change.difference > 0 else "fewer"
    if kpi.unit is Unit.COUNT:
        if not before.value:
            return f", after none {when}"
        percent = f" ({number_text(abs(change.percent))}%)" if change.percent and kpi.now.value else ""
        return f", after {before.text} {when}" if not kpi.now.value else f", {amount}{percent} {more} than {when}"
    longer = "more" if change.difference > 0 else "less"
    unit = "day" if kpi.unit is Unit.DAYS else "point"
    return f", {amount} {unit}{'' if amount == '1' else 's'} {longer} than {when}"


def _below(rate: Measure, overall: Measure) -> bool:
    return rate.tenths <= overall.tenths - MARKED_TENTHS


def _days(days: int) -> str:
    return f"{days:,} {'day' if days == 1 else 'days'}"


def _named(label: str) -> str:
    """In quotation marks, cut where it is long."""
    return f"“{label}”" if len(label) <= _LONGEST_NAME else f"“{label[: _LONGEST_NAME - 1].rstrip()}…”"


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
