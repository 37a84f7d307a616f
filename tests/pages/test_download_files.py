"""Files to people who are signed in (attacks 6, 54)."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa

from portal.extensions import db
from portal.models import Artifact, AuditEvent, Role, RunState, User, write_session
from tests.support.runs import CONTENT, MONDAY, Made, make_run_row, stored_path, targets
from tests.support.schedules import make_schedule


@pytest.fixture
def made(cast, moved_clock) -> Made:
    moved_clock.set(MONDAY + timedelta(minutes=1))
    schedule = make_schedule(cast.lakeside, cast.otto)
    return make_run_row(cast.lakeside, schedule, RunState.SUCCEEDED, to=targets("priya@example.org"))


def downloads() -> int:
    statement = sa.select(sa.func.count()).where(AuditEvent.action == "artifact.downloaded")
    return db.session.scalar(statement.select_from(AuditEvent)) or 0


def test_the_download_is_the_stored_file_to_the_byte(page, made):
    """B13"""
    answer = page.otto.get(f"/artifacts/{made.artifact}/download")
    assert answer.data == CONTENT == stored_path(made.artifact).read_bytes()
    assert answer.headers["Content-Length"] == str(len(CONTENT))
    assert answer.headers["Content-Disposition"] == "attachment; filename=Open-cases-2026-11-02.csv"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in answer.headers["Cache-Control"]
    assert downloads() == 1


def test_a_large_file_arrives_whole(page, cast, moved_clock):
    content = bytes(range(256)) * 20_000
    schedule = make_schedule(cast.lakeside, cast.otto)
    made = make_run_row(cast.lakeside, schedule, to=targets("priya@example.org"), content=content)
    assert page.otto.get(f"/artifacts/{made.artifact}/download").data == content


@pytest.mark.parametrize("damage", ["changed", "longer", "cut", "empty"])
def test_a_stored_file_that_was_touched_is_not_served(page, made, damage, caplog):
    """attack 54"""
    path = stored_path(made.artifact)
    path.write_bytes(
        {"changed": CONTENT[:-3] + b"X" + CONTENT[-2:], "longer": CONTENT + b" ", "cut": CONTENT[:-1], "empty": b""}[
            damage
        ]
    )
    answer = page.otto.get(f"/artifacts/{made.artifact}/download")
    assert answer.status == 409
    assert "no longer the one that was made" in answer.words
    assert CONTENT[:10] not in answer.data
    assert "the stored file is not the one that was made" in caplog.text
    assert downloads() == 0


def test_a_stored_file_that_is_missing_is_an_alarm(page, made, caplog):
    """attack 54"""
    stored_path(made.artifact).unlink()
    answer = page.otto.get(f"/artifacts/{made.artifact}/download")
    assert answer.status == 410
    assert "missing from the storage" in answer.words
    assert "a stored file is missing" in caplog.text
    assert downloads() == 0


def test_a_file_deleted_when_its_time_was_over_says_so_without_alarm(page, made, caplog):
    """G3"""
    with write_session() as session:
        session.get_one(Artifact, made.artifact).deleted_at = MONDAY
    stored_path(made.artifact).unlink()
    answer = page.otto.get(f"/artifacts/{made.artifact}/download")
    assert answer.status == 410
    assert "deleted when its time was over" in answer.words
    assert "missing" not in caplog.text
    run = page.otto.get(f"/runs/{made.run}")
    assert "/download" not in run.text
    assert "deleted" in run.words


def test_looking_at_the_headers_is_not_a_download(page, made):
    assert page.otto.http.head(f"/artifacts/{made.artifact}/download").status_code == 200
    assert downloads() == 0


def test_without_the_right_there_is_no_file(page, cast, made):
    """E2"""
    with write_session() as session:
        session.get_one(User, cast.otto).role = Role.AUDITOR
    assert page.otto.get(f"/artifacts/{made.artifact}/download").status == 403


def test_another_organization_gets_the_404_of_nothing(page, made):
    """attack 6"""
    theirs = page.stella.get(f"/artifacts/{made.artifact}/download")
    nothing = page.stella.get(f"/artifacts/{uuid.uuid4()}/download")
    assert theirs.status == nothing.status == 404
    assert theirs.data == nothing.data
