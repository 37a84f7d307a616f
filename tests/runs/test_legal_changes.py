"""No state of a run or of a recipient changes but along its table; what the table lacks raises and changes nothing."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from portal import leases
from portal.delivery import ledger
from portal.delivery.ledger import IllegalChange
from portal.models import AuditEvent, Base, Delivery, DeliveryState, Run, RunState, write_session
from portal.runs.states import IN_HAND, LEGAL, Standing, end_of
from portal.runs.transitions import IllegalTransition, change_state
from tests.runs.conftest import run_of
from tests.support.apps import Clock
from tests.support.cast import Cast
from tests.support.runs import make_run_row
from tests.support.schedules import make_schedule

S, D = RunState, DeliveryState
ADDRESS = "priya@example.org"


def everything() -> dict[str, list[Any]]:
    """All rows of all tables."""
    with write_session() as db:
        return {
            table.name: sorted(map(repr, db.execute(sa.select(table)).all())) for table in Base.metadata.sorted_tables
        }


def test_every_state_has_its_place_in_the_tables() -> None:
    assert set(LEGAL) == set(RunState)
    assert set(ledger.LEGAL) == set(DeliveryState)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (S.QUEUED, S.RUNNING),
        (S.QUEUED, S.SKIPPED),
        (S.RUNNING, S.QUEUED),
        (S.RUNNING, S.FAILED),
        (S.RUNNING, S.DELIVERING),
        (S.DELIVERING, S.SUCCEEDED),
        (S.DELIVERING, S.PARTIAL),
        (S.DELIVERING, S.FAILED),
        *((each, S.CANCELLED) for each in (S.QUEUED, S.RUNNING, S.DELIVERING)),
        *((each, S.DELIVERING) for each in (S.SUCCEEDED, S.PARTIAL, S.FAILED, S.CANCELLED)),
        (S.PARTIAL, S.SUCCEEDED),
        (S.MISSED, S.QUEUED),
    ],
)
def test_what_a_run_goes_through_is_legal_and_noted(
    app: Flask, cast: Cast, moved_clock: Clock, before: RunState, after: RunState
) -> None:
    run_id = make_run_row(cast.lakeside, make_schedule(cast.lakeside, cast.otto), before).run
    with write_session() as db:
        assert change_state(db, run_id, before, after, now=moved_clock.now(), reason="Because.")
    assert (run_of(run_id).state, run_of(run_id).reason) == (after, "Because.")
    with write_session() as db:
        event = db.scalars(sa.select(AuditEvent).where(AuditEvent.subject_id == str(run_id))).one()
    assert event.action == f"run.{after.value.lower()}"


def test_no_run_changes_along_a_way_that_is_not_in_the_table(app: Flask, cast: Cast, moved_clock: Clock) -> None:
    schedule_id = make_schedule(cast.lakeside, cast.otto)
    runs = {state: make_run_row(cast.lakeside, schedule_id, state).run for state in RunState}
    before_all = everything()
    illegal = [pair for pair in itertools.product(RunState, RunState) if pair[1] not in LEGAL[pair[0]]]
    assert len(illegal) == len(RunState) ** 2 - sum(map(len, LEGAL.values()))
    for before, after in illegal:
        with pytest.raises(IllegalTransition), write_session() as db:
            change_state(db, runs[before], before, after, now=moved_clock.now(), reason="Because.")
    assert everything() == before_all


def test_no_run_changes_from_where_it_no_longer_stands(app: Flask, cast: Cast, moved_clock: Clock) -> None:
    schedule_id = make_schedule(cast.lakeside, cast.otto)
    for stands in RunState:
        run_id = make_run_row(cast.lakeside, schedule_id, stands).run
        before_all = everything()
        for believed, after in itertools.product(RunState, RunState):
            if believed is not stands and after in LEGAL[believed]:
                with write_session() as db:
                    assert not change_state(db, run_id, believed, after, now=moved_clock.now(), reason="Because.")
        assert everything() == before_all
        with write_session() as db:
            db.execute(sa.update(Run).values(state=S.SKIPPED))  # at most one of a schedule is RUNNING


def test_no_recipient_changes_along_a_way_that_is_not_in_the_table(app: Flask, cast: Cast, moved_clock: Clock) -> None:
    schedule_id = make_schedule(cast.lakeside, cast.otto)
    rows = {
        state: make_run_row(cast.lakeside, schedule_id, S.PARTIAL, to={ADDRESS: state}).deliveries[ADDRESS]
        for state in DeliveryState
    }
    before_all = everything()
    for before, after in itertools.product(DeliveryState, DeliveryState):
        if after in ledger.LEGAL[before]:
            continue
        with pytest.raises(IllegalChange), write_session() as db:
            ledger.change(db, rows[before], before, after, attempts=1)
    assert everything() == before_all


def test_what_a_recipient_goes_through_is_legal(app: Flask, cast: Cast, moved_clock: Clock) -> None:
    schedule_id = make_schedule(cast.lakeside, cast.otto)
    for before, after in itertools.product(DeliveryState, DeliveryState):
        if after not in ledger.LEGAL[before]:
            continue
        made = make_run_row(cast.lakeside, schedule_id, S.PARTIAL, to={ADDRESS: before})
        with write_session() as db:
            ledger.change(db, made.deliveries[ADDRESS], before, after, attempts=1)
        with write_session() as db:
            assert db.get_one(Delivery, made.deliveries[ADDRESS]).state is after


def test_no_recipient_changes_from_where_it_no_longer_stands(app: Flask, cast: Cast, moved_clock: Clock) -> None:
    schedule_id = make_schedule(cast.lakeside, cast.otto)
    made = make_run_row(cast.lakeside, schedule_id, S.PARTIAL, to={ADDRESS: D.ACCEPTED})
    before_all = everything()
    for before, after in itertools.product(DeliveryState, DeliveryState):
        if before is not D.ACCEPTED and after in ledger.LEGAL[before]:
            with pytest.raises(leases.LeaseLost), write_session() as db:
                ledger.change(db, made.deliveries[ADDRESS], before, after, attempts=1)
    assert everything() == before_all


# ---- the end of a run

ROWS = st.lists(
    st.builds(
        Standing,
        destination=st.sampled_from("abc"),
        state=st.sampled_from(DeliveryState),
        settled=st.just(False),
        round=st.integers(1, 3),
    ).flatmap(
        lambda row: st.just(row) if row.state is not D.UNKNOWN else st.sampled_from([row, row._replace(settled=True)])
    ),
    min_size=1,
    max_size=6,
)


@given(ROWS)
def test_the_end_of_a_run_follows_from_its_recipients(rows: list[Standing]) -> None:
    end = end_of(rows)
    reached = {row.destination for row in rows if row.state is D.ACCEPTED or row.settled}
    if any(row.state in IN_HAND for row in rows):
        assert end is None
    elif reached == {row.destination for row in rows}:
        assert end is S.SUCCEEDED
    elif reached or D.UNKNOWN in {row.state for row in rows}:
        assert end is S.PARTIAL
    else:
        assert end is S.FAILED


@given(ROWS)
def test_settling_one_more_never_makes_a_run_worse(rows: list[Standing]) -> None:
    order = [S.FAILED, S.PARTIAL, S.SUCCEEDED]
    before = end_of(rows)
    for place, row in enumerate(rows):
        if row.state is D.UNKNOWN and before is not None:
            after = end_of([*rows[:place], row._replace(settled=True), *rows[place + 1 :]])
            assert after is not None
            assert order.index(after) >= order.index(before)
