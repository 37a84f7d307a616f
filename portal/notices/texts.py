"""What the notices say. Names that people typed come in as one harmless line; times in the schedule's own zone."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from portal.config import settings
from portal.moments import moment_in_words
from portal.plumbing.mail_text import one_line
from portal.zones import ZoneError, zone

MOST_LINES = 50


@dataclass(frozen=True)
class Words:
    subject: str
    text: str


@dataclass(frozen=True)
class MissedLine:
    """A moment that was missed; `first` and `count` where the row stands for many."""

    schedule: str
    zone: str
    planned_for: datetime
    first: datetime | None
    count: int


def failed(name: str, zone_name: str, planned_for: datetime, reason: str, run_id: uuid.UUID) -> Words:
    return _of_a_run(
        f"Failed: {_name(name)}",
        f"“{_name(name)}”, planned for {_moment(planned_for, zone_name)}, failed.",
        reason,
        run_id,
        "While it goes on failing you get no further mail; you get one when it works again.",
    )


def partial(name: str, zone_name: str, planned_for: datetime, reason: str, run_id: uuid.UUID) -> Words:
    return _of_a_run(
        f"Not everybody was reached: {_name(name)}",
        f"“{_name(name)}”, planned for {_moment(planned_for, zone_name)}, did not reach everybody.",
        reason,
        run_id,
        "The run's page says who does not have it, and why. You get no further mail until a run reaches everybody.",
    )


def recovered(name: str, zone_name: str, planned_for: datetime, run_id: uuid.UUID) -> Words:
    return _of_a_run(
        f"Works again: {_name(name)}",
        f"“{_name(name)}”, planned for {_moment(planned_for, zone_name)}, succeeded and reached everybody.",
        "",
        run_id,
        "You were told before that it was in trouble.",
    )


def withheld(name: str, zone_name: str, planned_for: datetime, run_id: uuid.UUID) -> Words:
    """To people who may know what it is about; which case it is stands on the page alone."""
    return _of_a_run(
        f"Withheld from everybody: {_name(name)}",
        f"A conflict of interest: “{_name(name)}”, planned for {_moment(planned_for, zone_name)}, left out what each "
        "of its recipients may not see, so that nobody received it.",
        "",
        run_id,
        "The run's page says under Withheld what it is, and why. Name a backup recipient on the schedule, or look at "
        "it yourself. You get no further mail about the same cases.",
    )


def backup_not_reached(name: str, zone_name: str, planned_for: datetime, run_id: uuid.UUID) -> Words:
    return _of_a_run(
        f"Backup recipient not reached: {_name(name)}",
        f"“{_name(name)}”, planned for {_moment(planned_for, zone_name)}, left out what each of its recipients may not "
        "see; the backup recipient could not be reached either, so that nobody received it.",
        "",
        run_id,
        "The run's page says under Withheld why; there you can have the file sent again.",
    )


def paused(name: str, failures: int, schedule_id: uuid.UUID) -> Words:
    text = _paragraphs(
        f"“{_name(name)}” failed {failures} times in a row and was paused. "
        "Nothing more is made until a person resumes it.",
        "Look at its last runs, mend what is wrong, then resume it on its page; its failures are then counted anew.",
        _link(f"/schedules/{schedule_id}"),
    )
    return Words(f"Paused after {failures} failures: {_name(name)}", text)


def parked(name: str, zone_name: str, until: datetime, schedule_id: uuid.UUID) -> Words:
    text = _paragraphs(
        f"“{_name(name)}” was due and could not be started, most often because something it names is no longer "
        "there, such as a category of the register.",
        f"It is tried again every hour, next at {_moment(until, zone_name)}. What was due is kept: it is made, or "
        "written down as missed, once the schedule can be read. Open it, edit it, and save it.",
        _link(f"/schedules/{schedule_id}"),
    )
    return Words(f"Could not be started: {_name(name)}", text)


def missed(lines: Sequence[MissedLine], *, ownerless: bool) -> Words:
    """`lines` are all of them; the first fifty are named, the rest counted."""
    count = sum(line.count for line in lines)
    exports = "1 export was" if count == 1 else f"{count:,} exports were"
    rest = sum(line.count for line in lines[MOST_LINES:])
    text = _paragraphs(
        f"{exports} not made at the planned time, because nothing was running then."
        + (" Their schedules have no owner, so you are told as an admin." if ownerless else ""),
        "\n".join(f"- {_missed_line(line)}" for line in lines[:MOST_LINES]),
        f"and {rest:,} more, all in the history." if rest else "",
        "On the page of each run you can have it produced now, for the period it was planned for.",
        _link("/history?state=MISSED"),
    )
    return Words(f"Missed: {'1 export' if count == 1 else f'{count:,} exports'}", text)


def _missed_line(line: MissedLine) -> str:
    last = _moment(line.planned_for, line.zone)
    if line.first is None:
        return f"{_name(line.schedule)}: {last}"
    return f"{_name(line.schedule)}: {line.count:,} times from {_moment(line.first, line.zone)} to {last}"


def _of_a_run(subject: str, beginning: str, reason: str, run_id: uuid.UUID, end: str) -> Words:
    return Words(subject, _paragraphs(beginning, one_line(reason, 500), _link(f"/runs/{run_id}"), end))


def _paragraphs(*paragraphs: str) -> str:
    return "\n\n".join(filter(None, paragraphs)) + "\n"


def _link(path: str) -> str:
    return settings().public_url.rstrip("/") + path


def _name(text: str) -> str:
    return one_line(text, 120)


def _moment(instant: datetime, zone_name: str) -> str:
    return moment_in_words(instant, _zone(zone_name))


def _zone(name: str) -> tzinfo:
    """UTC for a zone that is gone: the mail is about the trouble, it must not become part of it."""
    try:
        return zone(name)
    except ZoneError:
        return UTC
