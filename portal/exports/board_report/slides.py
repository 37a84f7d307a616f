"""The board report as slides: the same figures, with charts and tables that can be edited, and definitions as notes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from portal.exports.board_report import sections
from portal.exports.board_report.breakdowns import Breakdown, RowKind
from portal.exports.board_report.charts.picture import Tone
from portal.exports.board_report.deck import LEFT, RIGHT, TOP, Deck, shortened
from portal.exports.board_report.definitions import DEFINITIONS
from portal.exports.board_report.figures import BoardFigures
from portal.exports.board_report.look import Look
from portal.exports.board_report.sections import Facts
from portal.exports.board_report.service_levels import Due
from portal.exports.board_report.steady_zip import steady
from portal.exports.board_report.words import Sentence

_SENTENCES_A_SLIDE = 8
_LAYERS = (Tone.STRONG, Tone.ACCENT, Tone.MID, Tone.SOFT, Tone.PAPER)


def board_slides(figures: BoardFigures, sentences: list[Sentence], facts: Facts, look: Look) -> bytes:
    """The whole presentation. The same arguments make the same bytes."""
    period = figures.period.label
    deck = Deck(look, shortened(f"Confidential · {figures.organization} · {period}", 150))
    deck.properties.title, deck.properties.author = _property(figures.title), _property(figures.organization)
    deck.properties.subject, deck.properties.keywords = _property(figures.period.words), ""
    deck.properties.language, deck.properties.last_modified_by = "en", "Duepost"
    deck.properties.created = deck.properties.modified = facts.generated_at.replace(tzinfo=None)
    _title(deck, figures, facts, look)
    _key_figures(deck, figures)
    _summary(deck, sentences)
    if not figures.trend.is_empty:
        _trend(deck, figures)
    for breakdown in figures.breakdowns:
        if sections.why_empty(breakdown) is None:
            _breakdown(deck, breakdown, figures)
    if figures.aging.total:
        _aging(deck, figures)
    levels, clocks = figures.service_levels, sections.clocks(figures)
    if levels.all.due:
        lead = f"{levels.all.due:,} fell due in the period by the organization’s own dates"
        _levels(deck, "Service levels", lead, [*levels.rows, levels.all], ["service_levels"])
    if any(each.due for each in clocks):
        keys = ["acknowledged", "feedback"]
        _levels(deck, "Clocks of Directive (EU) 2019/1937", sections.CLOCKS_OWED, clocks, keys)
    _risks(deck, figures)
    _missing(deck, figures)
    return steady(deck.save(), facts.generated_at)


def _title(deck: Deck, figures: BoardFigures, facts: Facts, look: Look) -> None:
    told = "\n".join(f"{name}: {value}" for name, value in sections.title_facts(figures, facts))
    slide = deck.slide(shortened(figures.title, 110), "\n".join([told, *figures.notes]), first=True)
    deck.block(slide, 0, 0, 16, 540, Tone.ACCENT)
    title = slide.shapes.title
    deck.place(title, 72, 190, 800, 96, size=40 if len(figures.title) <= 42 else 28)
    if look.logo:
        deck.picture(slide, look.logo, 72, 56, 220, 64)
    deck.text(slide, shortened(figures.organization, 90), 72, 140 if look.logo else 64, 800, 26, size=16, strong=True)
    deck.text(slide, period_title(figures), 72, 292, 800, 36, size=24, tone=Tone.ACCENT, serif=True)
    foot = deck.text(
        slide, f"{figures.period.words}. {shortened(figures.filters, 160)}.", 72, 440, 816, 60, size=12, tone=Tone.MUTED
    )
    deck.more(
        foot,
        f"Confidential. Run {facts.run_reference}" if facts.run_reference else "Confidential",
        size=12,
        tone=Tone.MUTED,
    )


def period_title(figures: BoardFigures) -> str:
    label = figures.period.label
    return label[0].upper() + label[1:]


def _key_figures(deck: Deck, figures: BoardFigures) -> None:
    before = figures.period.before_label
    lead = f"{period_title(figures)}, and the change from {before}" if before else period_title(figures)
    slide = deck.slide("Key figures", _notes([each.key for each in figures.kpis] + ["before"]), lead=lead)
    width = (RIGHT - LEFT) / 3
    for place, each in enumerate(sections.key_figures(figures)):
        x, y = LEFT + width * (place % 3), TOP + 4 + 124 * (place // 3)
        deck.rule(slide, x, y, width - 28, Tone.FAINT)
        deck.text(slide, each.kpi.label, x, y + 9, width - 28, 18, size=12, tone=Tone.MUTED, strong=True)
        number = f"{each.number}{'' if each.unit == '%' else ' '}{each.unit}".strip()
        deck.text(slide, number, x, y + 27, width - 28, 46, size=34, serif=True)
        said = "   ".join(part for part in (f"{each.arrow} {each.change}".strip(), each.beside) if part)
        deck.text(slide, said, x, y + 78, width - 20, 18, size=11.5)


def _summary(deck: Deck, sentences: Sequence[Sentence]) -> None:
    pages = -(-len(sentences) // _SENTENCES_A_SLIDE)
    for page in range(pages):
        some = sentences[page * len(sentences) // pages : (page + 1) * len(sentences) // pages]
        used = dict.fromkeys(key for each in some for key in each.figures)
        slide = deck.slide(f"Summary ({page + 1} of {pages})" if pages > 1 else "Summary", _notes(list(used)))
        frame = deck.text(slide, shortened(some[0].text, 320), LEFT, 104, RIGHT - LEFT, 380, size=17, serif=True)
        for each in some[1:]:
            deck.more(frame, shortened(each.text, 320), size=17, serif=True, above=11)


def _trend(deck: Deck, figures: BoardFigures) -> None:
    months = figures.trend.months
    lead = f"Cases by month, {months[0].month.label} to {months[-1].month.label}"
    slide = deck.slide("Opened and closed", _notes(["trend"]), lead=lead)
    deck.columns(
        slide, [each.month.label for each in months],
        [("Opened", [each.opened for each in months], Tone.ACCENT),
         ("Closed", [each.closed for each in months], Tone.PAPER)],
        LEFT - 6, TOP - 6, RIGHT - LEFT + 12, 384,
    )  # fmt: skip


def _breakdown(deck: Deck, breakdown: Breakdown, figures: BoardFigures) -> None:
    notes = _notes([f"breakdown_{breakdown.key}"])
    long = [row.label for row in breakdown.rows if shortened(row.label) != row.label]
    if long:
        notes += "\n\nNames in full:\n" + "\n".join(long)
    slide = deck.slide(sections.title_of(breakdown), notes)
    names = [shortened(row.label) for row in breakdown.rows]
    with_before = figures.period.before is not None
    heads = ("Cases", "Share", *(["Change"] if with_before else []))
    rows = [
        (row.count.text, row.share.text, *([row.change.text if row.change else "–"] if with_before else []))
        for row in breakdown.rows
    ]
    line = _line(len(rows) + 1)
    deck.table(slide, (breakdown.label, *heads), [(name, *row) for name, row in zip(names, rows, strict=True)],
               LEFT, 102, (262, 56, 62, 92)[: len(heads) + 1], size=_type(line), row_height=line)  # fmt: skip
    chart = deck.columns(
        slide, _told_apart(names), [("Cases", [row.count.value or 0 for row in breakdown.rows], Tone.ACCENT)],
        540, 102 + line, 372, line * len(rows), across=True, legend=False, bare=True,
    )  # fmt: skip
    deck.hollow(chart, [place for place, row in enumerate(breakdown.rows) if row.kind is not RowKind.VALUE])


def _aging(deck: Deck, figures: BoardFigures) -> None:
    found = figures.aging
    lead = f"{found.total:,} open at the end of the period" + (
        f", the oldest for {found.oldest_days:,} days" if found.oldest_days else ""
    )
    slide = deck.slide("Age of open cases", _notes(["aging"]), lead=lead)
    labels = [label for label, _ in found.bands[0].by_priority]
    series = [
        (label, [band.by_priority[place][1] for band in found.bands], _LAYERS[place])
        for place, label in enumerate(labels)
        if any(band.by_priority[place][1] for band in found.bands)
    ]
    if len(series) == 1:
        series = [(series[0][0], series[0][1], Tone.ACCENT)]
    least = max(band.count for band in found.bands) // 16
    chart = deck.columns(
        slide,
        [band.label for band in found.bands],
        series,
        LEFT - 6,
        TOP,
        560,
        376,
        stacked=True,
        least=least,
        legend=len(series) > 1,
    )
    deck.light_on_dark(chart, [fill for _, _, fill in series], least)
    rows = [(band.label, f"{band.count:,}", band.share.text) for band in found.bands]
    deck.table(slide, ("Open for", "Cases", "Share"), rows, 640, TOP + 40, (132, 66, 74), row_height=30)


def _levels(deck: Deck, title: str, lead: str, rows: Sequence[Due], keys: list[str]) -> None:
    slide = deck.slide(title, _notes(keys), lead=lead)
    _legend(deck, slide)
    line = _line(len(rows) + 1)
    deck.table(
        slide, ("", "In time", "Late", "Not yet", "Rate"),
        [(each.label, f"{each.met:,}", f"{each.late:,}", f"{each.outstanding:,}", each.rate.text) for each in rows],
        LEFT, TOP, (196, 62, 62, 74, 62), size=_type(line), row_height=line,
    )  # fmt: skip
    series = [
        ("In time", [each.met for each in rows], Tone.ACCENT),
        ("Late", [each.late for each in rows], Tone.MID),
        ("Not yet done", [each.outstanding for each in rows], Tone.PAPER),
    ]
    deck.columns(slide, _told_apart([each.label for each in rows]), series, 530, TOP + line, 382,
                 line * len(rows), stacked=True, across=True, labelled=False, bare=True, legend=False)  # fmt: skip


def _legend(deck: Deck, slide: Any) -> None:
    """One of our own above the bars, as the chart itself lies line by line beside the table."""
    x = 530.0
    for name, fill in (("In time", Tone.ACCENT), ("Late", Tone.MID), ("Not yet done", Tone.PAPER)):
        deck.block(slide, x, TOP + 12, 10, 10, fill)
        deck.text(slide, name, x + 15, TOP + 8, 90, 18, size=12, tone=Tone.MUTED)
        x += 34 + 7 * len(name)


def _line(lines: int) -> float:
    """How tall a line of a table is: the fewer, the taller."""
    return min(42.0, 372 / lines)


def _type(line: float) -> float:
    return 14 if line >= 34 else 12


def _risks(deck: Deck, figures: BoardFigures) -> None:
    risks = figures.risks
    slide = deck.slide("Risk areas", _notes(["rising", "units_above", "overdue"]))
    width = (RIGHT - LEFT - 48) / 3
    rate = f" of {risks.organization_rate.text}" if risks.organization_rate.value is not None else ""
    lists: tuple[tuple[str, tuple[str, ...], list[tuple[str, ...]], str], ...] = (
        ("Categories rising most", ("Category", "Cases", "Before"),
         [(shortened(each.label, 36), f"{each.now:,}", f"{each.before:,}") for each in risks.rising],
         "None rose by as much as it takes to be named." if risks.compared else "There is no period before."),
        (f"Units above the substantiation rate{rate}", ("Unit", "Found", "Rate"),
         [(shortened(each.label, 36), f"{each.rate.part or 0:,} of {each.rate.base or 0:,}", each.rate.text)
          for each in risks.units],
         "No unit with enough decided cases is above it."),
        ("High-priority cases past due", ("Priority", "Cases", "Longest"),
         [(each.priority, f"{each.count:,}", f"{each.longest_days:,} days") for each in risks.overdue],
         "No open case of priority Critical or High is past due."),
    )  # fmt: skip
    for place, (name, heads, rows, empty) in enumerate(lists):
        x = LEFT + (width + 24) * place
        deck.text(slide, name, x, 108, width, 40, size=15, serif=True)
        if rows:
            deck.table(slide, heads, rows, x, 152, (width - 132, 62, 70), row_height=34)
        else:
            deck.text(slide, empty, x, 156, width, 60, size=13, tone=Tone.MUTED)


def _missing(deck: Deck, figures: BoardFigures) -> None:
    """What there was nothing to show of, on one slide rather than on empty ones."""
    told = [f"{each.label}. {why}" for each in figures.breakdowns if (why := sections.why_empty(each))]
    if figures.trend.is_empty:
        told.insert(0, "Opened and closed. There were no cases in the last twelve months.")
    if not figures.aging.total:
        told.append("Age of open cases. No case was open at the end of the period.")
    if not figures.service_levels.all.due:
        told.append("Service levels. No case fell due in the period.")
    if not any(each.due for each in sections.clocks(figures)):
        told.append(f"Clocks of Directive (EU) 2019/1937. {sections.no_clocks(figures)}")
    if not told:
        return
    slide = deck.slide("Not shown", "", lead="Of these there was nothing to show")
    frame = deck.text(slide, told[0], LEFT, TOP + 4, RIGHT - LEFT, 360, size=15)
    for each in told[1:]:
        deck.more(frame, each, size=15, above=9)


def _notes(keys: Sequence[str]) -> str:
    """How the slide's figures are computed."""
    return "\n\n".join(f"{DEFINITIONS[key].label}: {DEFINITIONS[key].words}" for key in keys if key in DEFINITIONS)


def _told_apart(names: Sequence[str]) -> list[str]:
    """Two categories of one name would be one in the chart's own table: the second gets blanks that nobody sees."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name + " " * (seen[name] - 1))
    return found


def _property(text: str) -> Any:
    return shortened(text, 240)
