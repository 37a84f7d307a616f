"""What the template of the PDF shows: the report's sections as texts, and its charts as pictures in the document."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from PIL import Image as Bitmap

from portal.exports import fonts
from portal.exports.board_report import sections
from portal.exports.board_report.breakdowns import Breakdown
from portal.exports.board_report.charts import Picture, sparkline
from portal.exports.board_report.charts.picture import Rect, Tone
from portal.exports.board_report.charts.print_svg import Lettering, for_print
from portal.exports.board_report.definitions import DEFINITIONS
from portal.exports.board_report.figures import BoardFigures
from portal.exports.board_report.look import A4, Look, Paper
from portal.exports.board_report.measures import HIDDEN, signed
from portal.exports.board_report.sections import Facts
from portal.exports.board_report.words import Sentence
from portal.exports.writers.pdf_text import Typesetter

_AROUND_PAGE = 147.0
"""What of a page's height is not for its contents, in points."""
_AROUND = 42.0
"""What a breakdown needs beside its chart."""
_BETWEEN = 22.0
_HEAD_ROOM = 75.0
"""What the section's head takes on its first page."""
_LOGO_ROOM = (190.0, 56.0)
_BREAKDOWN_LEAD = (
    "Cases opened in the period by what they are about and where they came from, and cases closed in it by their "
    "outcome. The ten values with the most cases have a line each; all others are one line."
)
_SHORT = 70
_LONGEST_FACT = 360
_TITLE_ROOM = 460.0
_TITLE_SIZES = ((38, 1), (34, 1), (31, 1), (36, 2), (28, 3), (20, 6), (14, 12))
"""The first size in which the title takes no more than so many lines."""


@dataclass(frozen=True)
class Image:
    """`address` holds the picture itself; sizes in points."""

    address: str
    width: float
    height: float


def context(
    figures: BoardFigures, sentences: Sequence[Sentence], facts: Facts, look: Look, lettering: Lettering
) -> dict[str, Any]:
    """By the names that the template uses."""

    def image(picture: Picture) -> Image:
        data = base64.b64encode(for_print(picture, look.colours, lettering).encode())
        return Image(f"data:image/svg+xml;base64,{data.decode()}", picture.width, picture.height)

    room = look.paper.height - _AROUND_PAGE
    made = {
        "title": f"{figures.title}, {figures.period.label}",
        "figures": figures,
        "facts": facts,
        "short": {"organization": _shortened(figures.organization)},
        "band": image(_band(look.paper)),
        "logo": _logo(look.logo),
        "title_facts": [
            (name, _shortened(value, _LONGEST_FACT)) for name, value in sections.title_facts(figures, facts)
        ],
        "title_size": _title_size(figures.title, lettering),
        "reading": _reading(figures),
        "kpi_rows": _kpi_rows(figures, image),
        "key_lead": _compared(figures),
        "key_note": "The small lines show the same figure in each of the last twelve months, the latest with a dot.",
        "said": _said_size(len(sentences), room),
        "sentences": [{"text": each.text, "figures": _named(each)} for each in sentences],
        **_trend(figures, image),
        "breakdown_pages": _breakdown_pages(figures, image, room),
        "breakdown_lead": _BREAKDOWN_LEAD,
        **_aging(figures, image),
        **_levels(figures, image),
        "risks": _risks(figures),
        "definitions": sections.definitions(),
    }
    return {**made, "new_page": _page_breaks(made, room), "cut": _cut(figures, lettering)}


def _band(paper: Paper) -> Picture:
    """Along the left edge of the title page."""
    return Picture(paper.width, paper.height, (Rect(0, 0, 14, paper.height, Tone.ACCENT),), "")


def _compared(figures: BoardFigures) -> str:
    before = figures.period.before_label
    against = f", and how they changed from {before}" if before else ""
    return f"{figures.period.label[0].upper()}{figures.period.label[1:]} at a glance{against}."


def _kpi_rows(figures: BoardFigures, image: Any) -> list[list[dict[str, Any]]]:
    each = [
        {"figure": figure, "spark": image(sparkline(figure.kpi.months, height=40))}
        for figure in sections.key_figures(figures)
    ]
    return [each[start : start + 3] for start in range(0, len(each), 3)]


def _said_size(sentences: int, room: float) -> dict[str, float]:
    """Type and blank of the summary, so that a usual one takes one page."""
    tightest = 4 - (A4.height - _AROUND_PAGE - room) / 40
    sizes = ((12, 11.6, 7.5), (15, 10.8, 6.5), (sentences, 9.7, tightest))
    size, above = next((size, above) for most, size, above in sizes if sentences <= most)
    return {"size": size, "above": above, "below": above + 1}


def _named(sentence: Sentence) -> str:
    return ", ".join(DEFINITIONS[each].label if each in DEFINITIONS else each for each in sentence.figures)


def _trend(figures: BoardFigures, image: Any) -> dict[str, Any]:
    months = figures.trend.months
    rows = [
        (each.month.label + ("" if each.month.complete else ", not over"), f"{each.opened:,}", f"{each.closed:,}",
         signed(each.opened - each.closed, nothing="0"))
        for each in months
    ]  # fmt: skip
    first, last = months[0].month.label, months[-1].month.label
    none = " There were none." if figures.trend.is_empty else ""
    return {
        "trend": None if none else image(sections.trend_picture(figures)),
        "trend_rows": rows,
        "trend_lead": f"Cases opened and cases closed in each month from {first} to {last}.{none}",
    }


def _breakdown_pages(figures: BoardFigures, image: Any, room: float) -> list[list[dict[str, Any]]]:
    """On as few pages as there is room for, never torn apart, the fullest page as empty as can be."""
    blocks = [_breakdown(each, figures, image) for each in figures.breakdowns]
    heights = [(each["image"].height if each["image"] else 14) + _AROUND for each in blocks]
    starts = min(_splits(len(blocks)), key=lambda starts: _badness(starts, heights, room))
    return [blocks[start:end] for start, end in zip(starts, [*starts[1:], len(blocks)], strict=True)]


def _splits(blocks: int) -> Iterator[tuple[int, ...]]:
    """Every way to divide so many blocks onto pages: with which block each page begins."""
    for more in range(blocks):
        for starts in combinations(range(1, blocks), more):
            yield (0, *starts)


def _badness(starts: tuple[int, ...], heights: list[float], room: float) -> tuple[bool, int, int, float]:
    """Whether a page overflows, how many there are, the most blocks of one, how full the fullest is."""
    ends = [*starts[1:], len(heights)]
    used = [sum(heights[start:end]) - _BETWEEN for start, end in zip(starts, ends, strict=True)]
    used[0] += _HEAD_ROOM
    most = max(end - start for start, end in zip(starts, ends, strict=True))
    return max(used) > room, len(starts), most, max(used)


def _breakdown(breakdown: Breakdown, figures: BoardFigures, image: Any) -> dict[str, Any]:
    empty = sections.why_empty(breakdown)
    picture = sections.breakdown_picture(breakdown, with_before=figures.period.before is not None)
    return {
        "title": sections.title_of(breakdown),
        "image": None if empty else image(picture),
        "empty": empty,
    }


def _aging(figures: BoardFigures, image: Any) -> dict[str, Any]:
    found = figures.aging
    if not found.total:
        return {"aging": None, "aging_lead": "No case was open at the end of the period."}
    layers = [label for label, _ in found.bands[0].by_priority]
    used = [place for place in range(len(layers)) if any(band.by_priority[place][1] for band in found.bands)]
    used = used if len(used) > 1 else []
    rows = [
        (band.label, *(f"{band.by_priority[place][1]:,}" for place in used), f"{band.count:,}", band.share.text)
        for band in found.bands
    ]
    was = "case was" if found.total == 1 else "cases were"
    oldest = f"; the oldest for {found.oldest_days:,} days" if found.oldest_days else ""
    return {
        "aging": image(sections.aging_picture(figures)),
        "aging_lead": f"{found.total:,} {was} open at the end of the period{oldest}. How long they have been open"
        + (", and of what priority they are." if used else "."),
        "aging_heads": [*(layers[place] for place in used), "All", "Share"],
        "aging_rows": rows,
    }


def _levels(figures: BoardFigures, image: Any) -> dict[str, Any]:
    rows, clocks = [*figures.service_levels.rows, figures.service_levels.all], sections.clocks(figures)
    due, ticked = figures.service_levels.all.due, any(each.due for each in clocks)
    fell = "case fell" if due == 1 else "cases fell"
    return {
        "levels": image(sections.levels_picture(rows)) if due else None,
        "levels_lead": f"{due:,} {fell} due in the period by the organization’s own dates: closed in time, closed "
        "late, or not yet closed when the period ended."
        if due
        else "No case fell due in the period.",
        "clocks": image(sections.levels_picture(clocks)) if ticked else None,
        "clocks_lead": f"{sections.CLOCKS_OWED}." if ticked else sections.no_clocks(figures),
    }


def _page_breaks(made: dict[str, Any], room: float) -> dict[str, bool]:
    """Which of the short sections begin a page, so that none is torn and none stands alone without need."""
    tables = sum(56 + 21 * len(each["rows"]) for each in made["risks"])
    heights = {
        "aging": 408 if made["aging"] else 70,
        "levels": 90 + (made["levels"].height if made["levels"] else 0),
        "clocks": 80 + (made["clocks"].height if made["clocks"] else 0),
        "risks": 80 + tables,
    }
    used, found = room, {}
    for name, height in heights.items():
        found[name] = used + height > room
        used = height if found[name] else used + height
    return found


def _risks(figures: BoardFigures) -> list[dict[str, Any]]:
    risks = figures.risks
    return [
        {
            "title": "Categories rising most",
            "heads": ("Category", "Cases", "Before", "Change"),
            "widths": (243, 70, 70, 100),
            "rows": [(each.label, f"{each.now:,}", f"{each.before:,}", each.change.text) for each in risks.rising],
            "empty": "No category rose by as much as it takes to be named."
            if risks.compared
            else "There is no period before, so nothing can have risen.",
        },
        {
            "title": f"Units above the organization’s substantiation rate of {risks.organization_rate.text}"
            if risks.organization_rate.value is not None
            else "Units above the organization’s substantiation rate",
            "heads": ("Business unit", "Substantiated", "Rate"),
            "widths": (243, 140, 100),
            "rows": [(each.label, each.rate.base_text, each.rate.text) for each in risks.units],
            "empty": "No unit with enough decided cases is above it.",
        },
        {
            "title": "High-priority cases past due",
            "heads": ("Priority", "Open and past due", "Longest past due"),
            "widths": (243, 140, 100),
            "rows": [(each.priority, f"{each.count:,}", f"{each.longest_days:,} days") for each in risks.overdue],
            "empty": "No open case of priority Critical or High is past its due date.",
        },
    ]


def _reading(figures: BoardFigures) -> list[tuple[str, str]]:
    small = (
        "Where a percentage or a median rests on fewer than 10 cases it is not compared with the period before, and "
        "the number of cases stands beside it."
    )
    found = [
        ("Small numbers", small),
        ("Anonymous reports", f"Fewer than 5 anonymous cases in a line are not told: there stands “{HIDDEN}”."),
        ("A dash", "There was nothing to compute the figure from."),
        ("Charts", "Filled bars come first, hollow ones second; every number that a chart shows is written in it."),
    ]
    if len(figures.filters) > _LONGEST_FACT:
        found.insert(0, ("Cases", figures.filters))
    return [*found, *(("About this register", each) for each in figures.notes)]


def _cut(figures: BoardFigures, lettering: Lettering) -> list[str]:
    return [name for name in dict.fromkeys(sections.long_names(figures)) if name in lettering.shortened]


def _logo(data: bytes | None) -> Image | None:
    """As large as there is room for, never larger than a point per pixel."""
    if data is None:
        return None
    with Bitmap.open(io.BytesIO(data)) as bitmap:
        width, height = bitmap.size
    scale = min(_LOGO_ROOM[0] / width, _LOGO_ROOM[1] / height, 1)
    return Image(f"data:image/png;base64,{base64.b64encode(data).decode()}", width * scale, height * scale)


def _title_size(title: str, lettering: Lettering) -> int:
    """In points."""
    setter = Typesetter(fonts.title_faces(), lettering.unknown)
    for size, most_lines in _TITLE_SIZES:
        if len(setter.lines(title, _TITLE_ROOM * 1000 / size)) <= most_lines:
            return size
    return _TITLE_SIZES[-1][0]


def _shortened(text: str, most: int = _SHORT) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
