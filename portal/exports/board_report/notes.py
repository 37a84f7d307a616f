"""What a reader of the figures must know about the register they come from."""

from __future__ import annotations

from collections.abc import Iterator

from portal.exports.board_report.counts import Counts
from portal.exports.board_report.sql import NOW
from portal.exports.request import ExportRequest


def notes(counts: Counts, request: ExportRequest) -> tuple[str, ...]:
    """One sentence each; none where there is nothing to say."""
    return tuple(_notes(counts, request))


def _notes(counts: Counts, request: ExportRequest) -> Iterator[str]:
    if request.start and request.start >= request.planned_for:
        yield "The period had not begun when this report was made."
    elif request.end > request.planned_for:
        yield "The period is not over: what happened after the moment this report was made for is not in it."
    if undated := counts.particulars.closed_without_a_date:
        yield f"{_cases(undated)} closed without a closing date and so counted neither as closed nor as open."
    backwards = counts.closed.outcomes[NOW].total() - counts.closed.days[NOW].total()
    if backwards:
        yield f"{_cases(backwards)} closed before being opened, by the dates given, and left out of the median."
    silent = counts.opened.number[NOW] - counts.opened.known[NOW]
    if silent and not counts.opened.known[NOW]:
        yield "No case opened in the period says whether its reporter gave a name, so there is no anonymous share."
    elif silent:
        of_it = "its report does not" if silent == 1 else "their reports do not"
        yield f"{_cases(silent)} left out of the anonymous share, as {of_it} say whether the reporter gave a name."
    if counts.clocks.acknowledgement is None and counts.opened.number[NOW]:
        yield "The register holds no dates of acknowledgement, so that clock is not shown."
    if counts.clocks.feedback is None and counts.opened.number[NOW]:
        yield "The register holds no dates of feedback, so that clock is not shown."


def _cases(number: int) -> str:
    """ "1 case is", "1,204 cases are"."""
    return "1 case is" if number == 1 else f"{number:,} cases are"
