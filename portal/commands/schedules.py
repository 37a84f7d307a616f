"""`flask schedules`, `run-now`, `pause`, `resume`, and one pass each of `tick`, `sweep` and `housekeeping`."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Sequence
from typing import Any, NoReturn

import click
import sqlalchemy as sa

from portal import audit, clock, retention
from portal.extensions import db
from portal.models import Organization, Run, RunState, Schedule, ScheduleState
from portal.moments import MomentError, instant_text, parse_instant
from portal.plumbing import ping
from portal.plumbing.mail_text import one_line
from portal.runs import recover
from portal.runs.states import OPEN
from portal.schedules import changes
from portal.schedules.changes import ChangedMeanwhile
from portal.schedules.inputs import NotAccepted
from portal.schedules.rule import RuleError
from portal.schedules.run_now import CannotRun, run_now
from portal.schedules.tick import tick as tick_once
from portal.schedules.words import schedule_in_words

LOOK_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 6 * 3600
NONE = "–"
of_organization = click.option("--organization", "slug", metavar="SLUG", help="Only this organization's.")
as_json_option = click.option("--json", "as_json", is_flag=True, help="JSON in place of lines for people.")


@click.command("schedules")
@of_organization
@as_json_option
def list_schedules(slug: str | None, as_json: bool) -> None:
    """Every schedule that is not deleted: id, state, next moment, name and rule."""
    found = _schedules(slug)
    if as_json:
        click.echo(json.dumps([_answer(schedule) for schedule in found], indent=1))
        return
    for schedule in found:
        coming = instant_text(schedule.next_run_at) if schedule.next_run_at else NONE
        click.echo(f"{schedule.id}  {schedule.state.value:<8}  {coming:<20}  {schedule.name}: {_in_words(schedule)}")


@click.command("run-now")
@click.argument("schedule")
@of_organization
@click.option("--wait", is_flag=True, help="Until the run is over; exit 1 unless it succeeded.")
@as_json_option
def run_now_command(schedule: str, slug: str | None, wait: bool, as_json: bool) -> None:
    """Run SCHEDULE (its id or name) now; its plan stays as it is."""
    wanted = _one(schedule, slug)
    try:
        run_id = run_now(
            wanted.organization_id,
            wanted.id,
            idempotency_key=str(uuid.uuid4()),
            actor=audit.operator,
            now=clock.now(),
        )
    except CannotRun as refusal:
        _refuse(str(refusal))
    state, reason = _wait_for(run_id) if wait else _state_of(run_id)
    if as_json:
        click.echo(json.dumps({"run": str(run_id), "state": state.value, "reason": reason}))
    else:
        click.echo(f"{run_id}  {state.value}  {reason}".rstrip())
    if wait and state is not RunState.SUCCEEDED:
        raise SystemExit(1)


@click.command("pause")
@click.argument("schedule")
@of_organization
@click.option("--reason", default="", help="Shown beside the state.")
@click.option("--until", "until", metavar="INSTANT", help="Resumes by itself, such as 2026-11-25T09:00:00Z.")
def pause(schedule: str, slug: str | None, reason: str, until: str | None) -> None:
    """Pause SCHEDULE (its id or name)."""
    wanted = _one(schedule, slug)
    if wanted.state is not ScheduleState.ACTIVE:
        _refuse(f"“{wanted.name}” is not active, so it cannot be paused.")
    try:
        changes.pause_schedule(
            wanted.organization_id,
            wanted.id,
            reason=reason,
            resume_at=parse_instant(until) if until else None,
            actor=audit.operator,
            now=clock.now(),
        )
    except (MomentError, NotAccepted, ChangedMeanwhile) as problem:
        _refuse(str(problem) or "The schedule was deleted meanwhile.")
    click.echo(f"“{wanted.name}” is paused.")


@click.command("resume")
@click.argument("schedule")
@of_organization
def resume(schedule: str, slug: str | None) -> None:
    """Resume SCHEDULE (its id or name); its next moment counts from now."""
    wanted = _one(schedule, slug)
    if wanted.state is not ScheduleState.PAUSED:
        _refuse(f"“{wanted.name}” is not paused, so it cannot be resumed.")
    try:
        changes.resume_schedule(wanted.organization_id, wanted.id, actor=audit.operator, now=clock.now())
    except ChangedMeanwhile:
        _refuse("The schedule was deleted meanwhile.")
    click.echo(f"“{wanted.name}” is active again.")


@click.command("tick")
def tick() -> None:
    """Start everything that is due, once."""
    queued = tick_once(clock.now())
    ping.tell_outside()
    click.echo(f"{_counted(queued)} queued.")


@click.command("sweep")
def sweep() -> None:
    """Take up runs that were lost, and wake those that wait, once."""
    click.echo(f"{_counted(recover.sweep(clock.now()))} taken up or woken.")


@click.command("housekeeping")
def housekeeping() -> None:
    """Delete the files whose time is over, and what lost work left, once; records stay."""
    cleared = retention.keep_house(clock.now())
    click.echo(f"{cleared.expired} file{'' if cleared.expired == 1 else 's'} deleted.")
    if cleared.orphans:
        click.echo(f"{cleared.orphans} without a record: their try was lost before it was written down.")
    if cleared.leftovers:
        click.echo(f"{cleared.leftovers} leftover{'' if cleared.leftovers == 1 else 's'} of killed processes cleared.")


COMMANDS = (list_schedules, run_now_command, pause, resume, tick, sweep, housekeeping)


def _schedules(slug: str | None) -> Sequence[Schedule]:
    statement = (
        sa.select(Schedule)
        .where(Schedule.state != ScheduleState.DELETED)
        .order_by(Schedule.organization_id, sa.func.lower(Schedule.name), Schedule.id)
    )
    if slug is not None:
        statement = statement.where(Schedule.organization_id == _organization(slug))
    return db.session.scalars(statement).all()


def _organization(slug: str) -> uuid.UUID:
    organization_id = db.session.scalar(sa.select(Organization.id).where(Organization.slug == slug))
    if organization_id is None:
        _refuse(f"There is no organization “{one_line(slug, 60)}”.")
    return organization_id


def _one(text: str, slug: str | None) -> Schedule:
    """The schedule of that id, or of that name if it is the only one."""
    found = [each for each in _schedules(slug) if text in (str(each.id), each.name)]
    if not found:
        _refuse(f"There is no schedule “{one_line(text, 60)}”; flask schedules lists them.")
    if len(found) > 1:
        _refuse(f"{len(found)} schedules are called “{one_line(text, 60)}”; give the id of one.")
    return found[0]


def _wait_for(run_id: uuid.UUID) -> tuple[RunState, str]:
    """(state, reason) of the run when it is over."""
    deadline = time.monotonic() + LONGEST_WAIT_SECONDS
    while True:
        state, reason = _state_of(run_id)
        if state not in OPEN:
            return state, reason
        if time.monotonic() > deadline:
            click.echo(f"The run {run_id} is still {state.value} after six hours.", err=True)
            raise SystemExit(1)
        time.sleep(LOOK_SECONDS)


def _state_of(run_id: uuid.UUID) -> tuple[RunState, str]:
    db.session.rollback()  # a new look at the database, not the snapshot of the last one
    state, reason = db.session.execute(sa.select(Run.state, Run.reason).where(Run.id == run_id)).one()
    return state, reason


def _answer(schedule: Schedule) -> dict[str, Any]:
    return {
        "id": str(schedule.id),
        "organization": str(schedule.organization_id),
        "name": schedule.name,
        "state": schedule.state.value,
        "in_words": _in_words(schedule),
        "timezone": schedule.timezone,
        "next_run_at": instant_text(schedule.next_run_at) if schedule.next_run_at else None,
        "last_run_at": instant_text(schedule.last_run_at) if schedule.last_run_at else None,
        "last_run_status": schedule.last_run_status,
    }


def _in_words(schedule: Schedule) -> str:
    try:
        return schedule_in_words(schedule)
    except RuleError:
        return "its rule cannot be read"


def _counted(runs: int) -> str:
    return f"{runs} run{'' if runs == 1 else 's'}"


def _refuse(sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    raise SystemExit(2)
