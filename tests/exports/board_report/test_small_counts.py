"""Small counts of anonymous reports: none is shown, and none follows from what is."""

from __future__ import annotations

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from portal.exports.board_report.small_counts import SMALLEST, hidden_rows, may_show

rows = st.lists(
    st.integers(0, 12).flatmap(lambda cases: st.tuples(st.just(cases), st.integers(0, cases))), min_size=1, max_size=6
)


@given(rows)
@settings(max_examples=300, deadline=None)
def test_no_small_count_is_shown_or_can_be_worked_out(drawn: list[tuple[int, int]]) -> None:
    """C11: a reader knows the rule, the cases of each row, the visible counts and the sum of all."""
    cases, anonymous = [row[0] for row in drawn], [row[1] for row in drawn]
    hidden = hidden_rows(cases, anonymous)
    visible = [place for place in range(len(drawn)) if place not in hidden]
    assert all(anonymous[place] >= SMALLEST for place in visible)
    total = sum(anonymous[place] for place in hidden)
    if not visible:
        return  # no more can be hidden
    assert total == 0 or total >= SMALLEST
    order = sorted(hidden)
    worlds = [
        world
        for world in product(*(range(cases[place] + 1) for place in order))
        if sum(world) == total
    ] if len(order) <= 4 else []  # fmt: skip
    for number, place in enumerate(order):
        possible = {world[number] for world in worlds}
        if worlds and 0 < anonymous[place] < SMALLEST:
            assert len(possible) > 1, (drawn, hidden)


def test_the_smallest_of_the_others_hides_the_one_that_is_small() -> None:
    """C11: 40 in all less 30 and 8 would be 2."""
    assert hidden_rows([60, 20, 9], [30, 8, 2]) == {1, 2}
    assert hidden_rows([60, 20, 9], [30, 8, 6]) == set()
    assert hidden_rows([60, 20, 9, 1], [30, 8, 6, 0]) == {3}


def test_what_filters_leave_out_is_one_subtraction_away() -> None:
    """C11: the report of all units, and the report of all but one."""
    assert not may_show((20, 4), (90, 44))
    assert not may_show((89, 40), (90, 41))
    assert not may_show((89, 40), (90, 40))
    assert may_show((60, 30), (90, 41))
    assert may_show((90, 41), (90, 41))
