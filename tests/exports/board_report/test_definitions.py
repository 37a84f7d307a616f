"""Each figure has one definition, and docs/figures.md says the same."""

from __future__ import annotations

from portal.exports.board_report.definitions import DEFINITIONS
from tests.exports.board_report.figures_page import PLACE, figures_page


def test_the_documentation_says_what_the_page_and_the_report_say() -> None:
    """C11: `python -m tests.exports.board_report.figures_page` writes it anew."""
    assert PLACE.read_text(encoding="utf-8") == figures_page()


def test_every_definition_is_whole() -> None:
    """C11: what is counted, out of what, and what stands there for nothing."""
    for each in DEFINITIONS.values():
        assert each.counted.endswith(".")
        assert each.empty.endswith(".")
        assert each.out_of is None or each.out_of.endswith(".")
