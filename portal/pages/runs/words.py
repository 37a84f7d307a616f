"""A run in words: its name, what it came to, and its way from planned to sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

import humanize

from portal.delivery.by_hand import not_reached
from portal.models import DeliveryState, Run, RunKind, RunState
from portal.moments import MONTHS, WEEKDAYS, abbreviation, changes_in_words, moment_in_words
from portal.pages.template_filters import number, plural, size
from portal.runs.one_run import RunRecord
from portal.runs.states import IN_HAND

# where nothing was written with the state itself
REASONS = {
    RunState.QUEUED: "It waits for its turn.",
    RunState.RUNNING: "The file is being made.",
    RunState.DELIVERING: "The file is made and is being handed over.",
    RunState.SUCCEEDED: "Everybody it was meant for has been reached.",
    RunState.PARTIAL: "Some of those it was meant for were not reached.",
    RunState.FAILED: "It did not come to a file that reached anybody.",
    RunState.SKIPPED: "It was skipped.",
    RunState.MISSED: "It was not made at its time.",
    RunState.CANCELLED: "It was cancelled.",
}
KINDS = {
    RunKind.PLANNED: "the schedule",
    RunKind.CATCH_UP: "the schedule, late, after it could not run in time",
}
EXPORTS = {
    "FLAT_FILE": "Flat file",
    "CASES_ONLY": "Cases only",
    "INVESTIGATIONS_ONLY": "Investigations only",
    "DISCLOSURES_ONLY": "Disclosures only",
    "CUSTOM": "Chosen columns",
    "BOARD_REPORT": "Board report",
}
ROWS_ARE = {"INVESTIGATIONS_ONLY": "investigation", "DISCLOSURES_ONLY": "disclosure"}
NOT_REACHED = {
    DeliveryState.REJECTED: "refused",
    DeliveryState.EXPIRED: "given up",
    DeliveryState.BLOCKED: "blocked",
    DeliveryState.UNKNOWN: "not certain",
    DeliveryState.CANCELLED: "cancelled",
    DeliveryState.BOUNCED: "bounced",
}


@dataclass(frozen=True)
class Step:
    """A stop of the run's way. `tone` is a class of .route: "", half, wrong, ahead. Times are shown to the second."""

    title: str
    at: datetime | None = None
    notes: tuple[str, ...] = ()
    tone: str = ""


def heading(run: Run, zone: tzinfo) -> str:
    """ "Run of Monday 2 November 2026, 08:00 EST"."""
    local = run.planned_for.astimezone(zone)
    day = f"{WEEKDAYS[local.weekday()]} {local.day} {MONTHS[local.month - 1]} {local.year}"
    return f"Run of {day}, {local:%H:%M} {abbreviation(run.planned_for, zone)}"


def lead(record: RunRecord, zone: tzinfo, now: datetime) -> str:
    """One or two sentences on how it stands."""
    run = record.run
    if run.state is RunState.RUNNING:
        again = f" This is try {run.attempt}." if run.attempt > 1 else ""
        return REASONS[run.state] + again
    words = _beside_its_mark(run.state, record.reason or REASONS[run.state])
    if record.nothing_sent:
        words = words.removeprefix("Nothing to report: ")
        return words[:1].upper() + words[1:]
    trying = run.state is RunState.QUEUED and run.ready_after is None
    if trying and run.not_before and run.not_before > now:
        words += f" The next try is at {moment_in_words(run.not_before, zone)}."
    return " ".join([words, *_stands_for(run, zone)])


def _beside_its_mark(state: RunState, reason: str) -> str:
    """The mark says "Missed" already, so the reason need not begin with it."""
    words = reason.removeprefix(f"{state.value.capitalize()}: ")
    return words[:1].upper() + words[1:]


def _stands_for(run: Run, zone: tzinfo) -> Iterator[str]:
    """A row that stands for more missed moments than get one each, whatever became of it since."""
    if run.missed_count is None or run.missed_count < 2:
        return
    first = f", the first on {moment_in_words(run.missed_first, zone)}" if run.missed_first else ""
    if run.state is RunState.MISSED:
        yield f"This stands for {number(run.missed_count)} planned moments{first}."
    else:
        before = plural(run.missed_count - 1, "planned moment")
        yield f"The {before} before this one{first} stayed missed."


def changes(run: Run, zone: tzinfo) -> str:
    """Of an export of changes, what it holds; empty of others, and before it was settled."""
    if run.changes_settled_at is None:
        return ""
    return changes_in_words(run.changes_from, zone)


def started_by(run: Run) -> str:
    """ "the schedule", or who pressed the button."""
    if run.kind is RunKind.CATCH_UP and run.requested_by:
        return f"{run.requested_by}, after it was missed"
    return KINDS.get(run.kind) or run.requested_by or "a person"


def lateness(run: Run) -> str | None:
    """ "6 seconds after its planned time"; None where it never started."""
    if run.started_at is None:
        return None
    return _later(run.started_at - run.planned_for)


def route(record: RunRecord) -> list[Step]:
    """The stops reached and those ahead, with the times as they were written down."""
    run = record.run
    steps = [Step("Planned", run.planned_for, (_plan_note(run),))]
    if run.state in {RunState.MISSED, RunState.SKIPPED}:
        title = "Missed" if run.state is RunState.MISSED else "Skipped"
        return [*steps, Step(title, run.finished_at, ("nothing was made",), "half")]
    if run.state is RunState.CANCELLED and run.started_at is None:
        return [*steps, Step("Cancelled", run.finished_at, ("nothing was made",), "half")]
    steps.append(_started(run))
    if run.state is RunState.CANCELLED and not record.made:
        return [*steps, Step("Cancelled", run.finished_at, ("no file was kept",), "half")]
    steps.extend(_file(record))
    if run.state is RunState.CANCELLED:
        sent = _sent(record)
        steps.append(
            Step(
                "Cancelled",
                run.finished_at,
                (f"sent to {record.reached} of {record.destinations}", *sent.notes),
                "half",
            )
        )
    elif record.deliveries or run.state is not RunState.FAILED:
        steps.append(_sent(record))
    return steps


def second_of(instant: datetime, zone: tzinfo, beside: datetime) -> str:
    """ "08:00:06"; with its date where that is another day than that of `beside`: "3 Nov 2026, 08:00:06"."""
    local = instant.astimezone(zone)
    if local.date() == beside.astimezone(zone).date():
        return f"{local:%H:%M:%S}"
    return f"{local.day} {MONTHS[local.month - 1][:3]} {local.year}, {local:%H:%M:%S}"


def retry_label(record: RunRecord) -> str:
    """The button's words; "" where there is nobody to try again."""
    again = record.to_try_again
    if not again:
        return ""
    refused = "refused" if all(each.state is DeliveryState.REJECTED for each in again) else "failed"
    return f"Try the {refused} one again" if len(again) == 1 else f"Try the {len(again)} {refused} ones again"


def _plan_note(run: Run) -> str:
    if run.kind is RunKind.RUN_NOW:
        return "run now"
    words: str = run.configuration["schedule"]["in_words"]
    return words[0].lower() + words[1:].partition(" at ")[0]


def _started(run: Run) -> Step:
    if run.started_at is None:
        return Step("Started", None, ("not yet",), "ahead")
    notes = [_later(run.started_at - run.planned_for)]
    if run.generation_failures:
        notes.append(f"{plural(run.generation_failures, 'try', 'tries')} failed")
    return Step("Started", run.started_at, tuple(notes))


def _file(record: RunRecord) -> Iterator[Step]:
    run = record.run
    unit = ROWS_ARE.get(run.configuration["export"]["export_type"], "case")
    if record.made:
        made_at = run.made_at or max((each.created_at for each in record.artifacts), default=None)
        if len(record.artifacts) == 1:
            file = record.artifacts[0]
            yield Step(f"{plural(file.rows, unit)} read", None, ("into one file",))
            yield Step("File made", made_at, (f"{size(file.bytes)}, hash kept",))
        else:
            several = (f"{len(record.artifacts)} files", "each for those who see the same") if record.artifacts else ()
            yield Step("Files made" if several else "File made", made_at, several)
    elif run.state is RunState.FAILED:
        yield Step("Not made", run.finished_at, (plural(run.generation_failures, "try", "tries"),), "wrong")
    else:
        yield Step("File made", None, ("not yet",), "ahead")


def _sent(record: RunRecord) -> Step:
    run, total = record.run, record.destinations
    if not total:
        return Step(
            "Sent",
            run.finished_at,
            ("nothing to send",) if run.finished_at else ("not yet",),
            "" if run.finished_at else "ahead",
        )
    counts = Counter(each.state for each in not_reached(record.deliveries))
    notes = [f"{counts[state]} {words}" for state, words in NOT_REACHED.items() if counts[state]]
    if confirmed := len({each.destination for each in record.deliveries if each.settled_at}):
        notes.append(f"{confirmed} confirmed by a person")
    if waiting := sum(each.state in IN_HAND for each in record.deliveries):
        notes.append(f"{waiting} still to come")
    tone = "" if record.reached == total else "half" if record.reached or record.is_open else "wrong"
    last = max((each.last_attempt_at for each in record.deliveries if each.last_attempt_at), default=None)
    return Step(f"Sent to {record.reached} of {total}", run.finished_at or last, tuple(notes), tone)


def _later(distance: timedelta) -> str:
    seconds = round(distance.total_seconds())
    if seconds < 1:
        return "at once"
    if seconds < 120:
        return f"{plural(seconds, 'second')} later"
    return f"{humanize.naturaldelta(distance)} later"
