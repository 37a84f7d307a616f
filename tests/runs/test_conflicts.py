"""A case is kept from people, and nothing that they get or see tells that it exists (C18; attack 37)."""

from __future__ import annotations

import csv
import io
import re
import uuid

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import clock
from portal.cases.kept_from import Person, kept_by_person, kept_from_any
from portal.delivery.links import link_url
from portal.extensions import db as database
from portal.models import (
    ArtifactRestriction,
    Case,
    Delivery,
    DeliveryState,
    DownloadLink,
    ExportFormat,
    ExportType,
    NoRows,
    Notice,
    RestrictionKind,
    Role,
    Run,
    RunState,
    Schedule,
    User,
    write_session,
)
from portal.runs.make import make_run
from portal.runs.verify import find_breaches, one_moment
from tests.runs.conflict_desk import (
    NADIA,
    PRIYA,
    SECRET,
    TOMAS,
    Kept,
    add_case,
    artifact_for,
    artifacts_of,
    content,
    found_in,
    put_on_list,
    run_it,
    withheld_in,
    yesterday,
)
from tests.runs.conftest import deliveries_of, run_of
from tests.support.apps import Clock
from tests.support.cast import LONG_AGO, Cast
from tests.support.mail import Sink
from tests.support.pages_client import Pages
from tests.support.schedules import make_cases, make_schedule

S, N, H = RestrictionKind.SUBJECT, RestrictionKind.NAMED_BY_REPORTER, RestrictionKind.BY_HAND
EVERYTHING = {"include_overflow": True, "max_investigations": 2}


@pytest.fixture
def app_settings(mail_sink: Sink) -> dict[str, str]:
    return {
        "MAIL_SERVER": "127.0.0.1",
        "MAIL_PORT": str(mail_sink.port),
        "DUEPOST_MAIL_TIMEOUT_SECONDS": "5",
        "DUEPOST_OUTBOX_FOLDER": str(mail_sink.folder),
    }


@pytest.fixture
def secret(cast: Cast, moved_clock: Clock) -> Kept:
    """Seven cases and one more, from which Priya, a recipient, and Otto, who owns the schedule, are kept."""
    created_at = yesterday(moved_clock.now())
    make_cases(cast.lakeside, 7, created_at=created_at)
    case = add_case(cast.lakeside, created_at)
    put_on_list(cast.lakeside, case, N, email="PRIYA@Example.org", name="P. R.")
    put_on_list(cast.lakeside, case, S, email="Otto@EXAMPLE.org")
    return case


def test_no_file_of_theirs_holds_a_trace_and_all_others_hold_the_case(
    app: Flask, cast: Cast, secret: Kept, mail_sink: Sink
) -> None:
    """C18, attack 37: bytes, statistics and counts, in each format; a mail tells of its own file alone."""
    for file_format in (each for each in ExportFormat if each is not ExportFormat.PPTX):
        kind = ExportType.CASES_ONLY if file_format is ExportFormat.PDF else ExportType.FLAT_FILE
        schedule_id = make_schedule(
            cast.lakeside,
            cast.otto,
            recipients=[PRIYA, TOMAS],
            format=file_format,
            export_type=kind,
            column_config={} if kind is ExportType.CASES_ONLY else EVERYTHING,
            format_options={"zip": True} if file_format is ExportFormat.CSV else {},
        )
        run_id = run_it(cast, schedule_id)
        assert run_of(run_id).state is RunState.SUCCEEDED
        theirs, others = artifact_for(run_id, PRIYA), artifact_for(run_id, TOMAS)
        assert (theirs.rows, others.rows) == (7, 8), file_format
        assert theirs.file_name == others.file_name
        assert found_in(content(theirs), secret.traces) == set(), file_format
        assert SECRET in found_in(content(others), secret.traces), file_format
        assert withheld_in(theirs) == {secret.id}
        assert withheld_in(others) == set()
        to_priya, to_tomas = mail_sink.messages()[-2:]
        words = to_priya.get_body(("plain",)).get_content()
        assert theirs.sha256 in words
        assert re.search(r"Rows\W+7\b", words)
        assert others.sha256 in to_tomas.as_string()
        raw = mail_sink.raw()[-2]
        assert not [trace for trace in (*secret.traces, others.sha256) if trace.encode() in raw]


def test_a_board_report_counts_no_case_that_its_reader_is_kept_from(app: Flask, cast: Cast, secret: Kept) -> None:
    """C18, C11"""
    schedule_id = make_schedule(
        cast.lakeside,
        cast.otto,
        recipients=[PRIYA, TOMAS],
        format=ExportFormat.PDF,
        export_type=ExportType.BOARD_REPORT,
    )
    run_id = run_it(cast, schedule_id)
    theirs, others = artifact_for(run_id, PRIYA), artifact_for(run_id, TOMAS)
    assert run_of(run_id).state is RunState.SUCCEEDED
    assert (theirs.rows, others.rows) == (7, 8)
    assert theirs.sha256 != others.sha256
    assert withheld_in(theirs) == {secret.id}


@pytest.fixture
def ran(app: Flask, cast: Cast, secret: Kept) -> uuid.UUID:
    """A run of Otto's schedule: to Priya, who is kept from the case as he is, to Tomas, who is kept from none, and to
    Nadia, who is kept from one that Otto may see. Otto is kept from a second one too, which all others may see."""
    created_at = yesterday(clock.now())
    second = add_case(cast.lakeside, created_at, "SECRET-88")
    put_on_list(cast.lakeside, second, H, user_id=cast.otto)
    with write_session() as db:
        plain = db.scalars(sa.select(Case.id).where(Case.case_number == "C-00001")).one()
    put_on_list(cast.lakeside, Kept(plain), H, email=NADIA)
    schedule_id = make_schedule(cast.lakeside, cast.otto, recipients=[PRIYA, TOMAS, NADIA], folders=["reports"])
    return run_it(cast, schedule_id)


def pages_of(page: Pages, who: uuid.UUID, run: Run, secret: Kept) -> dict[str, str]:
    """Whatever the product shows that person of the run and its schedule, by address."""
    paths = ["/", "/history", "/history.csv", f"/runs/{run.id}", f"/runs/{run.id}/status", "/schedules"]
    paths += [f"/schedules/{run.schedule_id}", "/cases", f"/cases/{secret.id}", "/cases?search=SECRET", "/outbox"]
    return {path: page.of(who).get(path).text for path in paths}


def test_the_owner_who_is_kept_from_it_sees_one_file_without_it(
    page: Pages, cast: Cast, ran: uuid.UUID, secret: Kept
) -> None:
    """C18: pages, lists, CSV, progress, downloads and mails tell nothing of the files that hold it."""
    run, every = run_of(ran), artifacts_of(ran)
    assert [(each.rows, each.only_to_see) for each in every] == [
        (6, True),
        (7, True),
        (8, False),
        (8, False),
        (9, False),
    ]
    nadias, own = every[:2]
    shown = pages_of(page, cast.otto, run, secret)
    hidden = every[2:]
    for path, answered in shown.items():
        text = answered.replace(f"/cases/{secret.id}", "")
        told = [trace for trace in (*secret.traces, "SECRET-88") if trace in text]
        told += [
            value for each in hidden for value in (each.sha256[:12], str(each.id), each.storage_key) if value in text
        ]
        assert not told, path
    words = page.of(cast.otto).get(f"/runs/{ran}").words
    # as it would be without the two cases: all have one file, but for Nadia
    assert words.count("SHA-256") == 2
    assert f"For priya@ example.org, tomas@example.org, reports File {own.file_name}".replace("@ ", "@") in words
    assert f"For nadia@example.org File {own.file_name}" in words
    assert {own.sha256, nadias.sha256} <= set(words.split())
    assert "Sent to 4 of 4" in words
    assert "Withheld" not in words
    lines = [row for row in csv.DictReader(io.StringIO(shown["/history.csv"])) if row["run_id"] == str(ran)]
    assert [(line["rows"], line["sha256"]) for line in lines] == [("7", own.sha256), ("6", nadias.sha256)]
    assert run.rows_written == run.rows_expected == 6
    assert b"SECRET" not in page.of(cast.otto).get(f"/artifacts/{own.id}/download").data
    for each in hidden:
        missing = page.of(cast.otto).get(f"/artifacts/{uuid.uuid4()}/download")
        answer = page.of(cast.otto).get(f"/artifacts/{each.id}/download")
        assert (answer.status, answer.data) == (missing.status, missing.data)
    assert page.of(cast.otto).get(f"/cases/{secret.id}").status == 404


def test_what_is_sent_to_others_alone_is_in_no_count_of_whoever_is_kept_from_it(
    page: Pages, cast: Cast, secret: Kept
) -> None:
    """C18: to the owner nothing was sent, and so the first page counts nothing."""
    choices = {"filters": {"priority": ["HIGH"]}, "no_rows": NoRows.SEND_NOTHING}
    run_id = run_it(cast, make_schedule(cast.lakeside, cast.otto, recipients=[TOMAS], **choices))
    assert "Nothing was sent" in page.otto.get(f"/runs/{run_id}").words
    assert "1 accepted" in page.ana.get("/").words
    assert "1 accepted" not in page.otto.get("/").words


def test_who_manages_such_lists_sees_what_was_withheld_and_why(
    page: Pages, cast: Cast, ran: uuid.UUID, secret: Kept
) -> None:
    """C18: the right, not kept from it. An officer without the right sees the files, and not why there are two."""
    answer = page.ana.get(f"/runs/{ran}")
    table = " ".join(" ".join(answer.find("//section[@aria-labelledby='withheld']")[0].itertext()).split())
    for word in (SECRET, "priya@example.org", "named by the reporter", "otto@example.org", "a subject of the case"):
        assert word in table.replace("@ ", "@")
    full, priyas = artifact_for(ran, TOMAS), artifact_for(ran, PRIYA)
    assert {full.sha256, priyas.sha256} <= set(answer.words.split())
    assert not [each for each in artifacts_of(ran) if each.only_to_see and each.sha256 in answer.words]
    with write_session() as db:
        officer = User(
            organization_id=cast.lakeside, email="olga@example.org", name="Olga", role=Role.OFFICER, created_at=LONG_AGO
        )
        db.add(officer)
    words = page.of(officer.id).get(f"/runs/{ran}").words
    assert full.sha256 in words
    assert "Withheld" not in words


def test_a_file_made_before_somebody_was_kept_from_a_case_is_theirs_no_more(
    page: Pages, cast: Cast, secret: Kept, mail_sink: Sink, moved_clock: Clock
) -> None:
    """C18: what was put on the list later counts for files, links, pages and mails that are still to go."""
    before = add_case(cast.lakeside, yesterday(moved_clock.now()), "SECRET-66")
    run_id = run_it(cast, make_schedule(cast.lakeside, cast.otto, recipients=[TOMAS, "ana@example.org"]))
    full = artifact_for(run_id, "ana@example.org")
    with write_session() as db:
        joined = sa.select(Delivery.target, DownloadLink.id).join(Delivery, Delivery.id == DownloadLink.delivery_id)
        links = {row.target: row.id for row in db.execute(joined)}
    assert page.nobody().get(_path(links["ana@example.org"])).status == 200
    assert page.ana.get(f"/artifacts/{full.id}/download").status == 200
    moved_clock.forward(seconds=60)
    put_on_list(cast.lakeside, before, H, email="ana@example.org")
    late = add_case(cast.lakeside, moved_clock.now(), "SECRET-99")
    put_on_list(cast.lakeside, late, H, email=TOMAS)
    revoked = page.nobody().get(_path(links["ana@example.org"]))
    assert (revoked.status, "withdrawn" in revoked.words) == (410, True)
    assert page.nobody().post(_path(links["ana@example.org"]), {}).status == 410
    assert page.nobody().get(_path(links[TOMAS])).status == 200, "a case that came later was not in it"
    assert page.ana.get(f"/artifacts/{full.id}/download").status == 404
    words = page.ana.get(f"/runs/{run_id}").words
    assert full.sha256 not in words
    assert "SECRET-66" not in words
    again = Delivery.destination == "email:ana@example.org"
    with write_session() as db:
        values = {"state": DeliveryState.PENDING, "next_attempt_at": moved_clock.now(), "accepted_at": None}
        db.execute(sa.update(Delivery).where(again).values(**values))
        db.execute(sa.update(Run).values(state=RunState.DELIVERING, finished_at=None, wake_after=moved_clock.now()))
    sent = len(mail_sink.raw())
    make_run(run_id)
    assert deliveries_of(run_id)["ana@example.org"].state is DeliveryState.BLOCKED
    assert len(mail_sink.raw()) == sent


def _path(link_id: uuid.UUID) -> str:
    return "/d/" + link_url(link_id).rpartition("/d/")[2]


def test_what_every_recipient_is_kept_from_goes_to_the_backup_recipient(
    page: Pages, cast: Cast, secret: Kept, mail_sink: Sink
) -> None:
    """C18: and nobody else can count that there was one more."""
    schedule_id = make_schedule(cast.lakeside, cast.otto, recipients=[PRIYA], backup_address=NADIA)
    run_id = run_it(cast, schedule_id)
    assert run_of(run_id).reason == "Accepted for 1 of 1 destination."
    backup = artifact_for(run_id, NADIA)
    assert backup.rows == 8
    assert SECRET in found_in(content(backup), secret.traces)
    assert {message["To"] for message in mail_sink.messages()} == {PRIYA, NADIA}
    words = page.otto.get(f"/runs/{run_id}").words
    assert NADIA not in words.replace("@ ", "@")
    assert backup.sha256 not in words
    assert "Sent to 1 of 1" in words
    assert NADIA not in page.otto.get("/outbox").text
    words = page.ana.get(f"/runs/{run_id}").words.replace("@ ", "@")
    assert NADIA in words
    assert SECRET in words
    with write_session() as db:
        assert db.scalars(sa.select(Notice)).all() == []
        joined = sa.select(DownloadLink.id, Delivery.id).join(Delivery, Delivery.id == DownloadLink.delivery_id)
        link, delivery = db.execute(joined.where(Delivery.backup)).one()
    assert page.nobody().get(_path(link)).status == 200, "they are a recipient too, though on no list of the schedule"
    page.ana.post(f"/runs/{run_id}/send-again", {"form_key": str(uuid.uuid4()), "to": str(delivery)})
    make_run(run_id)
    assert [message["To"] for message in mail_sink.messages()].count(NADIA) == 2
    with write_session() as db:
        newest = sa.update(Delivery).where(Delivery.backup, Delivery.round == 2)
        db.execute(newest.values(state=DeliveryState.UNKNOWN, accepted_at=None))
        again = db.scalars(sa.select(Delivery.id).where(Delivery.backup, Delivery.round == 2)).one()
    page.ana.post(f"/deliveries/{again}/resend", {})
    assert run_of(run_id).state is RunState.DELIVERING
    assert NADIA not in run_of(run_id).reason
    with write_session() as db:
        db.execute(sa.update(Schedule).values(backup_address=None))
    assert page.nobody().get(_path(link)).status == 410


def test_a_backup_recipient_who_is_not_reached_holds_nothing_up_and_the_admins_hear_of_it(
    app: Flask, cast: Cast, secret: Kept
) -> None:
    """C18: the run's state tells nothing of them."""
    schedule_id = make_schedule(cast.lakeside, cast.otto, recipients=[PRIYA], backup_address="busy@example.org")
    run_id = run_it(cast, schedule_id)
    assert run_of(run_id).state is RunState.SUCCEEDED
    assert deliveries_of(run_id)["busy@example.org"].state in {DeliveryState.EXPIRED, DeliveryState.REJECTED}
    with write_session() as db:
        (notice,) = db.scalars(sa.select(Notice)).all()
        assert notice.address == "ana@example.org"
    assert breaches() == set()
    with write_session() as db:
        db.execute(sa.update(ArtifactRestriction).values(withheld=False))
    assert breaches() == {"not-withheld"}


def breaches() -> set[str]:
    with one_moment() as db:
        return {each.name for each in find_breaches(db, None, clock.now())}


def test_where_nobody_may_have_it_the_admins_who_may_know_are_told_once(app: Flask, cast: Cast, secret: Kept) -> None:
    """C18: by words that name no case; an admin who is kept from it hears nothing."""
    with write_session() as db:
        values = {"organization_id": cast.lakeside, "role": Role.ADMIN, "created_at": LONG_AGO}
        db.add(User(email="kept-admin@example.org", name="Kept Admin", **values))
    put_on_list(cast.lakeside, secret, N, name="kept ADMIN")
    schedule_id = make_schedule(cast.lakeside, cast.otto, recipients=[PRIYA], backup_address="otto@example.org")
    for _ in range(2):
        run_id = run_it(cast, schedule_id)
    assert list(deliveries_of(run_id)) == [PRIYA]
    with write_session() as db:
        (notice,) = db.scalars(sa.select(Notice)).all()
        assert notice.address == "ana@example.org"
        assert not [trace for trace in secret.traces if trace in notice.text + notice.subject]


ON_LISTS: list[tuple[dict[str, object], Person | str]] = [
    ({"kind": H, "email": "Sam@Example.ORG"}, Person("sam@example.org")),
    ({"kind": H, "email": "ann@b\u00fccher.example"}, Person("ANN@xn--bcher-kva.example")),
    ({"kind": H, "email": "M\u00dcLLER@example.org"}, Person("m\u00fcller@example.org")),
    ({"kind": S, "email": "Eve@example.org"}, Person("eve@example.org")),
    ({"kind": N, "name": "Sam Reed"}, Person("reed@example.org", None, "sam reed ")),
    ({"kind": N, "name": "STELLA strange"}, "stella"),
    ({"kind": H, "email": "ana@example.org"}, "ana"),
    ({"kind": H, "user_id": "otto"}, Person("OTTO@example.org")),
]


def test_people_are_known_by_address_user_or_name(app: Flask, cast: Cast) -> None:
    """C18: however either side spells it; nobody else is kept from it by the same entry."""
    users = {"ana": cast.ana, "otto": cast.otto, "stella": cast.stella}
    asked: dict[Person, uuid.UUID] = {}
    for number, (on_list, person) in enumerate(ON_LISTS):
        where = cast.strangers if person == "stella" else cast.lakeside
        case = add_case(where, LONG_AGO, f"C-{number}")
        given = {name: users[str(value)] if name == "user_id" else value for name, value in on_list.items()}
        put_on_list(where, case, **given)  # type: ignore[arg-type]
        who = Person("someone@elsewhere.example", users[person]) if isinstance(person, str) else person
        asked[who] = case.id
    strangers = {who for who in asked if who.user_id == cast.stella}
    with database.engine.connect() as connection:
        for who, case_id in asked.items():
            where = cast.strangers if who in strangers else cast.lakeside
            kept = connection.scalars(sa.select(Case.id).where(kept_from_any(where, [who]))).all()
            assert kept == [case_id], who
        everybody = [who for who in asked if who not in strangers]
        by_person = kept_by_person(connection, cast.lakeside, [*everybody, Person("other@example.org")])
        assert {who: set(cases) for who, cases in by_person.items()} == {who: {asked[who]} for who in everybody}


def test_one_who_manages_lists_puts_people_on_and_takes_off_what_was_put_by_hand(
    page: Pages, cast: Cast, secret: Kept
) -> None:
    """C18: a right of its own; whoever is kept from the case finds neither page nor list."""
    before = page.ana.get(f"/cases/{secret.id}")
    assert "a subject of the case" in before.words
    assert "Kept from this case" not in page.otto.get(f"/cases/{_any_other(cast, secret)}").words
    page.ana.submit(before, {"address": "Tomas@example.org"}, action=f"/cases/{secret.id}/kept-from")
    after = page.ana.get(f"/cases/{secret.id}")
    assert "tomas@example.org" in after.words
    (take_off,) = after.find("//form[contains(@action, '/remove')]/@action")
    assert page.otto.post(take_off, {}).status == 403
    page.ana.post(take_off, {})
    assert "tomas@example.org" not in page.ana.get(f"/cases/{secret.id}").words
    wrong = page.ana.submit(after, {"address": "no address"}, action=f"/cases/{secret.id}/kept-from")
    assert wrong.status == 400
    gone = page.ana.submit(after, {"address": "ana@example.org"}, action=f"/cases/{secret.id}/kept-from")
    assert gone.location == "/cases"
    assert page.ana.post(take_off, {}).status == 404


def _any_other(cast: Cast, secret: Kept) -> uuid.UUID:
    with write_session() as db:
        return db.scalars(sa.select(Case.id).where(Case.id != secret.id)).first()  # type: ignore[return-value]
