"""One tick, as the scheduler and cron ask for it: a look at the clock, then what is due."""

from __future__ import annotations

from datetime import datetime

from portal.models import note_sign_of_life
from portal.schedules.clock_watch import held_back
from portal.schedules.pause_failing import pause_failing
from portal.schedules.start_due import start_due


def tick(now: datetime) -> int:
    """Start everything that is due and return how many runs were queued: none while the clock is not to be trusted."""
    if held_back(now):
        note_sign_of_life("tick", now)
        return 0
    pause_failing(now)
    return start_due(now)
