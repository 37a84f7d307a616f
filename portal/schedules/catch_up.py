"""Which of the moments that fell due are made, and which are written down as missed. Pure: no database, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.models import CatchUp, RunKind
from portal.schedules.calendar_rule import Moment

ON_TIME = timedelta(minutes=5)
LONGEST_GRACE = timedelta(days=7)
MOST_RUNS = 31
MOST_MISSED_ROWS = 31


@dataclass(frozen=True)
class Verdict:
    """What becomes of one moment: `kind` when it is made, None when it is missed or `skipped` on purpose."""

    moment: Moment
    kind: RunKind | None
    reason: str = ""
    skipped: bool = False


@dataclass(frozen=True)
class MissedSpan:
    """More moments that are not made than get a row each: one row for all of them."""

    first: Verdict
    last: Verdict
    count: int


def judge(
    due: Sequence[Moment], following: Moment | None, *, now: datetime, policy: CatchUp, grace: timedelta | None
) -> list[Verdict]:
    """One verdict for each of the due moments (at least one, oldest first), in their order.

    Late by up to five minutes is an ordinary run. Later, within the grace, the latest is made up for (or, by the
    policy, all of the last week, or none).
    """
    if policy is CatchUp.ALL:
        return _all(due, now)
    latest = due[-1]
    missed = [Verdict(each, None, "Missed: nothing was running when it fell due.") for each in due[:-1]]
    late = now - latest.instant
    if late <= ON_TIME:
        return [*missed, Verdict(latest, RunKind.PLANNED)]
    if policy is CatchUp.LATEST and late <= (grace if grace is not None else _grace(latest, following)):
        return [*missed, Verdict(latest, RunKind.CATCH_UP, "Made late: nothing was running when it fell due.")]
    return [*missed, Verdict(latest, None, "Missed: nothing was running when it fell due, and it is too late now.")]


def _all(due: Sequence[Moment], now: datetime) -> list[Verdict]:
    verdicts = []
    for position, each in enumerate(reversed(due)):
        late = now - each.instant
        if late <= ON_TIME:
            verdicts.append(Verdict(each, RunKind.PLANNED))
        elif position < MOST_RUNS and late <= LONGEST_GRACE:
            verdicts.append(Verdict(each, RunKind.CATCH_UP, "Made late: nothing was running when it fell due."))
        else:
            verdicts.append(
                Verdict(each, None, "Missed: nothing was running when it fell due, and it is too late now.")
            )
    return verdicts[::-1]


def _grace(latest: Moment, following: Moment | None) -> timedelta:
    """Half the distance to the next moment, at most a week; a week where none follows."""
    if following is None:
        return LONGEST_GRACE
    return min((following.instant - latest.instant) / 2, LONGEST_GRACE)
