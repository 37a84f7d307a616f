"""Charts of the board report: what they show, on pages and in PDFs (C11)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from portal.exports.board_report.charts import (
    Bar,
    Level,
    Picture,
    for_page,
    layered_columns,
    level_bars,
    monthly_columns,
    ranked_bars,
    sparkline,
)
from portal.exports.board_report.charts.palette import palette
from portal.exports.board_report.charts.picture import Label, Path, Rect, Tone
from portal.exports.board_report.charts.print_svg import Lettering, for_print
from portal.people.branding import LEAST_CONTRAST, contrast_with_white

HOSTILE = '<script>alert("1")</script> & \x00\ud800 </text>'
MAKERS: list[Callable[[str], Picture]] = [
    lambda name: monthly_columns([("Jan 2026", 3, 0), (name, 12, 7)], unfinished=True),
    lambda name: ranked_bars([Bar(name, 12, ("12", "80%")), Bar("Others", 3, ("3", "20%"), quiet=True)],
                             ("Cases", "Share"), name_head=name),
    lambda name: layered_columns([(name, (1, 2)), ("Over 90 days", (0, 40))], ("High", name)),
    lambda name: level_bars([Level(name, 3, 1, 0, "75%", "3 of 4 cases"), Level("None", 0, 0, 0, "–", "")]),
]  # fmt: skip


@pytest.mark.parametrize("make", MAKERS)
def test_a_chart_is_sound_whatever_its_labels_are_and_says_its_numbers_in_words(make) -> None:
    """A hostile label is text; nothing is inline style; nothing lies outside the picture."""
    picture = make(HOSTILE)
    page = ET.fromstring(for_page(picture))
    assert "style" not in str(for_page(picture))
    assert not [each for each in page.iter() if each.tag.endswith("script")]
    assert page.get("role") == "img"
    printed = ET.fromstring(for_print(picture, palette(), Lettering()))
    drawn = [each for each in printed if each.tag.endswith("text")]
    assert all(0 <= float(each.attrib["x"]) <= picture.width for each in drawn)
    for shape in picture.shapes:
        if isinstance(shape, Rect):
            assert shape.x >= 0
            assert shape.x + shape.width <= picture.width + 0.01
            assert shape.y + shape.height <= picture.height + 0.01
    numbers = {part for each in drawn for part in (each.text or "").split() if part.isdigit()}
    assert numbers
    assert all(number in picture.said for number in numbers)


@pytest.mark.parametrize(
    "make",
    [
        lambda: monthly_columns([("Jan 2026", 0, 0)]),
        lambda: ranked_bars([], (), name_head="Category"),
        lambda: layered_columns([("0–30 days", (0,))], ("High",)),
        lambda: level_bars([]),
        lambda: sparkline([None, None]),
        lambda: sparkline([0.0]),
    ],
)
def test_nothing_to_show_is_drawn_too(make) -> None:
    assert ET.fromstring(for_print(make(), palette(), Lettering())).tag.endswith("svg")


def test_a_long_name_is_cut_in_the_second_line_and_noted() -> None:
    """Not in silence: the report lists what was cut in full."""
    name = "Northern regional office for procurement and supply " * 6
    lettering = Lettering()
    picture = ranked_bars([Bar(name, 1, ("1",))], ("Cases",), name_head="Unit")
    printed = for_print(picture, palette(), lettering)
    assert lettering.shortened == {name}
    assert "…" in printed
    assert name.split(maxsplit=1)[0] in printed
    assert [each.whole for each in picture.shapes if isinstance(each, Label) and each.whole] == [name, name]


def test_letters_of_every_script_are_drawn_by_a_typeface_that_has_them() -> None:
    """Arabic from right to left and joined; what no typeface has is named."""
    lettering = Lettering()
    line = lettering.line("Büro Ελλάδα Киев 北京 한국 مكتب 🔥", 9)
    faces = {letters.strip(): face for face, letters in line.pieces}
    assert {faces["北京"], faces["한국"]} == {"DuepostEastAsian"}
    assert faces["Büro Ελλάδα Киев"] == "DuepostSans"
    assert (
        next(letters for letters, face in faces.items() if face == "DuepostArabic")[-1] == "\ufee3"
    )  # m, at a beginning
    assert "[fire]" in "".join(faces)


def test_a_sparkline_begins_at_zero_and_leaves_gaps() -> None:
    """Its height can be compared with its changes; a month without a value is no zero."""
    picture = sparkline([10, 12, None, 11, 10], height=26)
    lines = [each for each in picture.shapes if isinstance(each, Path) and each.fill is None]
    assert [len(each.points) for each in lines] == [2, 2, 2]  # two runs, and the line at the foot
    assert min(y for each in lines[:2] for _, y in each.points) >= 0
    assert max(y for each in lines[:2] for _, y in each.points) < 13


@pytest.mark.parametrize("accent", ["#0a5866", "#7a1f3d", "#000000"])
def test_layers_are_told_apart_by_how_light_they_are(accent: str) -> None:
    """In black and white too, with any accent that can be read."""
    colours = palette(accent)
    assert contrast_with_white(accent) >= LEAST_CONTRAST
    light = [contrast_with_white(colours[tone]) for tone in (Tone.ACCENT, Tone.MID, Tone.SOFT, Tone.PAPER)]
    assert all(darker > 1.15 * lighter for darker, lighter in pairwise(light))
