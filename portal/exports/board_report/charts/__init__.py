"""Charts of the board report: shapes without a library, drawn as vectors on pages and in PDFs.

Plain numbers and labels go in, a `Picture` comes out; `for_page` makes it an element of a page.
What makes it part of a PDF, `print_svg`, is loaded where one is made.
"""

from portal.exports.board_report.charts.bars import Bar, ranked_bars
from portal.exports.board_report.charts.levels import Level, level_bars
from portal.exports.board_report.charts.picture import Picture, Tone
from portal.exports.board_report.charts.spark import sparkline
from portal.exports.board_report.charts.stack import layered_columns
from portal.exports.board_report.charts.svg import for_page
from portal.exports.board_report.charts.trend import monthly_columns

__all__ = [
    "Bar",
    "Level",
    "Picture",
    "Tone",
    "for_page",
    "layered_columns",
    "level_bars",
    "monthly_columns",
    "ranked_bars",
    "sparkline",
]
