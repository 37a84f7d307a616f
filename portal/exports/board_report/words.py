"""The summary of a board report: sentences made from its figures by rules, each traceable to the figures it says."""

from __future__ import annotations

from dataclasses import dataclass

from portal.exports.board_report.figures import BoardFigures


@dataclass(frozen=True)
class Sentence:
    text: str
    figures: tuple[str, ...]
    """The names of the definitions whose figures it says."""


def summary(figures: BoardFigures) -> list[Sentence]:
    """In reading order; one sentence that says so where there is nothing to report."""
    raise NotImplementedError(figures)
