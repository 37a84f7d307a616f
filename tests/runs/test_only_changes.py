"""C15: only what is new or changed since the last file that was delivered; the window moves by delivery alone."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from flask import Flask

from demo.mail_sink import MailSink
from portal import failpoints
from portal.case_import import load
from portal.cases import kept_list
from portal.cases.kept_from import Person
from portal.models import AuditEvent, Case, CaseRestriction, Run, RunKind, RunState, write_session
from portal.runs import recover
from portal.runs.make import make_run
from portal.runs.produce import produce_missed
from portal.runs.retry import retry_failed
from portal.schedules.freeze import last_successes
from portal.schedules.start_over import CannotStartOver, start_over
from tests.runs.changes_desk import ANA, Desk, changes_in
from tests.runs.conftest import run_of
from tests.support.apps import Clock
from tests.support.cast import Cast
from tests.support.mail import Sink
from tests.support.runs import make_run_row

PLACES = ("first-page", "stored-file", "artifact-before-commit", "settle-before-commit")


class Killed(BaseException):
    """What nothing catches: the process is gone, and its lease stays."""


@pytest.fixture
def desk(app: Flask, cast: Cast, moved_clock: Clock, tmp_path: Path) -> Desk:
    made = Desk(cast, moved_clock, tmp_path)
    made.bring(A="OPEN", B="OPEN")
    return made


def test_each_file_goes_on_from_the_last_one_delivered(desk: Desk, mail_sink: Sink) -> None:
    """Planned or pressed: whoever was delivered last is gone on from. What left the scope is not told."""
    schedule = desk.schedule(only_changes=True, filters={"status": ["OPEN", "ON_HOLD"]})
    first = desk.made(schedule)
    assert changes_in(first) == {"A": "new", "B": "new"}
    assert run_of(first).changes_from is None

    desk.bring(A="ON_HOLD", B="CLOSED", C="OPEN")
    second = desk.made(schedule)
    assert changes_in(second) == {"A": "changed", "C": "new"}
    assert run_of(second).changes_from == run_of(first).data_as_of
    assert "Only cases new or changed since Mon 2 Nov 2026, 08:01 EST" in str(mail_sink.messages()[-1])

    third = desk.made(schedule)
    assert changes_in(third) == {}
    assert run_of(third).changes_from == run_of(second).data_as_of


def test_a_period_and_changes_both_narrow(desk: Desk) -> None:
    schedule = desk.schedule(only_changes=True, period="previous_day")
    assert changes_in(desk.made(schedule)) == {}


def test_what_did_not_reach_everybody_comes_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """PARTIAL moves nothing, until a retry has reached everybody; nor does what is still being delivered."""
    schedule = desk.schedule(only_changes=True, recipients=["priya@example.org", "refused@example.org"])
    first = desk.made(schedule)
    assert run_of(first).state is RunState.PARTIAL
    desk.bring(C="OPEN")
    second = desk.made(schedule)
    assert changes_in(second) == {"A": "new", "B": "new", "C": "new"}

    monkeypatch.setattr(MailSink, "_refusal", lambda *_: None)
    retry_failed(desk.cast.lakeside, first, actor=ANA, now=desk.clock.forward(minutes=1))
    make_run(first)
    assert run_of(first).state is RunState.SUCCEEDED
    third = desk.made(schedule)
    assert changes_in(third) == {"C": "new"}
    assert run_of(third).changes_from == run_of(first).data_as_of

    retry_failed(desk.cast.lakeside, second, actor=ANA, now=desk.clock.forward(minutes=1))
    make_run(second)
    # the third was delivered and has seen more than the second, which was late
    assert changes_in(desk.made(schedule)) == {}


def test_a_missed_run_that_is_produced_late_goes_on_from_the_last_delivery(desk: Desk) -> None:
    schedule = desk.schedule(only_changes=True)
    newer = desk.made(schedule)
    desk.bring(C="OPEN")
    with write_session() as db:
        missed = make_run_row(desk.cast.lakeside, schedule, RunState.MISSED).run
        configuration = db.get_one(Run, newer).configuration
        db.execute(sa.update(Run).where(Run.id == missed).values(configuration=configuration, kind=RunKind.PLANNED))
    produce_missed(desk.cast.lakeside, missed, actor=ANA, now=desk.clock.forward(minutes=1))
    make_run(missed)
    assert changes_in(missed) == {"C": "new"}
    assert changes_in(desk.made(schedule)) == {}


def test_who_is_no_longer_kept_from_a_case_gets_it_as_a_change(desk: Desk) -> None:
    """C18: what passed them by meanwhile, although nothing else about it has changed."""
    schedule = desk.schedule(only_changes=True)
    with write_session() as db:
        case_id = db.scalars(sa.select(Case.id).where(Case.case_number == "A")).one()
    of = (desk.cast.lakeside, case_id)
    by: dict[str, Any] = {"by": Person("ana@example.org", desk.cast.ana), "actor": ANA}
    kept_list.keep_from(*of, "priya@example.org", now=desk.clock.now(), **by)
    assert changes_in(desk.made(schedule)) == {"B": "new"}
    with write_session() as db:
        entry_id = db.scalars(sa.select(CaseRestriction.id)).one()
    kept_list.let_in_again(*of, entry_id, now=desk.clock.forward(minutes=5), **by)
    assert changes_in(desk.made(schedule)) == {"A": "changed"}
    assert changes_in(desk.made(schedule)) == {}


def test_an_import_at_work_is_missed_by_nobody(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file made in the middle of an import does not hold what comes after; the next one does."""
    schedule = desk.schedule(only_changes=True)
    desk.made(schedule)
    during = {}
    run = load._run

    def interrupted(*arguments: Any, **more: Any) -> None:
        during["run"] = desk.made(schedule)
        desk.clock.forward(minutes=1)
        run(*arguments, **more)

    monkeypatch.setattr(load, "_run", interrupted)
    desk.bring(C="OPEN")
    assert changes_in(during["run"]) == {}
    assert changes_in(desk.made(schedule)) == {"C": "new"}
    assert changes_in(desk.made(schedule)) == {}


def test_starting_over_sends_everything_once_more(desk: Desk) -> None:
    """Also where a run that had settled since when it counts is delivered after the button was pressed."""
    schedule = desk.schedule(only_changes=True, recipients=["busy@example.org"])

    def delivered(run_id: uuid.UUID) -> None:
        while run_of(run_id).state is RunState.DELIVERING:
            desk.clock.forward(minutes=6)
            make_run(run_id)

    delivered(desk.made(schedule))
    desk.bring(C="OPEN")
    on_its_way = desk.made(schedule)
    start_over(desk.cast.lakeside, schedule, actor=ANA)
    delivered(on_its_way)
    assert (changes_in(on_its_way), run_of(on_its_way).state) == ({"C": "new"}, RunState.SUCCEEDED)

    everything = desk.made(schedule)
    assert changes_in(everything) == {"A": "new", "B": "new", "C": "new"}
    delivered(everything)
    assert changes_in(desk.made(schedule)) == {}
    with write_session() as db:
        events = db.scalars(sa.select(AuditEvent.action).where(AuditEvent.subject_type == "schedule")).all()
    assert events == ["schedule.changes_started_over"]
    with pytest.raises(CannotStartOver, match="nothing to start over"):
        start_over(desk.cast.lakeside, desk.schedule(), actor=ANA)


def test_pages_say_since_when_and_start_over(desk: Desk, page: Any) -> None:
    schedule = desk.schedule(only_changes=True)
    desk.made(schedule)
    second = desk.made(schedule)
    assert "Only cases new or changed since Mon 2 Nov 2026, 08:01 EST" in page.otto.get(f"/runs/{second}").words
    before = page.otto.get(f"/schedules/{schedule}")
    assert "The next run holds only cases new or changed since Mon 2 Nov 2026, 08:02 EST" in before.words
    page.otto.post(f"/schedules/{schedule}/start-over", {})
    after = page.otto.get(f"/schedules/{schedule}")
    assert "The next run holds every case, each as new" in after.words
    assert "had it start over" in after.words
    assert "Only changes" not in page.otto.get(f"/schedules/{desk.schedule()}").words


def test_a_run_that_is_taken_again_has_the_window_it_had(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed at any step, with more imported meanwhile: never a window without a delivery, and nothing lost."""
    schedule = desk.schedule(only_changes=True)
    delivered_until = run_of(desk.made(schedule)).data_as_of
    for number, place in enumerate(PLACES):
        desk.bring(**{f"N{number}": "OPEN"})

        def killed(reached: str, place: str = place) -> None:
            if reached == place:
                raise Killed

        run_id = desk.press(schedule)
        with monkeypatch.context() as patched:
            patched.setattr(failpoints, "reach", killed)
            with pytest.raises(Killed):
                make_run(run_id)
        begun = run_of(run_id).changes_settled_at
        desk.bring(**{f"M{number}": "OPEN"})
        desk.clock.forward(minutes=5)
        recover.sweep(desk.clock.now())
        assert make_run(run_id), place
        run = run_of(run_id)
        assert (run.state, run.changes_from) == (RunState.SUCCEEDED, delivered_until), place
        assert begun in {None, run.changes_settled_at}, place
        kept_before = place == "settle-before-commit"
        assert changes_in(run_id).keys() == ({f"N{number}"} if kept_before else {f"N{number}", f"M{number}"}), place
        delivered_until = run.data_as_of
        if kept_before:
            assert changes_in(desk.made(schedule)) == {f"M{number}": "new"}


def test_the_period_since_the_last_success_goes_on_from_what_was_sent(desk: Desk) -> None:
    """C5, C16: a planned run that succeeded by sending nothing of what it had is not gone on from."""
    schedule = desk.schedule(period="since_last_success", send_condition={"kind": "ROWS", "at_least": 3})
    held = desk.made(schedule)
    run = run_of(held)
    assert run.state is RunState.SUCCEEDED
    with write_session() as db:
        db.execute(sa.update(Run).where(Run.id == held).values(kind=RunKind.PLANNED))
        assert last_successes(db, [schedule]) == {schedule: None}
        db.execute(sa.text("UPDATE artifacts SET not_sent = ''"))
        assert last_successes(db, [schedule]) == {schedule: run.period_to}


@pytest.mark.parametrize("kind", ["FLAT_FILE", "INVESTIGATIONS_ONLY"])
def test_the_command_takes_an_instant(app: Flask, desk: Desk, tmp_path: Path, kind: str) -> None:
    """C15: the same rows without a run; the answer says where the next one goes on."""

    def export(*more: str) -> dict[str, Any]:
        out = tmp_path / "changes.csv"
        desk.clock.forward(minutes=1)
        asked = ["export", "--organization", "lakeside", "--type", kind, "--out", str(out), "--json", *more]
        said = app.test_cli_runner().invoke(args=asked)
        assert said.exit_code == 0, said.stderr
        return {**json.loads(said.stdout), "lines": out.read_text().splitlines()}

    before = export()
    assert "change" not in before["columns"]
    desk.bring(A="CLOSED", C="OPEN")
    after = export("--changed-since", before["complete_until"])
    assert after["columns"][-1] == "change"
    told = {line.rpartition(",")[2] for line in after["lines"][1:]}
    assert (told, after["rows"]) == ({"changed", "new"}, 2)
    assert export("--changed-since", after["complete_until"])["rows"] == 0
    book = tmp_path / "changes.xlsx"
    asked = ["--type", kind, "--out", str(book), "--changed-since", before["complete_until"], "--format", "XLSX"]
    assert app.test_cli_runner().invoke(args=["export", "--organization", "lakeside", *asked]).exit_code == 0
    about = {row[0]: row[1] for row in openpyxl.load_workbook(book)["About"].iter_rows(values_only=True)}
    assert about["Of these"] == "Only cases new or changed since Mon 2 Nov 2026, 08:01 EST"
    bad = app.test_cli_runner().invoke(
        args=["export", "--organization", "lakeside", "--out", str(tmp_path / "x"), "--changed-since", "yesterday"]
    )
    assert (bad.exit_code, len(bad.stderr.splitlines())) == (2, 1)
