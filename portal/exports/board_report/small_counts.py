"""Which anonymous counts a reader may see: none under 5, and none that a subtraction would give away.

A hidden count may be 0: were zeros shown, the one case of a small unit would be anonymous for certain once its count is
hidden. What this cannot see is another report: two that differ by one day, or by one case, still differ by that case.
"""

from __future__ import annotations

from collections.abc import Sequence

SMALLEST = 5
"""A count of anonymous reports below it is not broken down further."""


def hidden_rows(cases: Sequence[int], anonymous: Sequence[int]) -> set[int]:
    """The places whose anonymous counts must not be shown beside their number of cases, where the sum is known.

    All that are small; and where the sum of the hidden ones would itself be small, or the numbers of cases would leave
    one of them only a single value, the smallest of the others too, until neither is so.
    """
    hidden = {place for place, count in enumerate(anonymous) if count < SMALLEST}
    rest = sorted((place for place in range(len(anonymous)) if place not in hidden), key=lambda place: anonymous[place])
    for place in rest:
        if not _gives_away(hidden, cases, anonymous):
            break
        hidden.add(place)
    return hidden


def may_show(inside: tuple[int, int], everything: tuple[int, int]) -> bool:
    """Whether the anonymous count of a filtered report may be shown, of (cases, anonymous) inside it and in all.

    What the filters leave out must be as many: it is one subtraction away from the report without them.
    """
    outside_cases, outside = everything[0] - inside[0], everything[1] - inside[1]
    return inside[1] >= SMALLEST and (outside >= SMALLEST or not outside_cases)


def _gives_away(hidden: set[int], cases: Sequence[int], anonymous: Sequence[int]) -> bool:
    total = sum(anonymous[place] for place in hidden)
    if 0 < total < SMALLEST:
        return True
    room = sum(cases[place] for place in hidden)
    for place in hidden:
        count = anonymous[place]
        least, most = max(0, total - (room - cases[place])), min(cases[place], total)
        if 0 < count < SMALLEST and least == most:
            return True
    return False
