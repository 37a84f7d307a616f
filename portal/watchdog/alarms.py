"""What a look means, in sentences without names or secrets: what is wrong, since when, and what to do. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import humanize

from portal.plumbing import wakeups
from portal.schedules import clock_watch
from portal.watchdog.look import DatabaseSeen, FolderSeen, Look

SILENT = timedelta(minutes=3)
JUMP_SHOWN = timedelta(days=1)
LEAST_FREE_SHARE = 0.05
LEAST_FREE_BYTES = 500_000_000
NAMES = (
    "database",
    "tick",
    "sweep",
    "redis",
    "workers",
    "due",
    "waiting",
    "clock",
    "notices",
    "storage",
    "disk",
)


@dataclass(frozen=True)
class Alarm:
    """`name` is one of NAMES; `since` is None where nobody can know."""

    name: str
    words: str
    since: datetime | None
    what_to_do: str


def alarms_of(seen: Look) -> list[Alarm]:
    """All that is wrong, most basic first."""
    found: list[Alarm] = []
    if seen.database is None:
        words = "The database does not answer; nothing can be made, read or changed."
        found.append(Alarm("database", words, None, "Start the database, and look at its log."))
    else:
        found += _signs_of_life(seen.database, seen.now)
    found += _redis(seen)
    if seen.database is not None:
        found += _left_lying(seen.database, seen)
        found += _clock(seen.database, seen.now)
        found += _notices(seen.database)
    for folder in seen.folders:
        found += _folder(folder)
    return found


def _signs_of_life(database: DatabaseSeen, now: datetime) -> Iterator[Alarm]:
    for name, what, look_for in (
        ("tick", "Due exports", "the scheduler and the upkeep worker"),
        ("sweep", "Stranded runs", "the upkeep worker"),
    ):
        beat = database.beats.get(name)
        what_to_do = f"See that {look_for} are running." if "and" in look_for else f"See that {look_for} is running."
        if beat is None:
            yield Alarm(name, f"{what} have not been looked for yet.", None, what_to_do)
        elif now - beat.at > SILENT:
            ago = humanize.naturaldelta(now - beat.at)
            yield Alarm(name, f"{what} were last looked for {ago} ago.", beat.at, what_to_do)


def _redis(seen: Look) -> Iterator[Alarm]:
    if seen.redis is None:
        words = "Redis does not answer; planned exports are still kept and start when it is back."
        yield Alarm("redis", words, None, "Start Redis; nothing in it needs to be restored.")
    elif not seen.redis.count(wakeups.EXPORTS):
        words = "No worker is running; exports wait until one is started."
        yield Alarm("workers", words, None, "Start a worker: python -m worker")


def _left_lying(database: DatabaseSeen, seen: Look) -> Iterator[Alarm]:
    if database.overdue.count:
        count = database.overdue.count
        schedules = "1 schedule is" if count == 1 else f"{count:,} schedules are"
        words = f"{schedules} due for more than three minutes and have no run yet."
        words = words.replace("have", "has") if count == 1 else words
        yield Alarm("due", words, database.overdue.since, "See that the scheduler and the upkeep worker are running.")
    somebody_works = database.in_hand or (seen.redis is not None and seen.redis.count(wakeups.EXPORTS))
    if database.long_waiting and not somebody_works:
        count = database.long_waiting
        runs = "1 run has" if count == 1 else f"{count:,} runs have"
        words = f"{runs} waited for more than ten minutes and no worker is at work."
        yield Alarm("waiting", words, database.waiting.since, "Start a worker: python -m worker")


def _clock(database: DatabaseSeen, now: datetime) -> Iterator[Alarm]:
    for name, beat in database.beats.items():
        if not name.startswith(clock_watch.NAME) or not beat.detail:
            continue
        seen = clock_watch.Seen.from_json(beat.detail)
        if seen.jumped_at is None:
            continue
        at = datetime.fromisoformat(seen.jumped_at)
        if abs(now - at) > JUMP_SHOWN:
            continue
        by = humanize.naturaldelta(timedelta(seconds=abs(seen.jumped_by)))
        words = f"The clock jumped {'ahead' if seen.jumped_by > 0 else 'back'} by {by}."
        if seen.trusted is not None:
            words += " Nothing is started until the new time has stood for ten minutes."
        yield Alarm("clock", words, at, "See that the clock is right and that a time service keeps it so.")


def _notices(database: DatabaseSeen) -> Iterator[Alarm]:
    if count := database.unsent.count:
        mails = "1 mail to an owner or admin" if count == 1 else f"{count:,} mails to owners and admins"
        words = f"{mails} about failed or missed exports could not be sent."
        yield Alarm("notices", words, database.unsent.since, "See that the mail server takes mail, and the addresses.")


def _folder(folder: FolderSeen) -> Iterator[Alarm]:
    what = f"The folder of {_FOLDERS[folder.name]}"
    if folder.problem is not None:
        yield Alarm("storage", f"{what} cannot be written: {folder.problem}.", None, "Give it back, or its rights.")
    elif folder.free < LEAST_FREE_BYTES or folder.free < LEAST_FREE_SHARE * folder.total:
        words = f"{what} has only {humanize.naturalsize(folder.free)} left."
        yield Alarm("disk", words, None, "Make room on its disk, or move it to a larger one.")


_FOLDERS = {"files": "files", "exports": "exports", "database": "the database"}
