"""C17: one run, a file for those inside and a masked one for those outside; nothing outside tells what is masked."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from flask import Flask

from portal import clock
from portal.models import Delivery, DeliveryState, ExportFormat, ExportType, Role, User, write_session
from portal.runs.make import make_run
from portal.runs.send_again import send_again
from tests.exports.hidden_register import ADDRESS, HIDDEN, fill_hidden
from tests.runs.changes_desk import ANA, Desk, artifacts_of
from tests.runs.conftest import deliveries_of
from tests.support.apps import Clock
from tests.support.cast import LONG_AGO, Cast
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


def test_who_is_outside_since_the_file_was_made_is_not_sent_it_again(
    app: Flask, cast: Cast, moved_clock: Clock, tmp_path, mail_sink: Sink
) -> None:
    """C17: the next run masks for them; what is stored was made for somebody inside."""
    former = "former@partner.example"
    with write_session() as db:
        values = {"organization_id": cast.lakeside, "role": Role.OFFICER, "created_at": LONG_AGO}
        db.add(User(email=former, name="Former", **values))
    fill_hidden(cast.lakeside)
    desk = Desk(cast, moved_clock, tmp_path)
    run_id = desk.made(desk.schedule(export_type=ExportType.CASES_ONLY, recipients=[INSIDE, former]))
    assert [each.masking for each in artifacts_of(run_id)] == ["NONE"]
    with write_session() as db:
        db.execute(sa.update(User).where(User.email == former).values(active=False))
        rows = list(db.scalars(sa.select(Delivery.id).where(Delivery.run_id == run_id)))
    send_again(cast.lakeside, run_id, rows, form_key=str(uuid.uuid4()), actor=ANA, now=clock.now())
    make_run(run_id)
    with write_session() as db:
        again = sa.select(Delivery.target, Delivery.state).where(Delivery.run_id == run_id, Delivery.round == 2)
        states = {row.target: row.state for row in db.execute(again)}
    assert states == {INSIDE: DeliveryState.ACCEPTED, former: DeliveryState.BLOCKED}
    assert sorted(mail["To"] for mail in mail_sink.messages()) == [former, INSIDE, INSIDE]
