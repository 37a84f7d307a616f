"""docs/figures.md: how each figure is computed, as the page and the report say it.

`python -m tests.exports.board_report.figures_page` writes it; a test keeps it in step.
"""

from __future__ import annotations

from portal.config import ROOT
from portal.exports.board_report.definitions import DEFINITIONS, Definition

PLACE = ROOT / "docs" / "figures.md"

_BEGINNING = """\
# How each figure of the board report is computed

The page and the report say the same beside each figure. Each is computed a second time, case by case over the exported
flat file, by `tests/exports/board_report`.

All figures of a report come from one snapshot of the register: of its cases, less those that any reader is kept from.
Days and months are local ones of the report's zone, and begin at midnight there. A case is Closed or open by its status
today, and was closed at its closing date; what the register has changed since then shows in reports of earlier periods
too.

Shares are written with one digit after the point, rounded half up, and as 0% or 100% only where it is none or all. A
share or median of fewer than ten cases stands with their number, and is not compared.
"""


def figures_page() -> str:
    return "\n".join([_BEGINNING, *(_section(each) for each in DEFINITIONS.values())])


def _section(definition: Definition) -> str:
    out_of = f"- Out of: {definition.out_of}\n" if definition.out_of else ""
    return (
        f"## {definition.label}\n{definition.counted}\n\n{out_of}- If there is nothing to count: {definition.empty}\n"
    )


if __name__ == "__main__":
    PLACE.write_text(figures_page(), encoding="utf-8")
