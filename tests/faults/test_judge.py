"""The judge of a chaos is judged: each thing that must not happen is made to happen by hand, and is seen."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from portal.models import Delivery, DeliveryState, Run, RunState, write_session
from tests.faults import judge
from tests.faults.plan import Life, WallClock
from tests.support.cast import Cast
from tests.support.runs import make_run_row, targets
from tests.support.schedules import make_schedule

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
Journal = Callable[..., dict[str, judge.Seen]]


@pytest.fixture
def run(cast: Cast) -> uuid.UUID:
    return make_run_row(cast.lakeside, make_schedule(cast.lakeside, None), to=targets("priya@example.org")).run


@pytest.fixture
def journal(run: uuid.UUID, tmp_path: Path) -> Journal:
    """What the witness wrote of the run's one mail: an answer each time, and what differs."""

    def write(*answers: str, **more: object) -> dict[str, judge.Seen]:
        with write_session() as db:
            message_id = db.query(Delivery).one().message_id
        note: dict[str, object] = {
            "event": "got",
            "message_id": message_id,
            "rcpt": "priya@example.org",
            "sha256": "a",
            "files": [],
        }
        lines = [json.dumps({**note, "answer": answer, **more}) for answer in answers]
        (tmp_path / "mail.jsonl").write_text("\n".join([*lines, '{"event": "got", "mess']))
        return judge.read_journal(tmp_path / "mail.jsonl")

    return write


def names(breaches: object) -> list[str]:
    return [str(each).partition(":")[0] for each in breaches]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("answers", "more", "seen"),
    [
        (["250"], {}, []),
        (["451", "250"], {}, []),
        (["250", "250"], {}, ["mail too many"]),
        (["", "250"], {}, ["mail too many"]),
        (["451"], {}, ["not accepted"]),
        (["250"], {"rcpt": "eve@example.org"}, ["other recipient"]),
        (["250"], {"files": ["another"]}, ["other file"]),
    ],
)
def test_the_witness_against_the_ledger(
    journal: Journal, answers: list[str], more: dict[str, object], seen: list[str]
) -> None:
    assert names(judge.breaches_of_the_mail(journal(*answers, **more))) == seen


def test_a_mail_that_nobody_sent(journal: Journal) -> None:
    seen = journal("250") | {"<nobody@example.org>": judge.Seen()}
    assert names(judge.breaches_of_the_mail(seen)) == ["unknown mail"]


def test_a_run_that_is_left_open(run: uuid.UUID) -> None:
    assert names(judge.breaches_of_the_end()) == []
    with write_session() as db:
        db.get_one(Run, run).state = RunState.DELIVERING
        db.query(Delivery).one().state = DeliveryState.PENDING
    assert names(judge.breaches_of_the_end()) == ["stuck"]


def test_what_the_plan_misses(cast: Cast) -> None:
    schedule_id = make_schedule(cast.lakeside, None)
    life = Life(cast.lakeside, schedule_id)
    life.change(WallClock(time(8), "America/New_York"), NOW - timedelta(days=2), NOW - timedelta(days=2))
    moments = [NOW.replace(day=1, hour=13), datetime(2026, 10, 31, 12, 0, tzinfo=UTC)]  # the clocks went back between
    assert names(judge.breaches_of_the_plan([life], [], NOW)) == ["lost"] * len(life.required(NOW))
    for moment in moments:
        make_run_row(cast.lakeside, schedule_id, planned_for=moment)
    assert life.required(NOW) <= set(moments)
    assert names(judge.breaches_of_the_plan([life], [], NOW)) == []
    make_run_row(cast.lakeside, schedule_id, planned_for=moments[0])
    assert names(judge.breaches_of_the_plan([life], [], NOW)) == ["doubled"]
    make_run_row(cast.lakeside, schedule_id, planned_for=NOW - timedelta(hours=5))
    assert names(judge.breaches_of_the_plan([life], [], NOW)) == ["unplanned", "doubled"]
    assert names(judge.breaches_of_the_plan([], [uuid.uuid4()], NOW)) == ["lost"]


def test_a_pause_requires_nothing_and_an_uncertain_change_only_what_is_certain() -> None:
    life = Life(uuid.uuid4(), uuid.uuid4())
    noon = WallClock(time(12), "UTC")
    day = timedelta(days=1)
    life.change(noon, NOW - 3 * day, NOW - 3 * day + timedelta(minutes=1))
    life.change(None, NOW - day - timedelta(seconds=1), NOW - day + timedelta(seconds=1))  # about noon
    life.change(noon, NOW - timedelta(minutes=1), NOW - timedelta(minutes=1))
    assert life.required(NOW) == {NOW - 2 * day, NOW}
    assert life.allowed(NOW, timedelta(minutes=2)) == {NOW - 3 * day, NOW - 2 * day, NOW - day, NOW}
