"""C16: nothing to report: the empty file, a notice, or nothing; and what is sent only on a condition."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.config import settings
from portal.models import (
    Case,
    CaseRestriction,
    DeliveryState,
    Destination,
    NoRows,
    RestrictionKind,
    RunState,
    Schedule,
    write_session,
)
from portal.runs.make import make_run
from portal.runs.retry import retry_failed
from portal.runs.send_again import send_again
from portal.runs.transitions import Refused
from portal.runs.verify import find_breaches, one_moment
from tests.runs.changes_desk import ANA, Desk, artifacts_of
from tests.runs.conftest import deliveries_of, run_of
from tests.support.apps import Clock
from tests.support.cast import Cast
from tests.support.mail import Sink

NOBODY = {"status": ["NEW"]}
PRIYA, TOMAS = "priya@example.org", "tomas@example.org"


@pytest.fixture
def desk(app: Flask, cast: Cast, moved_clock: Clock, tmp_path: Path) -> Desk:
    made = Desk(cast, moved_clock, tmp_path)
    made.bring(A="OPEN", B="OPEN")
    return made


def breaches(desk: Desk) -> set[str]:
    with one_moment() as session:
        return {breach.name for breach in find_breaches(session, None, desk.clock.now())}


def in_folders() -> list[Path]:
    return [path for path in settings().effective_export_folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("choice", NoRows)
def test_each_choice_for_a_file_without_rows(desk: Desk, mail_sink: Sink, choice: NoRows) -> None:
    """The file itself is evidence in every case. A folder takes the empty file, and no notice."""
    run_id = desk.made(
        desk.schedule(
            name="New matters",
            period="last_30_days",
            filters=NOBODY,
            no_rows=choice,
            recipients=[PRIYA, TOMAS],
            folders=["{schedule}/{year}"],
        )
    )
    run, (artifact,) = run_of(run_id), artifacts_of(run_id)
    assert (run.state, artifact.rows) == (RunState.SUCCEEDED, 0)
    mails, folders = mail_sink.messages(), in_folders()
    attached = [part.get_filename() for mail in mails for part in mail.iter_attachments()]
    match choice:
        case NoRows.SEND_EMPTY:
            assert (len(attached), len(folders)) == (2, 1)
        case NoRows.SEND_NOTICE:
            assert (len(mails), attached, folders) == (2, [], [])
            assert {row.notice_only for row in deliveries_of(run_id).values()} == {True}
            says_that_there_is_nothing(mails[0], run_id)
        case NoRows.SEND_NOTHING:
            assert (mails, folders, deliveries_of(run_id)) == ([], [], {})
            assert run.reason == artifact.not_sent
            assert run.reason == ("Nothing to report: the file has no rows, so nothing was sent, as the schedule asks.")
    assert breaches(desk) == set()


def says_that_there_is_nothing(mail: Any, run_id: uuid.UUID) -> None:
    assert mail["Subject"] == "Nothing to report: New matters: 3 October 2026 to 1 November 2026, New York time"
    for kind in ("plain", "html"):
        text = mail.get_body((kind,)).get_content()
        for fact in (
            "Nothing to report",
            "New matters",
            "Lakeside Health",
            "Status NEW",
            "Mon 2 Nov 2026",
            str(run_id),
        ):
            assert fact.casefold() in text.casefold(), (kind, fact)
        for word in ("/d/", "SHA-256", ".csv"):
            assert word not in text, (kind, word)


def test_a_run_that_sent_nothing_ended_well(desk: Desk, mail_sink: Sink) -> None:
    """It ends a stretch of trouble, there is nothing to try again in words, and the checker wants its reason."""
    schedule = desk.schedule(filters=NOBODY, no_rows=NoRows.SEND_NOTHING)
    with write_session() as db:
        db.execute(sa.update(Schedule).values(failure_streak=2, failure_told_at=desk.clock.now()))
    run_id = desk.made(schedule)
    assert run_of(run_id).finished_at == desk.clock.now()
    with write_session() as db:
        row = db.get_one(Schedule, schedule)
        assert (row.failure_streak, row.failure_told_at, row.last_run_status) == (0, None, "SUCCEEDED")
    assert not make_run(run_id)
    with pytest.raises(Refused, match="nothing to try again"):
        retry_failed(desk.cast.lakeside, run_id, actor=ANA, now=desk.clock.now())
    with pytest.raises(Refused, match="sent nothing"):
        send_again(
            desk.cast.lakeside,
            run_id,
            [uuid.uuid4()],
            form_key=str(uuid.uuid4()),
            actor=ANA,
            now=desk.clock.now(),
        )
    assert breaches(desk) == set()
    with write_session() as db:
        db.execute(sa.text("UPDATE artifacts SET not_sent = ''"))
    assert breaches(desk) == {"unsent-unsaid"}


def test_a_notice_is_tried_again_as_the_same_message(desk: Desk, mail_sink: Sink) -> None:
    schedule = desk.schedule(filters=NOBODY, no_rows=NoRows.SEND_NOTICE, recipients=["busy@example.org"])
    run_id = desk.made(schedule)
    before = deliveries_of(run_id)["busy@example.org"]
    assert before.state is DeliveryState.PENDING
    for minutes in (1, 5):
        desk.clock.forward(minutes=minutes)
        make_run(run_id)
    (mail,) = mail_sink.messages()
    assert (run_of(run_id).state, mail["Message-ID"]) == (RunState.SUCCEEDED, before.message_id)
    (row,) = deliveries_of(run_id).values()
    sent = send_again(
        desk.cast.lakeside, run_id, [row.id], form_key=str(uuid.uuid4()), actor=ANA, now=desk.clock.forward(minutes=1)
    )
    assert sent == 1
    for minutes in (0, 1, 5):
        desk.clock.forward(minutes=minutes)
        make_run(run_id)
    assert [mail["Subject"][:18] for mail in mail_sink.messages()] == ["Nothing to report:"] * 2


def test_each_recipient_by_their_own_rows(desk: Desk, mail_sink: Sink) -> None:
    """C18, C19: one has no rows of their own, one is kept from all there is; the third gets a file and is told nothing
    of it."""
    schedule = desk.schedule(
        filters={"status": ["OPEN"]}, no_rows=NoRows.SEND_NOTICE, recipients=[PRIYA, TOMAS, "kim@example.org"]
    )
    with write_session() as db:
        db.execute(sa.update(Destination).where(Destination.target == PRIYA).values(own_filters=NOBODY))
        for case in db.scalars(sa.select(Case)):
            db.add(
                CaseRestriction(
                    organization_id=desk.cast.lakeside,
                    case_id=case.id,
                    kind=RestrictionKind.BY_HAND,
                    email=TOMAS,
                )
            )
    run_id = desk.made(schedule)
    assert run_of(run_id).state is RunState.SUCCEEDED
    subjects = {mail["To"]: mail["Subject"].startswith("Nothing to report") for mail in mail_sink.messages()}
    assert subjects == {PRIYA: True, TOMAS: True, "kim@example.org": False}
    (own,) = (mail for mail in mail_sink.messages() if mail["To"] == PRIYA)
    assert "Status OPEN; and Status NEW" in " ".join(own.get_body(("plain",)).get_content().split())
    assert {name: row.notice_only for name, row in deliveries_of(run_id).items()} == subjects
    assert breaches(desk) == set()


def test_only_if_something_changed(desk: Desk, mail_sink: Sink) -> None:
    """Changed: a case in scope has, or there are more or fewer, or the file is asked for otherwise; by what each
    recipient was last sent."""
    schedule = desk.schedule(filters={"status": ["OPEN"]}, send_condition={"kind": "CHANGED"})

    def sent() -> bool:
        before = len(mail_sink.messages())
        run = run_of(desk.made(schedule))
        assert run.state is RunState.SUCCEEDED
        unsaid = (
            "Nothing to report: nothing has changed since it was last sent, so nothing was sent, as the schedule asks."
        )
        assert (run.reason == unsaid) is (len(mail_sink.messages()) == before)
        return len(mail_sink.messages()) > before

    assert sent()
    assert [sent(), sent()] == [False, False]
    desk.bring(A="CLOSED")
    assert [sent(), sent()] == [True, False]
    desk.bring(Z="NEW")
    assert not sent()
    desk.bring(Y="OPEN", B="CLOSED")
    assert [sent(), sent()] == [True, False]
    with write_session() as db:
        db.execute(sa.update(Schedule).values(format_options={"delimiter": ";"}))
    assert [sent(), sent()] == [True, False]
    with write_session() as db:
        db.execute(sa.update(Destination).values(target=TOMAS))
    assert [sent(), sent()] == [True, False]
    assert breaches(desk) == set()


def test_only_from_or_up_to_a_number_of_rows(desk: Desk) -> None:
    """What was held back since the line was not crossed is not delivered: a window of changes does not move by it."""
    for condition, sent in (
        ({"kind": "ROWS", "at_least": 2}, True),
        ({"kind": "ROWS", "at_least": 3}, False),
        ({"kind": "ROWS", "at_most": 2}, True),
        ({"kind": "ROWS", "at_most": 1}, False),
    ):
        run_id = desk.made(desk.schedule(send_condition=condition))
        assert (run_of(run_id).state, bool(deliveries_of(run_id))) == (RunState.SUCCEEDED, sent), condition
    with write_session() as db:
        case_id = db.scalars(sa.select(Case.id).where(Case.case_number == "A")).one()
        kept = CaseRestriction(
            organization_id=desk.cast.lakeside, case_id=case_id, kind=RestrictionKind.BY_HAND, user_id=desk.cast.otto
        )
        db.add(kept)
    # Otto has a file to look at that does not come to the line; that holds nothing up
    schedule = desk.schedule(only_changes=True, send_condition={"kind": "ROWS", "at_least": 2})
    assert [max(each.rows for each in artifacts_of(desk.made(schedule))) for _ in range(2)] == [2, 0]
    with write_session() as db:
        db.delete(kept)
    schedule = desk.schedule(only_changes=True, send_condition={"kind": "ROWS", "at_least": 3})
    assert [artifacts_of(desk.made(schedule))[0].rows for _ in range(2)] == [2, 2]
    desk.bring(C="OPEN")
    assert [artifacts_of(desk.made(schedule))[0].rows for _ in range(2)] == [3, 0]
    assert breaches(desk) == set()


def test_pages_say_that_there_was_nothing_to_send(desk: Desk, page: Any, moved_clock: Clock) -> None:
    """On the run, in the history and at the schedule; to whoever is kept from all that others were sent, too."""
    schedule = desk.schedule(filters=NOBODY, no_rows=NoRows.SEND_NOTHING)
    run_id = desk.made(schedule)
    for path in (f"/runs/{run_id}", "/history", f"/schedules/{schedule}"):
        text = page.otto.get(path).text
        assert "Nothing to send" in text, path
        assert "so nothing was sent, as the schedule asks." in text, path
        assert "Succeeded</span>" not in text, path

    with write_session() as db:
        for case in db.scalars(sa.select(Case)):
            db.add(
                CaseRestriction(
                    organization_id=desk.cast.lakeside,
                    case_id=case.id,
                    kind=RestrictionKind.BY_HAND,
                    user_id=desk.cast.otto,
                )
            )
    for choice in (NoRows.SEND_NOTHING, NoRows.SEND_NOTICE):
        hidden = desk.schedule(no_rows=choice, name=f"Hidden {choice}")
        sent = desk.made(hidden)
        assert run_of(sent).reason == "Accepted for 1 of 1 destination."
        theirs, others = page.otto.get(f"/runs/{sent}").text, page.ana.get(f"/runs/{sent}").text
        assert ("Nothing to send" in theirs) is (choice is NoRows.SEND_NOTHING)
        assert ("holds no file" in theirs) is (choice is NoRows.SEND_NOTICE)
        assert "Download links" not in theirs
        assert "Download links" in others
        assert "Nothing to send" not in others
        assert "holds no file" not in others
