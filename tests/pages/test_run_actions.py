"""What a person does about a run on its page: cancel, produce, settle, send again (B9, B4, D4, D5)."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from portal.extensions import db
from portal.models import (
    AuditEvent,
    Delivery,
    DeliveryState,
    Role,
    Run,
    RunKind,
    RunState,
    Schedule,
    ScheduleState,
    User,
    write_session,
)
from tests.support.runs import MONDAY, make_run_row, targets
from tests.support.schedules import make_schedule

PRIYA, TOMAS, REFUSED = "priya@example.org", "tomas@example.org", "refused@example.org"
D = DeliveryState
UNCERTAIN = {PRIYA: D.ACCEPTED, TOMAS: D.UNKNOWN}
LIVE: dict[str, Any] = {"lease_owner": "host:1:abcd", "lease_until": MONDAY + timedelta(minutes=3)}


@pytest.fixture
def schedule(cast, moved_clock) -> uuid.UUID:
    moved_clock.set(MONDAY + timedelta(minutes=1))
    return make_schedule(cast.lakeside, cast.otto, recipients=[PRIYA, TOMAS, REFUSED])


def actions(answer) -> set[str]:
    """What may be done on the page, by the last part of the address."""
    return {form.get("action").rsplit("/", 1)[1] for form in answer.find("//main//form")}


def run_state() -> RunState:
    return db.session.execute(sa.select(Run.state)).scalar_one()


# ---- cancel


@pytest.mark.parametrize(
    ("state", "more", "says"),
    [
        (RunState.QUEUED, {}, "Nothing is made or sent."),
        (RunState.RUNNING, LIVE, "The file is not finished and nobody receives it."),
        (RunState.DELIVERING, {"to": {PRIYA: D.ACCEPTED, TOMAS: D.PENDING}}, "1 destination of 2 will not receive"),
    ],
)
def test_an_open_run_is_cancelled_from_its_page(page, cast, schedule, state, more, says):
    """B9"""
    made = make_run_row(cast.lakeside, schedule, state, **more)
    before = page.otto.get(f"/runs/{made.run}")
    assert says in before.words
    answer = page.otto.submit(before, action=f"/runs/{made.run}/cancel")
    assert (answer.status, answer.location) == (303, f"/runs/{made.run}")
    after = page.otto.get(answer.location)
    assert run_state() is RunState.CANCELLED
    assert "This run is cancelled. Nothing more of it is sent." in after.words
    assert "Cancelled by otto@example.org" in after.find("//p[@class='lead']")[0].xpath("string()")
    assert "cancel" not in actions(after)


def test_a_run_in_a_workers_hands_is_said_to_be_being_cancelled(page, cast, schedule):
    to = {PRIYA: D.ACCEPTED, TOMAS: D.DATA, REFUSED: D.PENDING}
    made = make_run_row(cast.lakeside, schedule, RunState.DELIVERING, to=to, **LIVE)
    before = page.otto.get(f"/runs/{made.run}")
    status = page.otto.get(f"/runs/{made.run}/status").text
    page.otto.submit(before, action=f"/runs/{made.run}/cancel")
    after = page.ana.get(f"/runs/{made.run}")
    assert "Being cancelled by otto@example.org" in after.words
    assert "cancel" not in actions(after)
    assert "Cancel asked" in after.words  # the admin's technical details
    assert page.otto.get(f"/runs/{made.run}/status").text != status  # an open page is fetched anew
    assert "Being cancelled by otto@example.org" in page.otto.get("/history").words


@pytest.mark.parametrize("state", [RunState.SUCCEEDED, RunState.MISSED, RunState.CANCELLED, RunState.SKIPPED])
def test_what_is_over_offers_no_cancel_and_says_so_to_a_page_that_was_open(page, cast, schedule, state):
    made = make_run_row(cast.lakeside, schedule, state)
    assert "cancel" not in actions(page.otto.get(f"/runs/{made.run}"))
    page.otto.post(f"/runs/{made.run}/cancel")
    assert "over already" in page.otto.get(f"/runs/{made.run}").words
    assert run_state() is state


# ---- produce


def test_what_was_missed_is_produced_from_its_page(page, cast, schedule):
    """B4"""
    made = make_run_row(
        cast.lakeside, schedule, RunState.MISSED, reason="Missed: nothing was running when it fell due."
    )
    before = page.otto.get(f"/runs/{made.run}")
    assert "26 October 2026 to 1 November 2026" in before.find("//form[contains(@action, 'produce')]")[0].xpath(
        "string()"
    )
    page.otto.submit(before, action=f"/runs/{made.run}/produce")
    run = db.session.scalars(sa.select(Run)).one()
    assert (run.state, run.kind) == (RunState.QUEUED, RunKind.CATCH_UP)
    after = page.otto.get(f"/runs/{made.run}")
    assert "Missed at its time; otto@example.org asked to produce it now." in after.words
    assert "otto@example.org, after it was missed" in after.words
    assert "otto@example.org" in page.otto.get("/history").words


def test_of_a_row_for_many_the_page_says_that_the_last_is_produced(page, cast, schedule):
    reason = "Missed 40 times: nothing was running when it fell due."
    first = MONDAY - timedelta(weeks=39)
    made = make_run_row(cast.lakeside, schedule, RunState.MISSED, reason=reason, missed_count=40, missed_first=first)
    before = page.otto.get(f"/runs/{made.run}")
    assert "This stands for 40 planned moments" in before.words
    assert "Of the 40 moments that this stands for, the last one is produced: Mon 2 Nov 2026, 08:00" in before.words
    assert reason in page.otto.get("/history").words
    page.otto.submit(before, action=f"/runs/{made.run}/produce")
    after = page.otto.get(f"/runs/{made.run}")
    assert "The 39 planned moments before this one" in after.words
    assert "stayed missed" in after.words
    assert "39 before it missed" in page.otto.get("/history").words
    assert ",40," in page.otto.get("/history.csv").text


def test_nothing_is_offered_where_the_schedule_is_gone(page, cast, schedule):
    made = make_run_row(cast.lakeside, schedule, RunState.MISSED)
    with write_session() as session:
        session.get_one(Schedule, schedule).state = ScheduleState.DELETED
    assert "produce" not in actions(page.otto.get(f"/runs/{made.run}"))
    page.otto.post(f"/runs/{made.run}/produce")
    assert "can no longer be produced" in page.otto.get(f"/runs/{made.run}").words


# ---- settle


def test_they_have_it_is_said_with_a_name_and_never_called_accepted(page, cast, schedule):
    """D4"""
    made = make_run_row(cast.lakeside, schedule, RunState.PARTIAL, to=UNCERTAIN)
    before = page.otto.get(f"/runs/{made.run}")
    page.otto.submit(before, action=f"/deliveries/{made.deliveries[TOMAS]}/confirm")
    after = page.ana.get(f"/runs/{made.run}")
    (row,) = [
        each
        for each in after.find("//table[.//caption='Recipients by mail']/tbody/tr")
        if TOMAS in each.xpath("string()")
    ]
    words = " ".join(row.xpath("string()").split())
    assert "Confirmed by otto@example.org: they have it." in words
    assert "Accepted" not in words
    assert "Not certain" not in words
    assert "Sent to 2 of 2" in after.words
    assert run_state() is RunState.SUCCEEDED
    assert not {"confirm", "resend"} & actions(after)
    assert "delivery.confirmed" in after.words  # the audit entries of the run


def test_an_uncertain_one_is_sent_again(page, cast, schedule):
    made = make_run_row(cast.lakeside, schedule, RunState.PARTIAL, to=UNCERTAIN)
    before = page.otto.get(f"/runs/{made.run}")
    page.otto.submit(before, action=f"/deliveries/{made.deliveries[TOMAS]}/resend")
    assert db.session.scalar(sa.select(Delivery.state).where(Delivery.target == TOMAS)) is D.PENDING
    assert run_state() is RunState.DELIVERING
    assert "The same message is being sent again to tomas@example.org." in page.otto.get(f"/runs/{made.run}").words


def test_it_is_settled_while_others_are_still_tried(page, cast, schedule):
    made = make_run_row(cast.lakeside, schedule, RunState.DELIVERING, to={**UNCERTAIN, REFUSED: D.PENDING})
    before = page.otto.get(f"/runs/{made.run}")
    page.otto.submit(before, action=f"/deliveries/{made.deliveries[TOMAS]}/confirm")
    assert run_state() is RunState.DELIVERING
    assert "1 confirmed by a person" in page.otto.get(f"/runs/{made.run}").words


def test_what_is_certain_is_not_settled(page, cast, schedule):
    made = make_run_row(cast.lakeside, schedule, RunState.PARTIAL, to=UNCERTAIN)
    for verb in ("confirm", "resend"):
        page.otto.post(f"/deliveries/{made.deliveries[PRIYA]}/{verb}")
        assert "Nothing is uncertain about priya@example.org" in page.otto.get(f"/runs/{made.run}").words
    assert db.session.scalar(sa.select(sa.func.count()).select_from(AuditEvent)) == 0


# ---- send again


def test_the_stored_file_is_sent_again_to_those_chosen_once(page, cast, schedule):
    """D5"""
    to = {PRIYA: D.ACCEPTED, TOMAS: D.ACCEPTED, REFUSED: D.REJECTED}
    made = make_run_row(cast.lakeside, schedule, RunState.PARTIAL, to=to, link={})
    before = page.otto.get(f"/runs/{made.run}")
    form = f"/runs/{made.run}/send-again"
    chosen = {"to": [str(made.deliveries[PRIYA]), str(made.deliveries[REFUSED])]}
    assert page.otto.submit(before, chosen, action=form).status == 303
    assert "being sent again to 2 people" in page.otto.get(f"/runs/{made.run}").words
    page.otto.submit(before, chosen, action=form)  # the back button
    after = page.otto.get(f"/runs/{made.run}")
    assert "That was asked for already." in after.words
    rows = db.session.execute(sa.select(Delivery.round, Delivery.target, Delivery.state)).all()
    assert sorted((number, target) for number, target, _ in rows if number == 2) == [(2, PRIYA), (2, REFUSED)]
    # at the person and at the link
    assert after.words.count("sent again, round 2") == 2 * 2
    assert run_state() is RunState.DELIVERING
    assert "send-again" not in actions(after)


def test_nobody_chosen_and_nonsense_chosen_is_a_sentence(page, cast, schedule):
    made = make_run_row(cast.lakeside, schedule, RunState.SUCCEEDED, to=targets(PRIYA))
    before = page.otto.get(f"/runs/{made.run}")
    for chosen in ({}, {"to": ["' OR 1=1", "\x00"]}):
        page.otto.submit(before, chosen, action=f"/runs/{made.run}/send-again")
        assert "Choose at least one person" in page.otto.get(f"/runs/{made.run}").words
    page.otto.post(f"/runs/{made.run}/send-again", {"to": str(made.deliveries[PRIYA])})
    assert "not sent whole" in page.otto.get(f"/runs/{made.run}").words
    assert run_state() is RunState.SUCCEEDED


def test_an_uncertain_one_and_a_folder_are_not_offered(page, cast, schedule):
    made = make_run_row(cast.lakeside, schedule, RunState.PARTIAL, to=UNCERTAIN, folders={"board": D.ACCEPTED})
    boxes = page.otto.get(f"/runs/{made.run}").find("//input[@name='to']")
    assert [box.get("value") for box in boxes] == [str(made.deliveries[PRIYA])]


# ---- rights, and what cannot be repaired here


@pytest.mark.parametrize(
    ("state", "more"),
    [
        (RunState.QUEUED, {}),
        (RunState.MISSED, {}),
        (RunState.PARTIAL, {"to": {**UNCERTAIN, REFUSED: D.REJECTED}, "link": {}}),
    ],
)
@pytest.mark.parametrize("role", [Role.VIEWER, Role.AUDITOR])
def test_who_may_only_look_is_offered_nothing_and_changes_nothing(page, cast, schedule, state, more, role):
    """E2, attack 7"""
    made = make_run_row(cast.lakeside, schedule, state, **more)
    with write_session() as session:
        session.get_one(User, cast.otto).role = role
    assert actions(page.otto.get(f"/runs/{made.run}")) == set()
    for verb in ("cancel", "produce", "retry", "send-again"):
        assert page.otto.post(f"/runs/{made.run}/{verb}").status == 403
    for delivery in made.deliveries.values():
        for verb in ("confirm", "resend"):
            assert page.otto.post(f"/deliveries/{delivery}/{verb}").status == 403
    assert run_state() is state
    assert db.session.scalar(sa.select(sa.func.count()).select_from(AuditEvent)) == 0


def test_a_run_that_failed_without_a_file_says_what_to_do(page, cast, schedule):
    made = make_run_row(cast.lakeside, schedule, RunState.FAILED, reason="The disk is full.")
    answer = page.otto.get(f"/runs/{made.run}")
    assert "press Run now: its period counts from the moment you press" in answer.words
    assert actions(answer) == set()


def test_the_history_says_why(page, cast, schedule):
    """B3, B13"""
    reasons = {
        RunState.SKIPPED: "Skipped: the run before was still going when the next one came.",
        RunState.MISSED: "Missed: nothing was running when it fell due.",
        RunState.CANCELLED: "Cancelled by ana@example.org before it was begun.",
        RunState.FAILED: "The disk is full.",
    }
    for state, reason in reasons.items():
        make_run_row(cast.lakeside, schedule, state, reason=reason)
    make_run_row(cast.lakeside, schedule, RunState.CANCELLED)
    words = page.otto.get("/history").words
    for reason in reasons.values():
        assert reason in words
    assert "It was cancelled." in words
