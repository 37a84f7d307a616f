"""One run makes a file for each set of recipients that may see the same (C17, C19), and keeps one set of them."""

from __future__ import annotations

import csv
import io
import uuid

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import clock, failpoints
from portal.config import settings
from portal.models import Artifact, Category, Delivery, Organization, RestrictionKind, Run, RunState, write_session
from portal.runs import recover
from portal.runs.make import make_run
from portal.runs.verify import find_breaches, one_moment
from portal.schedules.start_due import start_due
from tests.runs.conflict_desk import (
    PRIYA,
    SECRET,
    TOMAS,
    Kept,
    add_case,
    artifact_for,
    artifacts_of,
    content,
    give_own_rows,
    put_on_list,
    run_it,
    yesterday,
)
from tests.runs.conftest import deliveries_of, run_of
from tests.support.apps import Clock
from tests.support.cast import Cast
from tests.support.mail import Sink, attachment_of
from tests.support.pages_client import Pages
from tests.support.schedules import make_cases, make_schedule

OUTSIDE = "auditor@outside.example"


class Killed(BaseException):
    """The process ends here: nothing after it is done."""


@pytest.fixture
def app_settings(mail_sink: Sink) -> dict[str, str]:
    return {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(mail_sink.port), "DUEPOST_MAIL_TIMEOUT_SECONDS": "5"}


@pytest.fixture
def secret(cast: Cast, moved_clock: Clock) -> Kept:
    """A case that Priya is kept from, of another category than the seven others."""
    created_at = yesterday(moved_clock.now())
    make_cases(cast.lakeside, 7, created_at=created_at)
    with write_session() as db:
        category = Category(id=uuid.uuid4(), organization_id=cast.lakeside, name="Bribery")
        db.add(category)
    case = add_case(cast.lakeside, created_at, category_id=category.id)
    put_on_list(cast.lakeside, case, RestrictionKind.BY_HAND, email=PRIYA)
    return case


def numbers(artifact: Artifact) -> set[str]:
    return {row["case_number"] for row in csv.DictReader(io.StringIO(content(artifact).decode("utf-8-sig")))}


def test_each_recipient_gets_their_own_rows_and_a_folder_gets_all(
    app: Flask, page: Pages, cast: Cast, secret: Kept, mail_sink: Sink
) -> None:
    """C19, C17, C18: each mail holds and tells its recipient's own file; places in the list stay as they were."""
    with write_session() as db:
        db.get_one(Organization, cast.lakeside).settings = {"inside_domains": ["example.org"]}
    recipients = ["omar@example.org", PRIYA, OUTSIDE, TOMAS]
    schedule_id = make_schedule(cast.lakeside, cast.otto, recipients=recipients, folders=["reports/{year}"])
    give_own_rows(schedule_id, "omar@example.org", {"category": ["Bribery"]})
    run_id = run_it(cast, schedule_id)
    assert [each.target for each in deliveries_of(run_id).values()] == [*recipients, "reports/{year}"]
    assert numbers(artifact_for(run_id, "omar@example.org")) == {SECRET}
    assert len(numbers(artifact_for(run_id, PRIYA))) == 7
    full = artifact_for(run_id, TOMAS)
    assert full.id == artifact_for(run_id, "reports/{year}").id
    assert len(numbers(full)) == 8
    outside = artifact_for(run_id, OUTSIDE)
    assert outside.masking == "EXTERNAL"
    assert SECRET not in content(outside).decode()
    every = artifacts_of(run_id)
    assert len(every) == 4
    assert {each.file_name for each in every} == {full.file_name}
    for message in mail_sink.messages():
        theirs = artifact_for(run_id, message["To"])
        words = message.get_body(("plain",)).get_content()
        assert attachment_of(message) == content(theirs)
        assert theirs.sha256 in words
        assert not [each for each in every if each.id != theirs.id and each.sha256 in words]
    (stored,) = settings().effective_export_folder.rglob("*.csv")
    assert stored.read_bytes() == content(full)
    words = page.ana.get(f"/runs/{run_id}").words
    assert words.count("SHA-256") == 4
    assert "Download CSV for omar@example.org" in words
    with one_moment() as db:
        assert list(find_breaches(db, None, clock.now())) == []


def test_killed_between_two_files_the_run_keeps_one_set_of_them(
    app: Flask, cast: Cast, secret: Kept, moved_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the commit nothing is kept; taken again, every file is made anew, and each recipient has one."""
    schedule_id = make_schedule(cast.lakeside, cast.otto, recipients=[PRIYA, TOMAS])
    for place, pass_ in (("made-file", 2), ("stored-file", 1), ("artifact-before-commit", 1)):
        seen: list[str] = []

        def reach(name: str, at: str = place, number: int = pass_, seen: list[str] = seen) -> None:
            seen.append(name)
            if name == at and seen.count(name) == number:
                raise Killed

        with monkeypatch.context() as patched:
            patched.setattr(failpoints, "reach", reach)
            with pytest.raises(Killed):
                run_it(cast, schedule_id)
        with write_session() as db:
            run_id = db.scalars(sa.select(Run.id).where(Run.state == RunState.RUNNING)).one()
            assert not db.scalar(sa.select(sa.func.count()).select_from(Artifact).where(Artifact.run_id == run_id))
        assert recover.give_back_lapsed(run_id, moved_clock.forward(seconds=120))
        assert make_run(run_id)
        assert run_of(run_id).state is RunState.SUCCEEDED
        assert [each.rows for each in artifacts_of(run_id)] == [7, 8]
        with write_session() as db:
            of_run = sa.select(Delivery.target).where(Delivery.run_id == run_id).order_by(Delivery.position)
            assert db.scalars(of_run).all() == [PRIYA, TOMAS]


def test_own_filters_that_fit_no_more_park_the_schedule(app: Flask, cast: Cast, moved_clock: Clock) -> None:
    """C19, B7: as the schedule's own filters do; the other schedules are started."""
    make_cases(cast.lakeside, 1)
    poisoned, well = (make_schedule(cast.lakeside, cast.otto) for _ in range(2))
    give_own_rows(poisoned, "priya@example.org", {"category": ["Gone"]})
    assert start_due(moved_clock.forward(hours=1)) == 1
    with write_session() as db:
        assert db.scalars(sa.select(Run.schedule_id)).all() == [well]
