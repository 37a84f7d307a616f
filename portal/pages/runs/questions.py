"""What a person is asked before they act on a run, and what they are told where nothing can be done here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo

from portal.models import RunKind, RunState
from portal.moments import moment_in_words
from portal.pages.template_filters import number, plural
from portal.runs.one_run import RunRecord
from portal.runs.states import IN_HAND


@dataclass(frozen=True)
class Question:
    """What is asked before a person does something about a run, and what it will mean."""

    question: str
    means: str


def cancelling(record: RunRecord) -> Question | None:
    """None where there is nothing to cancel, or it is asked for already."""
    run = record.run
    if not record.is_open or run.cancel_requested_at is not None:
        return None
    if run.state is RunState.QUEUED:
        return Question("Cancel this run?", "Nothing is made or sent. The next planned run comes as planned.")
    if run.state is RunState.RUNNING:
        means = "The file is not finished and nobody receives it. The next planned run comes as planned."
        return Question("Cancel this run?", means)
    waiting = len({each.destination for each in record.deliveries if each.state in IN_HAND})
    means = (
        f"{plural(waiting, 'destination')} of {record.destinations} will not receive the file; one whose turn it is at "
        "this moment still may. What was accepted cannot be taken back."
    )
    return Question("Stop sending?", means)


def producing(record: RunRecord, zone: tzinfo) -> Question | None:
    """None where nothing was missed, or nothing may be produced any more."""
    run = record.run
    if run.state is not RunState.MISSED or not record.schedule_is_there:
        return None
    period = run.configuration["period_in_words"]
    means = f"It covers the period that it was planned for ({period}) and goes to the recipients of then, marked late."
    if run.missed_count and run.missed_count > 1:
        last = moment_in_words(run.planned_for, zone)
        means += f" Of the {number(run.missed_count)} moments that this stands for, the last one is produced: {last}."
    return Question("Produce it now?", means)


def advice(record: RunRecord) -> str:
    """What to do about a run that cannot be repaired here; "" where nothing needs to be."""
    run = record.run
    if run.state is RunState.FAILED and not record.made:
        words = "This run is over and stays as it is. Once the cause is mended, open the schedule and press Run now"
        if run.kind is RunKind.RUN_NOW:
            return f"{words} again."
        return (
            f"{words}: its period counts from the moment you press. For exactly the period of this run, set the "
            "schedule’s period to these fixed dates first."
        )
    return ""
