"""All runs of the organization, filtered, paged by key, as CSV (B13)."""

from __future__ import annotations

import csv
import io
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from portal.cases.kept_from import Person
from portal.extensions import db
from portal.models import Run, RunKind, RunState
from portal.runs.history import Cursor, Wanted, all_runs, page_of_runs
from portal.runs.viewer import Viewer
from tests.support.runs import CONTENT, MONDAY, make_run_row, targets
from tests.support.schedules import make_schedule


@pytest.fixture
def schedule(cast, moved_clock) -> uuid.UUID:
    moved_clock.set(MONDAY + timedelta(hours=3))
    return make_schedule(cast.lakeside, cast.otto)


def many(cast, schedule, count: int, **columns) -> list[uuid.UUID]:
    """Ids, newest first; every third shares its moment with the one before."""
    moments = [MONDAY - timedelta(hours=number - (number % 3 == 2)) for number in range(count)]
    ids = [make_run_row(cast.lakeside, schedule, planned_for=moment, **columns).run for moment in moments]
    rows = db.session.execute(sa.select(Run.id).order_by(Run.planned_for.desc(), Run.id.desc()))
    in_order = [row.id for row in rows if row.id in ids]
    db.session.rollback()
    return in_order


def shown(answer) -> list[str]:
    return [link.get("href").removeprefix("/runs/") for link in answer.find("//table//a[starts-with(@href, '/runs/')]")]


def follow(client, answer, rel: str):
    (link,) = answer.find(f"//a[@rel='{rel}']")
    return client.get(link.get("href"))


def test_a_row_tells_what_was_made_and_who_pressed(page, cast, schedule):
    """B13"""
    made = make_run_row(
        cast.lakeside, schedule, to=targets("priya@example.org"), kind=RunKind.RUN_NOW, requested_by="otto@example.org"
    )
    answer = page.ana.get("/history")
    assert answer.h1 == "History"
    assert shown(answer) == [str(made.run)]
    for fact in ("Mon 2 Nov 2026, 08:00 EST", "Open cases", "Succeeded", "otto@ example.org", f"{len(CONTENT)} Bytes"):
        assert fact in answer.words
    assert answer.find(f"//a[@href='/artifacts/{made.artifact}/download']")


def test_nothing_yet_teaches(page, cast, moved_clock):
    assert "No runs yet" in page.ana.get("/history").words


def test_strangers_see_their_own(page, cast, schedule):
    """E1"""
    make_run_row(cast.lakeside, schedule, to=targets("priya@example.org"))
    assert shown(page.stella.get("/history")) == []
    assert page.stella.get(f"/history?schedule={schedule}").status == 404
    lines = page.stella.get(f"/history.csv?schedule={schedule}").text.splitlines()
    assert len(lines) == 1


def test_paging_by_key_misses_and_repeats_nothing(page, cast, schedule):
    ids = many(cast, schedule, 120)
    answer = page.ana.get("/history")
    seen = shown(answer)
    assert not answer.find("//a[@rel='prev']")
    # a new run comes in while somebody reads on
    make_run_row(cast.lakeside, schedule, planned_for=MONDAY + timedelta(hours=1))
    second = follow(page.ana, answer, "next")
    third = follow(page.ana, second, "next")
    assert [*seen, *shown(second), *shown(third)] == [str(each) for each in ids]
    assert not third.find("//a[@rel='next']")
    assert shown(follow(page.ana, third, "prev")) == shown(second)


def test_a_page_costs_the_same_at_the_end(cast, schedule, page):
    """At most 20 statements, which the client checks; and no more for the last page than for the first."""
    many(cast, schedule, 60, to=targets("priya@example.org"))
    first = page.ana.get("/history")
    assert len(follow(page.ana, first, "next").statements) <= len(first.statements)


@pytest.mark.parametrize("cursor", ["x", "1_2", "20261102T130000.000000_", "99999999T999999.0_" + "0" * 32, "é" * 300])
def test_a_place_that_does_not_exist_is_the_beginning(page, cast, schedule, cursor):
    made = make_run_row(cast.lakeside, schedule)
    assert shown(page.ana.get("/history", query_string={"older_than": cursor})) == [str(made.run)]


def test_a_cursor_is_exact():
    cursor = Cursor(datetime(2026, 11, 2, 13, 0, 0, 123_457, tzinfo=UTC), uuid.uuid4())
    assert Cursor.from_text(cursor.to_text()) == cursor


def test_filters_narrow_and_are_kept(page, cast, schedule):
    other = make_schedule(cast.lakeside, cast.otto, name="Board summary")
    failed = make_run_row(cast.lakeside, schedule, RunState.FAILED, planned_for=MONDAY - timedelta(days=1)).run
    board = make_run_row(
        cast.lakeside, other, name="Board summary", kind=RunKind.RUN_NOW, requested_by_id=cast.otto
    ).run
    old = make_run_row(cast.lakeside, schedule, planned_for=MONDAY - timedelta(days=40)).run

    def found(**query: str) -> set[uuid.UUID]:
        return {uuid.UUID(each) for each in shown(page.ana.get("/history", query_string=query))}

    assert found() == {failed, board, old}
    assert found(state="FAILED") == {failed}
    assert found(name="board") == {board}
    assert found(name="%") == set()
    assert found(schedule=str(other)) == {board}
    assert found(since="2026-10-25") == {failed, board}
    assert found(until="2026-11-01") == {failed, old}
    assert found(since="2026-11-01", until="2026-11-01") == {failed}
    assert found(who=str(cast.otto)) == {board}
    assert found(who="plan") == {failed, old}
    answer = page.ana.get("/history?state=FAILED&since=2026-10-25")
    assert answer.find("//select[@name='state']/option[@selected]")[0].get("value") == "FAILED"
    assert answer.find("//input[@name='since']")[0].get("value") == "2026-10-25"
    assert "state=FAILED" in answer.find("//a[contains(@href, '/history.csv')]")[0].get("href")


def test_days_are_those_of_the_reader(page, cast, schedule):
    """Ana's organization is in New York: 03:00 UTC on 3 November is still the 2nd there."""
    late = make_run_row(cast.lakeside, schedule, planned_for=datetime(2026, 11, 3, 3, 0, tzinfo=UTC)).run
    assert shown(page.ana.get("/history?since=2026-11-02&until=2026-11-02")) == [str(late)]
    assert shown(page.ana.get("/history?since=2026-11-03")) == []


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("since=yesterday", "A date looks like"),
        ("until=2026-02-31", "A date looks like"),
        ("since=2026-11-03&until=2026-11-01", "The last day is before the first."),
    ],
)
def test_a_wrong_date_is_said_at_its_field_and_kept(page, cast, schedule, query, words):
    answer = page.ana.get(f"/history?{query}")
    assert words in answer.words
    assert answer.find("//input[@aria-invalid='true']")


def test_the_csv_holds_the_whole_list_made_harmless(page, cast, schedule):
    """attack 30"""
    many(cast, schedule, 60)
    hostile = make_run_row(
        cast.lakeside, schedule, name="=cmd|' /C calc'!A0", to=targets("priya@example.org"), reason='+1";=1'
    )
    answer = page.ana.get("/history.csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="runs.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == 61
    (row,) = [row for row in rows if row["run_id"] == str(hostile.run)]
    assert row["schedule"] == "'=cmd|' /C calc'!A0"
    assert row["reason"] == "'+1\";=1"
    assert (row["planned_for"], row["rows"], row["bytes"]) == ("2026-11-02T13:00:00Z", "1", str(len(CONTENT)))
    assert page.ana.get("/history.csv?state=FAILED").text.count("\n") == 1


def test_the_list_goes_by_its_index(app, cast, schedule):
    """No sort over all runs, no scan of all organizations."""
    postgresql = db.engine.dialect.name == "postgresql"
    explain = "EXPLAIN" if postgresql else "EXPLAIN QUERY PLAN"
    statements: list[tuple[str, Any]] = []

    def note(_conn, _cursor, statement, parameters, *_):
        statements.append((statement, parameters))

    sa.event.listen(db.engine, "before_cursor_execute", note)
    viewer = Viewer(cast.lakeside, Person("ana@example.org", cast.ana))
    page_of_runs(db.session(), cast.lakeside, Wanted(), viewer=viewer, older_than=Cursor(MONDAY, uuid.uuid4()))
    sa.event.remove(db.engine, "before_cursor_execute", note)
    statement, parameters = next(pair for pair in statements if "FROM runs" in pair[0])
    connection = db.session.connection()
    if postgresql:  # which would rather read a table as small as this one whole
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    plan = [row[-1] for row in connection.exec_driver_sql(f"{explain} {statement}", parameters)]
    assert any("ix_runs_history" in line for line in plan), plan
    assert not any("TEMP B-TREE" in line or "Sort" in line for line in plan), plan


def test_all_runs_go_on_past_one_batch(app, cast, schedule, monkeypatch):
    monkeypatch.setattr("portal.runs.history.BATCH", 7)
    ids = many(cast, schedule, 30)
    assert [row.id for row in all_runs(db.session(), cast.lakeside, Wanted(), viewer=None)] == ids
    assert [row.id for row in all_runs(db.session(), None, Wanted(schedule_id=schedule), viewer=None)] == ids


def test_open_runs_have_no_end_and_no_file(page, cast, schedule):
    make_run_row(cast.lakeside, schedule, RunState.QUEUED)
    (row,) = page.ana.get("/history").find("//tbody/tr")
    assert "Queued" in "".join(row.itertext())
