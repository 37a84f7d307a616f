"""What the builder says beside the form: the schedule in words, its next moments, and what it would make now.

Each part is there as soon as the answers it needs are; a wrong answer elsewhere hides none of the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from humanize import naturalsize

from portal.exports.periods import period_in_words
from portal.exports.preview import Preview
from portal.models import Schedule
from portal.pages.schedules.if_it_ran_now import Viewer, columns_of, previewed, request_of, resolved_period
from portal.pages.schedules.in_words import described_answers, headed_by_keys, sentence
from portal.pages.schedules.next_moments import Moment, latest_of_answers, next_moments, plan_of_answers
from portal.pages.schedules.sides import Side
from portal.zones import zone


@dataclass(frozen=True)
class SoFar:
    """None or empty where the answers are not there yet."""

    said: str | None
    moments: Sequence[Moment]
    period: str | None
    preview: Preview | None
    why_not: str | None
    """Why there can be no such file: what to choose instead."""
    by_keys: bool
    """Whether the file heads its columns with keys."""
    sides: Sequence[Side]
    """Who will see which masking."""
    look_as: str
    """The side as which the rows are shown."""

    @property
    def size(self) -> str | None:
        """ "about 1.2 MB"."""
        about = self.preview.about_bytes if self.preview else None
        return None if about is None else f"about {naturalsize(about)}"


def so_far(
    data: dict[str, Any],
    viewer: Viewer,
    now: datetime,
    schedule: Schedule | None,
    *,
    look_as: str = "inside",
    with_rows: bool = True,
) -> SoFar:
    """`data` as `answers.data_of` gives it; an existing schedule tells when it last succeeded and what it heeded.

    Rows are counted and shown as the viewer may see them, masked as for the side `look_as`.
    """
    described = described_answers(data)
    plan = plan_of_answers(data, viewer.organization_id, now, schedule)
    moments = next_moments(plan, now, latest_of_answers(data)) if plan else []
    resolved = resolved_period(data, now, schedule)
    request = request_of(data, viewer, now, resolved) if resolved else None
    sides = viewer.masker.sides(described, columns_of(request))
    look_as = _side_to_look_as(sides, look_as)
    found, why_not = None, None
    if request and with_rows:
        found, why_not = previewed(request, schedule, viewer.masker, data["masking"], look_as)
    return SoFar(
        said=sentence(described) if moments else None,
        moments=moments,
        period=period_in_words(resolved, zone(data["timezone"])) if resolved else None,
        preview=found,
        why_not=why_not,
        by_keys=headed_by_keys(data),
        sides=sides,
        look_as=look_as,
    )


def _side_to_look_as(sides: Sequence[Side], chosen: str) -> str:
    """The chosen one, unless it has nobody and the other has."""
    peopled = [side.name for side in sides if side.people]
    return peopled[0] if peopled and chosen not in peopled else chosen
