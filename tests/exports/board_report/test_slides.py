"""The board report as slides: charts and tables that can be edited hold the report's figures (C20)."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import openpyxl
import pytest
from lxml import etree
from PIL import Image
from pptx import Presentation

from portal.exports.board_report.definitions import DEFINITIONS
from portal.exports.board_report.look import Look
from portal.exports.board_report.sections import key_figures
from portal.exports.board_report.slides import board_slides
from portal.exports.board_report.words import summary
from tests.exports.board_report.sample import FACTS, figures

WIDTH, HEIGHT = 12_192_000, 6_858_000
"""16 to 9, in the format's own units."""


@pytest.fixture(scope="module")
def data() -> bytes:
    made = figures()
    return board_slides(made, summary(made), FACTS, Look("#7a1f3d", _logo()))


def test_native_charts_and_tables_hold_the_reports_figures(data: bytes) -> None:
    made, slides = figures(), _slides(data)
    trend = _chart(slides["Opened and closed"])
    months = made.trend.months
    assert list(trend.plots[0].categories) == [each.month.label for each in months]
    assert [(one.name, list(one.values)) for one in trend.series] == [
        ("Opened", [each.opened for each in months]), ("Closed", [each.closed for each in months]),
    ]  # fmt: skip
    for breakdown in made.breakdowns:
        slide = slides[f"{breakdown.label}: {breakdown.total:,} {breakdown.of}"]
        assert list(_chart(slide).series[0].values) == [row.count.value for row in breakdown.rows]
        assert [line[:3] for line in _table(slide)[1:]] == [
            [row.label, row.count.text, row.share.text] for row in breakdown.rows
        ]
    aging = _chart(slides["Age of open cases"])
    assert [list(one.values) for one in aging.series] == [
        [band.by_priority[place][1] for band in made.aging.bands] for place in range(5)
    ]
    levels = _table(slides["Service levels"])[1:]
    assert levels[-1] == ["All", "59", "12", "6", "76.6%"]
    sheet: Any = openpyxl.load_workbook(io.BytesIO(trend.part.chart_workbook.xlsx_part.blob)).active
    assert [cell.value for cell in sheet[2]] == [months[0].month.label, months[0].opened, months[0].closed]


def test_key_figures_and_every_sentence_are_on_slides_and_definitions_in_the_notes(data: bytes) -> None:
    made, slides = figures(), _slides(data)
    shown = _text(slides["Key figures"])
    for each in key_figures(made):
        assert each.kpi.label in shown
        assert each.number in shown
        assert DEFINITIONS[each.kpi.key].words in slides["Key figures"].notes_slide.notes_text_frame.text
    said = "\n".join(_text(slide) for title, slide in slides.items() if title.startswith("Summary"))
    for sentence in summary(made):
        assert sentence.text in said
    assert FACTS.run_reference in _text(next(iter(slides.values())))


def test_it_is_no_template_of_somebody_else_and_nothing_lies_outside_a_slide(data: bytes) -> None:
    """16 to 9, the accent in the theme, one layout; every slide has a title of its own."""
    deck = Presentation(io.BytesIO(data))
    assert (deck.slide_width, deck.slide_height) == (WIDTH, HEIGHT)
    assert len(deck.slide_layouts) == 1
    titles = [slide.shapes.title.text for slide in deck.slides]
    assert len(set(titles)) == len(titles)
    for slide in deck.slides:
        for shape in slide.shapes:
            assert 0 <= shape.left <= shape.left + shape.width <= WIDTH
            assert 0 <= shape.top <= shape.top + shape.height <= HEIGHT, (slide.shapes.title.text, shape.name)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        theme = archive.read("ppt/theme/theme1.xml").decode()
        assert "7A1F3D" in theme
        assert "Georgia" in theme
        assert not [name for name in archive.namelist() if "thumbnail" in name]
        for name in archive.namelist():
            if name.endswith((".xml", ".rels")):
                etree.fromstring(archive.read(name))
            assert b'TargetMode="External"' not in archive.read(name)


def test_hostile_long_and_doubled_names_stay_text_and_are_in_full_in_the_notes() -> None:
    names = (
        "<a:t>&#x0;</a:t>\x00\ud800",
        "=cmd|' /C calc'!A0",
        "https://127.0.0.1/x",
        "{=1+1}",
        "w" * 300,
        "北" * 100,
        "same",
        "same",
    )
    made = figures(names)
    slide = _slides(board_slides(made, summary(made), FACTS, Look()))["Category: 97 cases opened"]
    shown = [line[0] for line in _table(slide)[1:]]
    assert shown[0] == "<a:t>&#x0;</a:t>\ufffd\ufffd"
    assert len(shown[4]) == 44
    assert len(shown[5]) == 22
    assert len(set(_chart(slide).plots[0].categories)) == len(made.breakdown("category").rows)
    assert "w" * 300 in slide.notes_slide.notes_text_frame.text
    workbook = openpyxl.load_workbook(io.BytesIO(_chart(slide).part.chart_workbook.xlsx_part.blob))
    assert all(cell.data_type != "f" and not cell.hyperlink for row in workbook.active.iter_rows() for cell in row)


def test_the_same_report_is_the_same_file(data: bytes) -> None:
    made = figures()
    assert board_slides(made, summary(made), FACTS, Look("#7a1f3d", _logo())) == data


def _slides(data: bytes) -> dict[str, Any]:
    return {slide.shapes.title.text: slide for slide in Presentation(io.BytesIO(data)).slides}


def _chart(slide: Any) -> Any:
    return next(shape.chart for shape in slide.shapes if shape.has_chart)


def _table(slide: Any) -> list[list[str]]:
    table = next(shape.table for shape in slide.shapes if shape.has_table)
    return [[cell.text for cell in row.cells] for row in table.rows]


def _text(slide: Any) -> str:
    return "\n".join(shape.text_frame.text for shape in slide.shapes if shape.has_text_frame)


def _logo() -> bytes:
    out = io.BytesIO()
    Image.new("RGBA", (300, 90), (120, 30, 60, 255)).save(out, "PNG")
    return out.getvalue()
