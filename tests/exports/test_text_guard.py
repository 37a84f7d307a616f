"""Text made harmless (C13, attack rows 30, 31, 33)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.exports.text_guard import clean, guard, joined, may_need_clean, may_need_guard

ANY_TEXT = st.text(st.characters(exclude_categories=()))
LIVE = ["=cmd|' /C calc'!A0", "@SUM(1+1)", "-2+3", "\t=1", "\r=1", "\n=1", '=1+2";=1+2', "＝1", "＋1", "－1", "＠x"]


@pytest.mark.parametrize("text", [*LIVE, "+", "-", "=", "+1 555 0100", "-3,5", "-5%", "--5", "-5\n", "+٣", "-1e", "-."])
def test_text_that_begins_like_a_formula_gets_an_apostrophe(text):
    """C13"""
    assert guard(text) == f"'{text}"


@pytest.mark.parametrize(
    "text", ["", "-5", "+1", "+3.2", "-.5", "-5.", "1e5", "-1E-5", "00123", "3-4", "#N/A", "TRUE", ";=1", " =1", "a=1"]
)
def test_plain_numbers_and_other_text_stay_as_they_are(text):
    """C13"""
    assert guard(text) == text


@pytest.mark.parametrize("character", ["\0", "\x0b", "\x1f", "\ud800", "\ufffe", "\uffff"])
def test_characters_no_file_can_hold_are_replaced(character):
    """C13"""
    assert clean(f"a{character}b") == "a\ufffdb"


def test_line_breaks_tabs_and_all_scripts_stay():
    """C13"""
    text = "\t\n\r äß 表 العربية 🙂 \u2028\x7f\x85"
    assert clean(text) == text


@settings(deadline=None)
@given(st.lists(ANY_TEXT, max_size=8))
def test_a_look_at_the_whole_column_never_misses_a_cell(texts):
    """C13: the fast look may err only on the side of looking again."""
    cells = joined(texts)
    assert may_need_clean(cells) == any(clean(text) != text for text in texts)
    assert may_need_guard(cells) or all(guard(text) == text for text in texts)
