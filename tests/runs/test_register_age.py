"""Every file, mail and download says when the register was last imported, or that no import is on record (A13)."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import openpyxl
import pytest
import sqlalchemy as sa
from flask import Flask

from portal import audit
from portal.delivery.links import link_token
from portal.models import CaseImport, DownloadLink, ExportFormat, ImportState, OnBlackout, Run, write_session
from portal.runs.make import make_run
from portal.schedules.blackouts import Entry, add_days
from portal.schedules.start_due import start_due
from tests.support.cast import Cast
from tests.support.mail import Sink, attachment_of
from tests.support.schedules import make_schedule

NewRun = Callable[..., uuid.UUID]
IMPORTED = datetime(2026, 11, 2, 10, 40, tzinfo=UTC)
IN_WORDS = "Mon 2 Nov 2026, 05:40 EST"
NONE = "no import is on record"


def imports(cast: Cast) -> None:
    """One that succeeded, an older one, a later one that failed, and a stranger's."""
    found = [
        (cast.lakeside, IMPORTED, ImportState.SUCCEEDED),
        (cast.lakeside, IMPORTED - timedelta(days=1), ImportState.SUCCEEDED),
        (cast.lakeside, IMPORTED + timedelta(minutes=9), ImportState.FAILED),
        (cast.strangers, IMPORTED + timedelta(minutes=9), ImportState.SUCCEEDED),
    ]
    with write_session() as session:
        session.add_all(
            CaseImport(
                organization_id=organization_id, source="test", files=[], state=state, counts={},
                started_at=at, finished_at=at,
            )
            for organization_id, at, state in found
        )  # fmt: skip


@pytest.mark.parametrize("words", [IN_WORDS, NONE])
def test_reader_of_the_file_the_mail_and_the_link_is_told(
    app: Flask, cast: Cast, page, new_run: NewRun, mail_sink: Sink, words: str
) -> None:
    if words == IN_WORDS:
        imports(cast)
    run_id = new_run(format=ExportFormat.XLSX)
    make_run(run_id)
    (message,) = mail_sink.messages()
    sheet = openpyxl.load_workbook(io.BytesIO(attachment_of(message)))["About"]
    cover = {row[0]: row[1] for row in sheet.iter_rows(values_only=True)}
    assert cover["Register last imported"] == words
    assert f"last imported: {words}" in message.get_body(("plain",)).get_content()
    assert words in message.get_body(("html",)).get_content()
    with write_session() as session:
        link = session.scalars(sa.select(DownloadLink)).one()
    assert f"Register last imported {words}" in page.nobody().get(f"/d/{link_token(link.id)}").words
    assert f"Register last imported {words}" in page.otto.get(f"/runs/{run_id}").words


def test_the_page_of_a_run_says_what_it_waits_for(app: Flask, cast: Cast, page, moved_clock) -> None:
    weekdays = {"freq": "weekly", "weekdays": [1, 2, 3, 4, 5], "time": "06:00"}
    make_schedule(cast.lakeside, cast.otto, rule=weekdays, ready_by="12:00", now=moved_clock.now() - timedelta(hours=2))
    start_due(moved_clock.now())
    with write_session() as session:
        run = session.scalars(sa.select(Run)).one()
    told = page.otto.get(f"/runs/{run.id}").words
    assert "Waits for the import of the day, until Mon 2 Nov 2026, 12:00 EST at the latest." in told
    assert "The next try" not in told
    assert "once the import of the day is in, between 06:00 and 12:00" in told


def test_the_page_of_a_moved_run_keeps_where_it_comes_from(app: Flask, cast: Cast, page, moved_clock) -> None:
    monday = [Entry(date(2026, 11, 2), "Works day")]
    before = moved_clock.now() - timedelta(days=2)
    make_schedule(cast.lakeside, cast.otto, on_blackout=OnBlackout.MOVE, now=before)
    add_days(cast.lakeside, monday, source="typed", actor=audit.operator, now=before)
    moved_clock.set(datetime(2026, 11, 3, 13, 0, 5, tzinfo=UTC))
    start_due(moved_clock.now())
    with write_session() as session:
        run = session.scalars(sa.select(Run)).one()
        session.execute(sa.update(Run).values(reason="Something that came later."))
    assert "Tue 3 Nov 2026, 08:00 EST Moved from Mon 2 Nov 2026, Works day." in page.otto.get(f"/runs/{run.id}").words
