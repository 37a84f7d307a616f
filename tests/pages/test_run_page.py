"""The page of one run (B2, B3, B10, D4, D5, G1)."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa

from portal.extensions import db
from portal.models import (
    AuditEvent,
    Delivery,
    DeliveryState,
    DownloadLink,
    Role,
    Run,
    RunKind,
    RunState,
    ScheduleState,
    User,
    write_session,
)
from portal.models import Schedule as ScheduleRow
from portal.pages.states import RUN
from tests.support.runs import CONTENT, MONDAY, make_run_row, stored_path, targets
from tests.support.schedules import make_schedule

PRIYA, TOMAS, REFUSED = "priya@example.org", "tomas@example.org", "refused@example.org"
PARTLY = {PRIYA: DeliveryState.ACCEPTED, TOMAS: DeliveryState.ACCEPTED, REFUSED: DeliveryState.REJECTED}
D = DeliveryState


@pytest.fixture
def schedule(cast, moved_clock) -> uuid.UUID:
    moved_clock.set(MONDAY + timedelta(minutes=1))
    return make_schedule(cast.lakeside, cast.otto, recipients=list(PARTLY))


RECIPIENTS = {
    RunState.DELIVERING: {PRIYA: D.ACCEPTED, TOMAS: D.PENDING, REFUSED: D.DATA},
    RunState.SUCCEEDED: targets(PRIYA, TOMAS),
    RunState.PARTIAL: PARTLY,
    RunState.FAILED: targets(REFUSED, state=D.REJECTED),
    RunState.CANCELLED: {PRIYA: D.ACCEPTED, TOMAS: D.CANCELLED},
}


@pytest.mark.parametrize("state", list(RunState))
def test_every_state_says_its_word_and_a_reason(page, cast, schedule, state):
    """B3"""
    made = make_run_row(cast.lakeside, schedule, state, to=RECIPIENTS.get(state))
    answer = page.otto.get(f"/runs/{made.run}")
    assert answer.h1 == "Run of Monday 2 November 2026, 08:00 EST"
    mark, *_ = answer.find("//p[@class='lead']//*[contains(@class, 'mark-state')]")
    assert "".join(mark.itertext()).strip() == RUN[state].word
    (lead,) = answer.find("//p[@class='lead']")
    reason = " ".join("".join(lead.itertext()).split()).removeprefix(RUN[state].word)
    assert reason.strip().endswith(".")
    assert "delivered" not in answer.words.lower()


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"state": RunState.MISSED, "reason": "Nothing was running."}, "Nothing was running."),
        ({"state": RunState.MISSED, "missed_count": 40, "missed_first": MONDAY}, "stands for 40 planned moments"),
        ({"state": RunState.SKIPPED, "reason": "Skipped: the run before was still going."}, "still going"),
        ({"state": RunState.CANCELLED, "reason": "Cancelled by ana@example.org."}, "Cancelled by ana@example.org."),
        ({"state": RunState.FAILED, "reason": "The disk is full."}, "The disk is full."),
        (
            {"state": RunState.QUEUED, "not_before": MONDAY + timedelta(minutes=5)},
            "The next try is at Mon 2 Nov 2026, 08:05",
        ),
    ],
)
def test_runs_without_a_file_are_readable_too(page, cast, schedule, columns, words):
    made = make_run_row(cast.lakeside, schedule, **columns)
    answer = page.otto.get(f"/runs/{made.run}")
    assert words in answer.words
    assert "/download" not in answer.text


def test_the_page_shows_who_was_reached_and_what_each_server_said(page, cast, schedule):
    """D4"""
    made = make_run_row(cast.lakeside, schedule, RunState.PARTIAL, to=PARTLY, folders={"reports/{year}": D.ACCEPTED})
    answer = page.otto.get(f"/runs/{made.run}")
    rows = {
        " ".join("".join(row.itertext()).split())
        for row in answer.find("//table[.//caption='Recipients by mail']/tbody/tr")
    }
    assert any(REFUSED in row and "Refused" in row and "550 5.1.1 No such mailbox here" in row for row in rows)
    assert any(PRIYA in row and "Accepted" in row and "250 2.0.0 queued as 4Q7f1x" in row for row in rows)
    (folder,) = answer.find("//table[.//caption='Folders']/tbody/tr")
    assert "Stored" in "".join(folder.itertext())
    assert "Sent to 3 of 4" in answer.words


def test_the_evidence_is_whole(page, cast, schedule):
    """G1"""
    made = make_run_row(cast.lakeside, schedule, RunState.SUCCEEDED, to=targets(PRIYA), register_as_of=MONDAY)
    answer = page.otto.get(f"/runs/{made.run}")
    (code, *_) = answer.find("//code[@class='hash']")
    import hashlib

    assert code.text == hashlib.sha256(CONTENT).hexdigest()
    for fact in (
        f"{len(CONTENT)} bytes",
        "Open cases, high and critical",
        "26 October 2026 to 1 November 2026, New York time",
        "Duepost 0.1.0",
        "revision 3",
        "6 seconds later",
        str(made.run),
    ):
        assert fact in answer.words, fact


def test_times_are_in_the_schedules_zone_and_say_so(page, cast, schedule):
    made = make_run_row(cast.lakeside, schedule, RunState.SUCCEEDED, to=targets(PRIYA))
    answer = page.otto.get(f"/runs/{made.run}")
    assert "Times in New York time (EST, UTC-05:00)" in answer.words
    assert "08:00:06" in answer.words


def test_run_now_says_who_pressed(page, cast, schedule):
    """B13"""
    made = make_run_row(cast.lakeside, schedule, kind=RunKind.RUN_NOW, requested_by="otto@example.org")
    assert "otto@example.org" in page.ana.get(f"/runs/{made.run}").words


def test_a_run_of_a_deleted_schedule_stays_readable(page, cast, schedule):
    """A11"""
    made = make_run_row(cast.lakeside, schedule, RunState.SUCCEEDED, to=targets(PRIYA))
    with write_session() as session:
        session.get_one(ScheduleRow, schedule).state = ScheduleState.DELETED
    answer = page.otto.get(f"/runs/{made.run}")
    assert "deleted since" in answer.words
    assert "/download" in answer.text


def test_hostile_text_of_a_server_stays_text(page, cast, schedule):
    """attack 26"""
    polyglot = '"><script>alert(1)</script>{{7*7}}<img src=x onerror=alert(1)>'
    made = make_run_row(cast.lakeside, schedule, RunState.PARTIAL, name=polyglot, to=PARTLY, reason=polyglot)
    with write_session() as session:
        session.execute(sa.update(Delivery).values(smtp_text=polyglot, reason=polyglot, link_reason=polyglot))
    answer = page.ana.get(f"/runs/{made.run}")
    assert polyglot in answer.words
    assert not answer.find("//main//script | //main//img")


# ---- progress


def test_an_open_run_shows_rows_written_of_rows_expected(page, cast, schedule):
    """B10"""
    made = make_run_row(cast.lakeside, schedule, RunState.RUNNING, rows_written=300, rows_expected=1200)
    answer = page.otto.get(f"/runs/{made.run}")
    (bar,) = answer.find("//progress")
    assert (bar.get("value"), bar.get("max")) == ("300", "1200")
    assert "300 of 1,200 rows written" in answer.words
    status = page.otto.get(f"/runs/{made.run}/status")
    assert status.headers["Content-Type"] == "application/json"
    assert '"value":300' in status.text.replace(" ", "")
    (box,) = answer.find("//*[@data-progress]")
    assert box.get("data-changed") in status.text


def test_the_status_changes_with_state_and_recipients(page, cast, schedule):
    made = make_run_row(cast.lakeside, schedule, RunState.DELIVERING, to={PRIYA: D.ACCEPTED, TOMAS: D.PENDING})
    before = page.otto.get(f"/runs/{made.run}/status").text
    assert "1 of 2 destinations done" in before
    with write_session() as session:
        session.execute(sa.update(Delivery).where(Delivery.target == TOMAS).values(state=D.ACCEPTED))
        session.execute(sa.update(Run).values(state=RunState.SUCCEEDED))
    after = page.otto.get(f"/runs/{made.run}/status").text
    assert '"open":false' in after.replace(" ", "")
    assert before != after


def test_a_run_that_is_over_asks_nothing_more(page, cast, schedule):
    made = make_run_row(cast.lakeside, schedule, RunState.SUCCEEDED, to=targets(PRIYA))
    answer = page.otto.get(f"/runs/{made.run}")
    assert not answer.find("//progress | //noscript")
    assert "progress.js" not in answer.text


# ---- try again


def test_trying_again_changes_only_those_not_reached(page, cast, schedule):
    """D5"""
    made = make_run_row(cast.lakeside, schedule, RunState.PARTIAL, to=PARTLY)
    before = page.otto.get(f"/runs/{made.run}")
    assert "Try the refused one again" in before.words
    answer = page.otto.submit(before, action=f"/runs/{made.run}/retry")
    assert (answer.status, answer.location) == (303, f"/runs/{made.run}")
    states = dict(db.session.execute(sa.select(Delivery.target, Delivery.state)).all())
    assert states == {PRIYA: D.ACCEPTED, TOMAS: D.ACCEPTED, REFUSED: D.PENDING}
    assert db.session.scalar(sa.select(Run.state)) is RunState.DELIVERING


def test_trying_again_with_nobody_left_says_why(page, cast, schedule):
    made = make_run_row(cast.lakeside, schedule, RunState.SUCCEEDED, to=targets(PRIYA))
    assert "again" not in [form.get("action") for form in page.otto.get(f"/runs/{made.run}").find("//main//form")]
    page.otto.post(f"/runs/{made.run}/retry")
    assert "There is nothing to try again" in page.otto.get(f"/runs/{made.run}").words


def test_an_auditor_sees_and_changes_nothing(page, cast, schedule):
    """E2, attack 7"""
    made = make_run_row(cast.lakeside, schedule, RunState.PARTIAL, to=PARTLY, link={})
    with write_session() as session:
        session.get_one(User, cast.otto).role = Role.AUDITOR
    answer = page.otto.get(f"/runs/{made.run}")
    assert not answer.find("//main//form | //main//a[contains(@href, '/download')]")
    assert page.otto.post(f"/runs/{made.run}/retry").status == 403
    assert page.otto.post(f"/links/{made.deliveries[PRIYA]}/revoke").status == 403


def test_a_link_is_revoked_from_the_page(page, cast, schedule):
    """D7"""
    made = make_run_row(cast.lakeside, schedule, RunState.SUCCEEDED, to=targets(PRIYA, TOMAS), link={})
    before = page.otto.get(f"/runs/{made.run}")
    page.otto.submit(before, action=f"/links/{made.deliveries[PRIYA]}/revoke")
    after = page.otto.get(f"/runs/{made.run}")
    assert after.words.count("Revoked") == 1
    revoked = db.session.scalars(sa.select(DownloadLink.delivery_id).where(DownloadLink.revoked_at.is_not(None))).all()
    assert revoked == [made.deliveries[PRIYA]]


def test_technical_details_are_for_admins(page, cast, schedule):
    made = make_run_row(
        cast.lakeside, schedule, RunState.FAILED, error_message="It broke.", error_details="Traceback of it"
    )
    assert "Traceback of it" in page.ana.get(f"/runs/{made.run}").words
    assert "Traceback of it" not in page.otto.get(f"/runs/{made.run}").words


def test_strangers_and_wrong_ids_get_the_same_404(page, cast, schedule):
    """E1, attack 6"""
    made = make_run_row(cast.lakeside, schedule, RunState.SUCCEEDED, to=targets(PRIYA))
    for path in ("/runs/{}", "/runs/{}/status", "/artifacts/{}/download"):
        theirs = made.artifact if "artifacts" in path else made.run
        at_theirs, at_none = page.stella.get(path.format(theirs)), page.stella.get(path.format(uuid.uuid4()))
        assert (at_theirs.status, at_none.status) == (404, 404)
        assert at_theirs.data == at_none.data


def test_the_page_asks_no_more_for_many_recipients(page, cast, schedule):
    few = make_run_row(cast.lakeside, schedule, RunState.SUCCEEDED, to=targets(PRIYA), link={})
    many = make_run_row(
        cast.lakeside, schedule, RunState.SUCCEEDED, to=targets(*(f"p{n}@example.org" for n in range(60))), link={}
    )
    first, second = page.ana.get(f"/runs/{few.run}"), page.ana.get(f"/runs/{many.run}")
    assert len(second.statements) <= len(first.statements) <= 20


def test_what_was_downloaded_and_by_whom_is_on_record(page, cast, schedule):
    """G2"""
    made = make_run_row(cast.lakeside, schedule, RunState.SUCCEEDED, to=targets(PRIYA))
    assert stored_path(made.artifact).read_bytes() == CONTENT
    page.otto.get(f"/artifacts/{made.artifact}/download")
    event = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "artifact.downloaded")).one()
    assert (event.actor_name, event.subject_id) == ("otto@example.org", str(made.artifact))
    assert "artifact.downloaded" in page.ana.get(f"/runs/{made.run}").words
