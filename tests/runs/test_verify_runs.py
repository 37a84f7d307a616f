"""`flask verify-runs` names whatever does not hold: each breach made by hand and found by its name."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import retention
from portal.models import Notice, Run, RunState, UtcDateTime, note_sign_of_life, write_session
from portal.runs import recover
from portal.runs.make import make_run
from portal.runs.verify import find_breaches, one_moment
from tests.runs.conftest import THREE, deliveries_of, run_of
from tests.support.apps import Clock
from tests.support.cast import Cast
from tests.support.runs import make_run_row, stored_path

NewRun = Callable[..., uuid.UUID]
BY_SQL = {
    "not-started": ["UPDATE schedules SET next_run_at = :old"],
    "two-running": ["DROP INDEX uq_runs_one_running", "UPDATE runs SET state = 'RUNNING'"],
    "over-with-open-deliveries": ["UPDATE deliveries SET state = 'PENDING' WHERE target LIKE 'priya@%'"],
    "not-ended": ["UPDATE runs SET state = 'DELIVERING', finished_at = NULL, wake_after = :old"],
    "lies-about": ["UPDATE runs SET state = 'QUEUED', finished_at = NULL, wake_after = :old"],
    "no-end-time": ["UPDATE runs SET finished_at = NULL"],
    "accepted-without-250": ["UPDATE deliveries SET state = 'ACCEPTED' WHERE target LIKE 'refused@%'"],
    "attempts-differ": ["UPDATE deliveries SET attempts = 7"],
    "sent-though-not": ["UPDATE artifacts SET not_sent = 'Nothing to report.'"],
    "window-from-nowhere": ["UPDATE runs SET changes_from = :old"],
    "file-of-another-run": ["UPDATE artifacts SET only_to_see = true"],
    "trail-differs": ["UPDATE runs SET state = 'FAILED'"],
    "end-differs": ["UPDATE deliveries SET state = 'REJECTED'"],
}


@pytest.fixture
def ended(app: Flask, new_run: NewRun) -> uuid.UUID:
    """A run that reached two people of three, made by the product itself; another of the same schedule."""
    first = new_run(recipients=THREE)
    make_run(first)
    second = new_run(run_of(first).schedule_id)
    make_run(second)
    return second


def found(now: object, *, only: uuid.UUID | None = None, hash_files: bool = False) -> set[str]:
    with one_moment() as session:
        return {breach.name for breach in find_breaches(session, only, now, hash_files=hash_files)}  # type: ignore[arg-type]


def test_what_the_product_made_holds(ended: uuid.UUID, moved_clock: Clock) -> None:
    assert run_of(ended).state is RunState.PARTIAL
    assert found(moved_clock.now(), hash_files=True) == set()


@pytest.mark.parametrize("name", BY_SQL)
def test_a_breach_is_found_by_its_name(name: str, ended: uuid.UUID, moved_clock: Clock) -> None:
    old = sa.bindparam("old", moved_clock.now() - timedelta(hours=1), type_=UtcDateTime())
    with write_session() as db:
        for statement in BY_SQL[name]:
            db.execute(sa.text(statement).bindparams(old) if ":old" in statement else sa.text(statement))
    assert name in found(moved_clock.now())


def test_one_occurrence_with_two_runs_is_found(ended: uuid.UUID, cast: Cast, moved_clock: Clock) -> None:
    schedule_id = run_of(ended).schedule_id
    for _ in range(2):
        make_run_row(cast.lakeside, schedule_id, RunState.MISSED)
    assert "occurrence-twice" in found(moved_clock.now())


def test_a_message_id_on_two_mails_is_found(ended: uuid.UUID, cast: Cast, moved_clock: Clock) -> None:
    used = deliveries_of(ended)["priya@example.org"].message_id
    with write_session() as db:
        db.add(
            Notice(
                organization_id=cast.lakeside,
                key="k",
                kind="run_failed",
                address="otto@example.org",
                subject="s",
                text="t",
                give_up_at=moved_clock.now(),
                message_id=used,
                created_at=moved_clock.now(),
            )
        )
    assert "message-id-twice" in found(moved_clock.now())


@pytest.mark.parametrize("hash_files", [False, True])
def test_a_file_whose_time_is_over_while_the_check_goes_on_is_not_missed(
    ended: uuid.UUID, moved_clock: Clock, hash_files: bool
) -> None:
    """The check sees the tables as they were at its first question, housekeeping goes on meanwhile."""
    with one_moment() as session:
        breaches = find_breaches(session, None, moved_clock.now(), hash_files=hash_files)
        session.scalar(sa.select(sa.func.count()).select_from(Run))  # from here on it sees one moment
        assert retention.delete_expired_files(moved_clock.now() + timedelta(days=91)) == 2
        assert list(breaches) == []


def test_a_missing_file_is_found(ended: uuid.UUID, moved_clock: Clock) -> None:
    stored_path(artifact_of(ended)).unlink()
    assert found(moved_clock.now()) == {"file-missing"}
    assert found(moved_clock.now(), hash_files=True) == {"file-missing"}


def test_a_longer_file_is_found_by_its_size_and_another_of_that_size_by_its_hash(
    ended: uuid.UUID, moved_clock: Clock
) -> None:
    path = stored_path(artifact_of(ended))
    whole = path.read_bytes()
    path.write_bytes(whole + b"x")
    assert found(moved_clock.now()) == {"file-changed"}
    path.write_bytes(whole[:-1] + b"x")
    assert found(moved_clock.now()) == set()
    assert found(moved_clock.now(), hash_files=True) == {"file-changed"}


def artifact_of(run_id: uuid.UUID) -> uuid.UUID:
    return next(iter(deliveries_of(run_id).values())).artifact_id


def test_what_is_in_hand_or_waits_is_no_breach(app: Flask, new_run: NewRun, moved_clock: Clock) -> None:
    run_id = new_run(recipients=["busy@example.org"])
    make_run(run_id)
    assert run_of(run_id).state is RunState.DELIVERING
    assert found(moved_clock.now()) == set()
    assert found(moved_clock.forward(hours=1)) == {"lies-about"}  # the tries of an hour ago were not made


def test_runs_that_the_sweep_has_not_come_to_yet_do_not_lie_about(
    ended: uuid.UUID, cast: Cast, moved_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands may wait for a worker at once; the sweep wakes so many at a time, those of the oldest moments first."""
    monkeypatch.setattr(recover, "BATCH", 2)
    old = moved_clock.now() - timedelta(hours=1)
    for _ in range(3):
        make_run_row(cast.lakeside, run_of(ended).schedule_id, RunState.QUEUED, wake_after=old, finished_at=None)
    assert "lies-about" in found(moved_clock.now())  # no sweep is at it
    note_sign_of_life("sweep", moved_clock.now())
    assert "lies-about" not in found(moved_clock.now())
    monkeypatch.setattr(recover, "BATCH", 3)
    assert "lies-about" in found(moved_clock.now())


def test_another_organization_is_left_out(ended: uuid.UUID, cast: Cast, moved_clock: Clock) -> None:
    with write_session() as db:
        db.execute(sa.update(Run).values(finished_at=None))
    assert found(moved_clock.now(), only=cast.strangers) == set()
    assert found(moved_clock.now(), only=cast.lakeside) == {"no-end-time"}


def test_the_command_counts_and_exits(app: Flask, ended: uuid.UUID) -> None:
    flask = app.test_cli_runner().invoke
    held = flask(args=["verify-runs"])
    assert (held.exit_code, held.stdout) == (0, "2 runs looked at, 0 breaches.\n")
    with write_session() as db:
        db.execute(sa.update(Run).where(Run.id == ended).values(finished_at=None))
    broken = flask(args=["verify-runs", "--organization", "lakeside", "--json"])
    *breaches, counts = [json.loads(line) for line in broken.stdout.splitlines()]
    assert broken.exit_code == 1
    assert [(each["name"], each["subject"]) for each in breaches] == [("no-end-time", f"run {ended}")]
    assert counts == {"runs": 2, "breaches": 1}
    assert f"no-end-time  run {ended}" in flask(args=["verify-runs"]).stdout
    nobody = flask(args=["verify-runs", "--organization", "nobody"])
    assert (nobody.exit_code, nobody.stderr) == (2, "There is no organization “nobody”.\n")
