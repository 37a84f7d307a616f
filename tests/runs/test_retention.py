"""Files whose time is over are deleted, all of them, and the record says so (D7).

And what lost work leaves on the disk is cleared away (B9).
"""

from __future__ import annotations

import os
import tempfile
import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import retention
from portal.commands import runs
from portal.delivery.stored_file import StoredFile, checked_copy
from portal.models import Artifact, AuditEvent, Run, RunState, write_session
from portal.plumbing import storage
from tests.support.apps import Clock
from tests.support.cast import Cast
from tests.support.runs import MONDAY, make_run_row, stored_path, targets
from tests.support.schedules import make_schedule


def test_everything_whose_time_is_over_goes_and_what_is_held_stays(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)  # more than a batch falls due on one day
    schedule_id = make_schedule(cast.lakeside, cast.otto)
    made = [make_run_row(cast.lakeside, schedule_id, to=targets("priya@example.org")) for _ in range(6)]
    paths = [stored_path(each.artifact) for each in made]
    with write_session() as session:
        session.execute(sa.update(Artifact).where(Artifact.id == made[0].artifact).values(hold=True))
    assert retention.delete_expired_files(MONDAY + timedelta(days=89)) == 0
    assert retention.delete_expired_files(MONDAY + timedelta(days=91)) == 5
    assert [path.exists() for path in paths] == [True, False, False, False, False, False]
    with write_session() as session:
        assert session.scalars(sa.select(AuditEvent.action)).all() == ["artifact.deleted"] * 5


@pytest.mark.parametrize("state", [RunState.DELIVERING, RunState.QUEUED])
def test_a_file_that_is_still_being_handed_over_is_kept_until_that_is_over(
    app: Flask, cast: Cast, state: RunState
) -> None:
    """Sent again on its last day, tried for another: what is promised to somebody is not taken away under them."""
    schedule_id = make_schedule(cast.lakeside, cast.otto)
    made = make_run_row(cast.lakeside, schedule_id, state, to=targets("priya@example.org"))
    assert retention.delete_expired_files(LATER) == 0
    assert stored_path(made.artifact).exists()
    with write_session() as session:
        session.execute(sa.update(Run).where(Run.id == made.run).values(state=RunState.PARTIAL))
    assert retention.delete_expired_files(LATER) == 1


def test_a_clock_that_leaps_deletes_nothing_until_it_has_stood(
    app: Flask, cast: Cast, moved_clock: Clock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """400 days ahead by mistake: every file would be too old at once, and every folder in use a leftover (H55)."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    made = make_run_row(cast.lakeside, make_schedule(cast.lakeside, cast.otto), to=targets("priya@example.org"))
    in_use = lie_since(tmp_path / "duepost-ab12cd_9" / "artifact", moved_clock.now()).parent
    no_record = lie_since(storage.artifact_folder() / f"{cast.lakeside}/{uuid.uuid4()}/1-all.csv", moved_clock.now())
    assert retention.keep_house(moved_clock.now()) == retention.Cleared(0, 0, 0)
    moved_clock.jump(days=400)
    assert retention.keep_house(moved_clock.now()) == retention.Cleared(0, 0, 0)
    assert all(each.exists() for each in (stored_path(made.artifact), in_use, no_record))
    moved_clock.forward(minutes=11)
    assert retention.keep_house(moved_clock.now()) == retention.Cleared(1, 1, 1)


LATER = MONDAY + timedelta(days=91)


def events(action: str) -> int:
    with write_session() as session:
        statement = sa.select(sa.func.count()).select_from(AuditEvent).where(AuditEvent.action == action)
        return session.scalar(statement) or 0


def artifact(artifact_id: uuid.UUID | None) -> Artifact:
    with write_session() as session:
        return session.get_one(Artifact, artifact_id)


def lie_since(path: Path, moment: datetime, content: bytes = b"case_number\r\n") -> Path:
    """A file that nobody has touched since."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (moment.timestamp(), moment.timestamp()))
    return path


def test_a_deletion_that_the_storage_refused_is_tried_again_and_told_once(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_run_row(cast.lakeside, make_schedule(cast.lakeside, cast.otto), to=targets("priya@example.org"))
    path = stored_path(made.artifact)
    with monkeypatch.context() as refusing:

        def refuse(*_: object) -> None:
            raise storage.StorageError("The storage could not delete the file: it is away")

        refusing.setattr(storage, "remove", refuse)
        assert retention.delete_expired_files(LATER) == 1
    assert path.exists()
    marked = artifact(made.artifact)
    assert (marked.deleted_at, marked.file_deleted_at) == (LATER, None)
    assert retention.delete_expired_files(LATER + timedelta(days=1)) == 0
    assert not path.exists()
    assert artifact(made.artifact).file_deleted_at == LATER + timedelta(days=1)
    assert events("artifact.deleted") == 1


def test_a_file_that_no_artifact_names_is_deleted_after_a_day(app: Flask, cast: Cast) -> None:
    """A try whose record was lost, and a run cancelled between the file and its record."""
    schedule_id = make_schedule(cast.lakeside, cast.otto)
    kept = make_run_row(cast.lakeside, schedule_id, to=targets("priya@example.org"))
    running = make_run_row(cast.lakeside, schedule_id, RunState.RUNNING, content=None)
    folder = storage.artifact_folder()
    long_ago, yesterday = LATER - timedelta(days=9), LATER - timedelta(hours=23)
    first_try = lie_since(folder / f"{cast.lakeside}/{kept.run}/0-all.csv", long_ago)
    of_no_run = lie_since(folder / f"{cast.lakeside}/{uuid.uuid4()}/1-all.xlsx", long_ago)
    named = stored_path(kept.artifact)
    lie_since(named, long_ago, named.read_bytes())
    young = lie_since(folder / f"{cast.lakeside}/{uuid.uuid4()}/1-all.csv", yesterday)
    being_made = lie_since(folder / f"{cast.lakeside}/{running.run}/1-all.csv", long_ago)
    not_ours = lie_since(folder / "notes/how-to-restore.txt", long_ago)
    assert retention.delete_orphans(LATER) == 2
    assert [each.exists() for each in (first_try, of_no_run)] == [False, False]
    assert all(each.exists() for each in (named, young, being_made, not_ours))
    assert retention.delete_orphans(LATER) == 0
    assert events("orphan_file.deleted") == 2


def test_one_pass_deletes_so_many_and_the_next_the_rest(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "MOST_ORPHANS", 2)
    monkeypatch.setattr(retention, "BATCH", 2)
    for _ in range(5):
        lie_since(storage.artifact_folder() / f"{cast.lakeside}/{uuid.uuid4()}/1-all.csv", MONDAY)
    assert [retention.delete_orphans(LATER) for _ in range(4)] == [2, 2, 1, 0]


def test_what_killed_processes_left_is_cleared_and_nothing_else(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    old, young = LATER - timedelta(days=2), LATER - timedelta(hours=2)
    gone = [
        lie_since(tmp_path / "duepost-ab12cd_9" / "artifact", old).parent,
        lie_since(tmp_path / "duepost-import-ab12cd_9" / "rows.sqlite3", old).parent,
        lie_since(tmp_path / "duepost-zz99zz99", old),
        lie_since(storage.artifact_folder() / "a" / "b" / "1-all.csv#1", old),
    ]
    for folder in gone[:2]:
        os.utime(folder, (old.timestamp(), old.timestamp()))
    elsewhere = lie_since(tmp_path / "theirs", old)
    (tmp_path / "duepost-linked00").symlink_to(elsewhere)
    growing = lie_since(tmp_path / "duepost-stillopn" / "artifact", young)
    os.utime(growing.parent, (old.timestamp(), old.timestamp()))
    stay = [
        growing,
        elsewhere,
        tmp_path / "duepost-linked00",
        lie_since(tmp_path / "duepost-0-0123456789abcdef" / "redis.sock", old),
        lie_since(tmp_path / "other-ab12cd_9", old),
        lie_since(storage.artifact_folder() / "a" / "b" / "2-all.csv#1", young),
    ]
    assert retention.keep_house(LATER).leftovers == len(gone)
    assert not [each for each in gone if each.exists()]
    assert all(each.exists() for each in stay)


def test_a_storage_that_is_away_keeps_nothing_else_from_being_done(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    make_run_row(cast.lakeside, make_schedule(cast.lakeside, cast.otto), to=targets("priya@example.org"))

    def away() -> None:
        raise storage.StorageError("The storage's folder cannot be used: it is away.")

    monkeypatch.setattr(storage, "artifact_store", away)
    cleared = retention.keep_house(LATER)
    assert (cleared.expired, cleared.orphans) == (1, 0)


def test_a_file_deleted_while_it_was_looked_for_is_not_called_missing(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_run_row(cast.lakeside, make_schedule(cast.lakeside, cast.otto), to=targets("priya@example.org"))

    def look_late(file: StoredFile) -> IO[bytes]:
        retention.delete_expired_files(LATER)
        return checked_copy(file)

    monkeypatch.setattr(runs, "checked_copy", look_late)
    result = app.test_cli_runner().invoke(args=["verify-artifacts"])
    assert (result.exit_code, result.stdout) == (0, "1 files checked, 0 of them not as they were made.\n")
