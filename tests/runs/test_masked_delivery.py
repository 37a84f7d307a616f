"""C17: one run, a file for those inside and a masked one for those outside; nothing outside tells what is masked."""

from __future__ import annotations

from flask import Flask

from portal.models import DeliveryState, ExportFormat, ExportType
from tests.exports.hidden_register import ADDRESS, HIDDEN, fill_hidden
from tests.runs.changes_desk import Desk, artifacts_of
from tests.runs.conftest import deliveries_of
from tests.support.apps import Clock
from tests.support.cast import Cast
from tests.support.mail import Sink, attachment_of

INSIDE, OUTSIDE = "otto@example.org", "auditor@outside.example"


def test_who_is_outside_gets_a_file_and_a_mail_without_what_is_masked(
    app: Flask, cast: Cast, moved_clock: Clock, tmp_path, mail_sink: Sink
) -> None:
    fill_hidden(cast.lakeside)
    desk = Desk(cast, moved_clock, tmp_path)
    run_id = desk.made(
        desk.schedule(
            export_type=ExportType.CASES_ONLY,
            format=ExportFormat.CSV,
            filters={"assignee": [ADDRESS], "business_unit": [f"{HIDDEN} ward"]},
            recipients=[INSIDE, OUTSIDE],
            folders=["reports/{schedule}"],
        )
    )
    assert {each.state for each in deliveries_of(run_id).values()} == {DeliveryState.ACCEPTED}
    assert sorted(each.masking for each in artifacts_of(run_id)) == ["EXTERNAL", "NONE"]
    mails = {mail["To"]: mail for mail in mail_sink.messages()}
    assert set(mails) == {INSIDE, OUTSIDE}
    assert HIDDEN in attachment_of(mails[INSIDE]).decode()
    theirs = mails[OUTSIDE]
    told = [str(theirs), *(part.get_content() for part in theirs.walk() if part.get_content_maintype() == "text")]
    assert not [words for words in (*told, attachment_of(theirs).decode()) if HIDDEN.casefold() in words.casefold()]
