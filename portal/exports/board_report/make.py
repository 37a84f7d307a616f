"""From a request for a board report to its file, as PDF or as slides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from portal import clock
from portal.exports.board_report.figures import BoardFigures, board_figures
from portal.exports.board_report.look import Look, look_of
from portal.exports.board_report.sections import Facts
from portal.exports.board_report.words import Sentence, summary
from portal.exports.request import ExportRequest
from portal.exports.writers import ByteSink
from portal.models import ExportFormat


@dataclass(frozen=True)
class MadeReport:
    """What came of it."""

    rows: int
    """Cases opened in the period."""
    notes: tuple[str, ...]
    register_as_of: datetime | None


def make(
    request: ExportRequest,
    connection: sa.Connection,
    out: ByteSink,
    *,
    run_reference: str = "",
    generated_at: datetime | None = None,
) -> MadeReport:
    """Writes the report to `out`. `connection` sees one snapshot. The same register, request and moment (now, if none
    is given) make the same file. Raises ExportError, FilterError or ZoneError."""
    figures = board_figures(connection, request)
    facts = Facts(run_reference, generated_at or clock.now(), request.planned_for)
    look = look_of(connection, request.organization_id)
    out.write(_render(request.format)(figures, summary(figures), facts, look))
    return MadeReport(figures.cases, figures.notes, figures.register_as_of)


_Render = Callable[[BoardFigures, list[Sentence], Facts, Look], bytes]


def _render(format_name: str) -> _Render:
    # what draws is heavy, and only loaded where a report is made
    if format_name == ExportFormat.PPTX:
        from portal.exports.board_report.slides import board_slides  # noqa: PLC0415

        return board_slides
    from portal.exports.board_report.pdf import board_pdf  # noqa: PLC0415

    return board_pdf
