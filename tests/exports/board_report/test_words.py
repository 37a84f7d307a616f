"""The summary in words: every number in a sentence is one of the figures it names, and no two sentences disagree."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.exports.board_report.aging import AgeBand, Aging
from portal.exports.board_report.breakdowns import Breakdown, BreakdownRow, RowKind
from portal.exports.board_report.definitions import DEFINITIONS
from portal.exports.board_report.figures import BoardFigures
from portal.exports.board_report.kpis import Kpi
from portal.exports.board_report.measures import Measure, change_of, number_text
from portal.exports.board_report.period import report_period
from portal.exports.board_report.risk import Overdue, Rising, Risks, UnitAbove
from portal.exports.board_report.service_levels import Clocks, Due, ServiceLevels
from portal.exports.board_report.trends import Trend
from portal.exports.board_report.words import Sentence, summary
from portal.zones import zone

NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
FACT_WITHOUT_NUMBER = re.compile(r"\b(no|none|No|None|It|[Tt]he one)\b")
FIXED = ("more than 90 days", "at least 10 cases")
"""Numbers of the rules, not of the register."""


def figures_of(**given_: Any) -> BoardFigures:
    """A report's figures from a few numbers; `now` and `before`: (opened, closed, open, median, …)."""
    now, before = given_["now"], given_["before"]
    period = report_period(
        datetime(2026, 10, 1, 4, tzinfo=UTC), datetime(2026, 11, 1, 4, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC),
        zone("America/New_York"),
    )  # fmt: skip
    kpis = tuple(
        Kpi(key, DEFINITIONS[key].label, one, two, change_of(one, two), 0, ())
        for key, one, two in zip(KEYS, _measures(now), _measures(before), strict=True)
    )
    due, low = given_["due"], given_["due_low"]
    bands = _bands(now["open"], given_["old"])
    return BoardFigures(
        organization="Chance Ltd",
        title="Board report",
        period=period,
        filters="All cases",
        register_as_of=None,
        kpis=kpis,
        trend=Trend(()),
        breakdowns=tuple(_breakdown(key, given_["parts"], now["opened"]) for key in BREAKDOWNS),
        aging=Aging(bands, now["open"], given_["oldest"] if now["open"] else None),
        service_levels=ServiceLevels((_due("High", due), _due("Low", low)), _due("All", _sum(due, low))),
        clocks=Clocks(_due("Acknowledged", given_["clock"]), _due("Feedback", due)),
        risks=Risks(
            tuple(
                Rising(label, one, two, change_of(Measure.count(one), Measure.count(two)))  # type: ignore[arg-type]
                for label, one, two in given_["rising"]
            ),
            True,
            tuple(UnitAbove(f"Unit {n}", Measure.share(part, 20)) for n, part in enumerate(given_["units"])),
            kpis[KEYS.index("substantiated")].now,
            tuple(Overdue(*each) for each in given_["overdue"]),
        ),
        notes=(),
    )


KEYS = (
    "opened", "closed", "open_at_end", "median_days", "substantiated", "anonymous", "sla_met", "reports",
    "investigations",
)  # fmt: skip
BREAKDOWNS = ("category", "business_unit", "location", "channel", "priority", "outcome")


def _measures(numbers: dict[str, Any]) -> list[Measure]:
    closed = numbers["closed"]
    return [
        Measure.count(numbers["opened"]),
        Measure.count(closed),
        Measure.count(numbers["open"]),
        Measure.days(numbers["median"] / 2 if closed else None, closed),
        Measure.share(min(numbers["found"], closed), closed),
        Measure.share(min(numbers["anonymous"], numbers["opened"]), numbers["opened"]),
        Measure.share(min(numbers["met"], numbers["due"]), numbers["due"]),
        Measure.count(numbers["opened"]),
        Measure.count(closed),
    ]


def _bands(total: int, old: int) -> tuple[AgeBand, ...]:
    old = min(old, total)
    counts = (total - old, 0, 0, old)
    return tuple(AgeBand("", count, Measure.share(count, total), ()) for count in counts)


def _due(label: str, became: tuple[int, int, int]) -> Due:
    return Due(label, sum(became), *became, Measure.share(became[0], sum(became)))


def _sum(one: tuple[int, int, int], two: tuple[int, int, int]) -> tuple[int, int, int]:
    return one[0] + two[0], one[1] + two[1], one[2] + two[2]


def _breakdown(key: str, parts: list[int], total: int) -> Breakdown:
    counts, left = [], total
    for part in parts:
        counts.append(min(part, left))
        left -= counts[-1]
    rows = sorted([*counts, left], reverse=True)
    return Breakdown(
        key,
        key,
        "cases opened",
        tuple(
            BreakdownRow(f"Name {n}", Measure.count(c), Measure.share(c, total), None, None, None, RowKind.VALUE)
            for n, c in enumerate(rows)
        )
        if total
        else (),
        total,
        0,
    )


small = st.integers(0, 30)
names = st.sampled_from(["One", "Two", "N" * 300])
numbers = st.fixed_dictionaries(
    dict.fromkeys(("opened", "closed", "open", "median", "found", "anonymous", "met", "due"), small)
)
triple = st.tuples(small, small, small)
some_figures = st.builds(
    figures_of,
    now=numbers,
    before=numbers,
    due=triple,
    due_low=triple,
    clock=triple,
    old=small,
    oldest=st.integers(91, 3_000),
    parts=st.lists(small, max_size=4),
    rising=st.lists(st.tuples(names, st.integers(12, 40), st.integers(0, 7)), max_size=3),
    units=st.lists(st.integers(0, 20), max_size=2),
    overdue=st.sampled_from([(), (("Critical", 1, 3),), (("Critical", 2, 1), ("High", 1_204, 90))]),
)


def said(figures: BoardFigures) -> dict[str, set[str]]:
    """The numbers that each figure may be told by."""
    values: dict[str, list[Any]] = {kpi.key: [kpi.now, kpi.before, kpi.change] for kpi in figures.kpis}
    aging, levels, clocks, risks = figures.aging, figures.service_levels, figures.clocks, figures.risks
    values["aging"] = [aging.total, aging.oldest_days, *aging.bands]
    values["service_levels"] = [*levels.rows, levels.all]
    values["acknowledged"], values["feedback"] = [clocks.acknowledgement], [clocks.feedback]
    for breakdown in figures.breakdowns:
        values[f"breakdown_{breakdown.key}"] = [breakdown.total, *breakdown.rows]
    values["rising"], values["units_above"], values["overdue"] = [*risks.rising], [*risks.units], [*risks.overdue]
    return {key: set(_texts(each)) for key, each in values.items()}


def _texts(value: Any) -> Iterator[str]:
    """Every number of a figure, as it may be written."""
    if isinstance(value, Measure):
        yield from NUMBER.findall(value.text)
    if isinstance(value, int | float):
        yield number_text(abs(value))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)
    elif dataclasses.is_dataclass(value):
        yield from _texts(list(vars(value).values()))


def of_register(text: str) -> Iterator[str]:
    """The numbers of a sentence, without names, dates and the rules' own."""
    plain = re.sub(r"“[^”]*”|(?:September|October) 2026", "", text)
    for fixed in FIXED:
        plain = plain.replace(fixed, "")
    yield from NUMBER.findall(plain)


@given(some_figures)
@settings(max_examples=40, deadline=None)
def test_every_number_is_one_of_the_figures_that_the_sentence_names(figures: BoardFigures) -> None:
    """C11: a sentence is traceable, and says a fact."""
    known = said(figures)
    for sentence in summary(figures):
        assert sentence.figures
        assert set(sentence.figures) <= DEFINITIONS.keys()
        allowed = set().union(*(known.get(key, set()) for key in sentence.figures))
        assert set(of_register(sentence.text)) <= allowed, sentence
        assert list(of_register(sentence.text)) or FACT_WITHOUT_NUMBER.search(sentence.text), sentence


@given(some_figures)
@settings(max_examples=40, deadline=None)
def test_no_sentence_contradicts_a_figure_or_another(figures: BoardFigures) -> None:
    """C11: more is more, none is none, few cases are named, nothing is said twice."""
    sentences = summary(figures)
    assert len({each.text for each in sentences}) == len(sentences)
    for sentence in sentences:
        _check(sentence, figures)


def _check(sentence: Sentence, figures: BoardFigures) -> None:
    text = sentence.text
    assert not re.search(r"(?<![\d.,])1 (cases|days|points|were)\b|  |\bNone\b(?! of)|[0-9]\.0\b|\bnan\b", text), text
    assert re.search(r"[.]$", text)
    assert "0%" not in re.findall(r"\((\d+%)\)", text), text
    for key in sentence.figures:
        kpi = next((each for each in figures.kpis if each.key == key), None)
        if kpi is None or " than " not in text:
            continue
        assert kpi.before is not None
        assert kpi.now.value is not None
        assert kpi.before.value is not None
        assert not kpi.now.is_small
        assert (" more than " in text) == (kpi.now.value > kpi.before.value), text
    if "%" in text and len(sentence.figures) == 1:
        for kpi in figures.kpis:
            if kpi.key == sentence.figures[0]:
                basis = kpi.before.value if kpi.now.base is None and kpi.before else kpi.now.base
                assert (basis or 0) >= 10, text


def test_few_cases_are_counted_and_not_compared() -> None:
    """C11: "2 of 3 cases", no percent of zero."""
    few = {"opened": 3, "closed": 3, "open": 1, "median": 28, "found": 2, "anonymous": 1, "met": 0, "due": 1}
    none = dict.fromkeys(few, 0)
    figures = figures_of(
        now=few, before=none, due=(0, 0, 1), due_low=(0, 0, 0), clock=(0, 0, 0), old=1, oldest=412, parts=[2],
        rising=[], units=[], overdue=[("Critical", 1, 300)],
    )  # fmt: skip
    assert [each.text for each in summary(figures)] == [
        "In October 2026, 3 cases were opened, after none in September 2026.",
        "3 cases were closed, after none in September 2026.",
        "At the end of the period 1 case was open, after none at its beginning.",
        "It had been open for 412 days.",
        "The median time to close of 3 cases was 14 days.",
        "2 of 3 cases closed with a finding were substantiated, wholly or in part.",
        "The report was anonymous in 1 of 3 cases opened.",
        "The one case that fell due was not closed in time.",
        "1 of the cases that fell due was still open at the end of the period.",
        "Of the categories, “Name 0” had the most: 2 of 3 cases opened.",
        "Of the business units, “Name 0” had the most: 2 of 3 cases opened.",
        "Of the channels, “Name 0” had the most: 2 of 3 cases opened.",
        "1 critical-priority case was open past the due date, for 300 days.",
        "The one case whose three months for feedback ended was not given it in time.",
    ]


@pytest.mark.parametrize("open_cases", [0, 2])
def test_nothing_to_say_says_so(open_cases: int) -> None:
    """C11"""
    none = dict.fromkeys(("opened", "closed", "median", "found", "anonymous", "met", "due"), 0) | {"open": open_cases}
    figures = figures_of(
        now=none, before=none, due=(0, 0, 0), due_low=(0, 0, 0), clock=(0, 0, 0), old=0, oldest=91, parts=[], rising=[],
        units=[], overdue=[],
    )  # fmt: skip
    texts = [each.text for each in summary(figures)]
    assert texts[0] == "In October 2026 no case was opened and none was closed."
    assert texts[1:] == (
        ["At the end of the period 2 cases were open, as many as at its beginning.",
         "None of the open cases had been open for more than 90 days."]
        if open_cases
        else ["At the end of the period no case was open, as at its beginning."]
    )  # fmt: skip
