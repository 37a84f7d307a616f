"""`flask runs` and `flask verify-artifacts`."""

from __future__ import annotations

import json

import pytest

from portal.models import Artifact, RunState, write_session
from tests.support.runs import CONTENT, MONDAY, make_run_row, stored_path, targets
from tests.support.schedules import make_schedule


@pytest.fixture
def schedule(cast, moved_clock):
    return make_schedule(cast.lakeside, cast.otto)


@pytest.fixture
def flask(app):
    return app.test_cli_runner().invoke


def test_runs_are_listed_newest_first_and_narrowed(flask, cast, schedule):
    """B13"""
    failed = make_run_row(cast.lakeside, schedule, RunState.FAILED, planned_for=MONDAY.replace(hour=9)).run
    sent = make_run_row(cast.lakeside, schedule, to=targets("priya@example.org")).run
    other = make_schedule(cast.strangers, cast.stella)
    make_run_row(cast.strangers, other, planned_for=MONDAY.replace(hour=1))
    assert [line.split()[0] for line in flask(args=["runs"]).stdout.splitlines()][:2] == [str(sent), str(failed)]
    lines = flask(args=["runs", "--schedule", str(schedule), "--state", "failed", "--json"]).stdout.splitlines()
    assert [json.loads(line)["id"] for line in lines] == [str(failed)]
    (answer,) = (
        json.loads(line)
        for line in flask(
            args=["runs", "--state", "SUCCEEDED", "--schedule", str(schedule), "--json"]
        ).stdout.splitlines()
    )
    assert answer["planned_for"] == "2026-11-02T13:00:00Z"
    assert answer["files"][0]["bytes"] == len(CONTENT)


@pytest.mark.parametrize("args", [["--schedule", "x"], ["--state", "BROKEN"]])
def test_a_wrong_filter_is_a_sentence(flask, app, args):
    answer = flask(args=["runs", *args])
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert answer.stderr.endswith(".\n")


def test_stored_files_are_compared_with_their_rows(flask, cast, schedule, monkeypatch):
    """attack 54"""
    monkeypatch.setattr("portal.commands.runs.BATCH", 2)
    made = [make_run_row(cast.lakeside, schedule, to=targets("priya@example.org")).artifact for _ in range(5)]
    answer = flask(args=["verify-artifacts"])
    assert (answer.exit_code, answer.stdout) == (0, "5 files checked, 0 of them not as they were made.\n")
    stored_path(made[1]).write_bytes(CONTENT.replace(b"OPEN", b"0PEN"))
    stored_path(made[3]).unlink()
    stored_path(made[4]).unlink()
    with write_session() as session:
        session.get_one(Artifact, made[4]).deleted_at = MONDAY
    answer = flask(args=["verify-artifacts", "--json"])
    assert answer.exit_code == 1
    told = json.loads(answer.stdout)
    assert told["checked"] == 4
    assert {each["artifact"] for each in told["bad"]} == {str(made[1]), str(made[3])}
    assert "2 of them not as they were made" in flask(args=["verify-artifacts"]).stdout
