"""The portal while something is away (attacks 51 to 53): every page answers in words, and nothing is half accepted.

Nothing here looks at a clock: what bounds a page's waits is that each of them has an end, so a page that hangs would
never come back. How long pages really take: `python -m tests.weather_report`.
"""

from __future__ import annotations

import logging
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

import html5lib
import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.datastructures import MultiDict

from portal import audit, clock
from portal.delivery.links import link_token
from portal.extensions import db, limiter
from portal.models import Role, Run, RunKind, RunState, Schedule, User, write_session
from portal.pages import in_time
from portal.pages.people.forms import SignInForm
from portal.people import invitations, passwords
from portal.people import sign_in as door
from portal.plumbing import wakeups
from portal.runs.recover import sweep
from portal.schedules import changes
from tests.pages.rows import MAKERS
from tests.pages.test_access_walk import PLAIN_VALUES, address, everything, methods_of, rules
from tests.pages.test_schedule_builder import filled
from tests.support.cast import Cast
from tests.support.pages_client import Answer, PageClient, session_for
from tests.support.runs import make_run_row, targets
from tests.support.schedules import make_schedule
from tests.support.scripted_smtp import HANG, ScriptedSmtp
from tests.support.weather import (
    OwnRedis,
    held_by_another,
    is_over,
    line_to,
    own_redis,
    read_only_address,
)

PASSWORD = "a long enough passphrase"
TYPED: dict[str, dict[str, Any]] = {
    "sign_in.enter": {"email": "ana@example.org", "password": PASSWORD},
    "invitation.accept": {"name": "Ivo", "password": PASSWORD, "again": PASSWORD},
    "account.save": {"name": "Ana Maria", "timezone": ""},
    "people.invite": {"email": "new@example.org", "name": "New", "role": "OFFICER"},
    "people.change_role": {"role": "AUDITOR"},
    "schedules.run": {"key": str(uuid.uuid4())},
    "schedules.pause": {"reason": "over the summer", "resume_on": ""},
}
"""What a person would have typed; whatever needs more is sent empty, and so refused or done as it is."""

ENDS_SESSION = {"sign_in.enter", "invitation.accept"}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A person of these tests waits less, or walking all pages would take minutes."""
    monkeypatch.setattr(in_time, "WAITING_SECONDS", 0.3)
    yield
    limiter._storage_dead = False


@pytest.fixture
def app_settings(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "outbox").mkdir()
    return {"DUEPOST_OUTBOX_FOLDER": str(tmp_path / "outbox"), "MAIL_PORT": "1"}


@dataclass
class Portal:
    """Every address of the product with rows behind it, and Ana, who may open all of them."""

    app: Flask
    addresses: list[tuple[str, str, str]]
    token: str

    def of(self, app: Flask) -> PageClient:
        return PageClient(app, self.token)

    def walk(
        self,
        app: Flask,
        methods: tuple[str, ...] = ("GET", "POST"),
        one_browser: PageClient | None = None,
        only: frozenset[str] = frozenset(),
    ) -> dict[tuple[str, str], Answer]:
        """Every page (or `only` those) asked for once, by Ana; fails where one hangs or shows a mistake of ours."""
        found: dict[tuple[str, str], Answer] = {}

        def go() -> None:
            with app.app_context():
                ana = one_browser or self.of(app)
                for method, endpoint, url in self.addresses:
                    if method in methods and (endpoint in only or not only):
                        client = ana if one_browser or endpoint not in ENDS_SESSION else self.of(app)
                        found[method, endpoint] = self.ask(client, method, endpoint, url)

        is_over(go)
        return found

    def ask(self, client: PageClient, method: str, endpoint: str, url: str) -> Answer:
        sent: dict[str, Any] = (
            {} if method == "GET" else {"data": {**TYPED.get(endpoint, {}), "csrf_token": client.csrf_token()}}
        )
        if endpoint != "schedules.preview":
            return client.open(method, url, **sent)
        response = client.http.open(url, method=method, **sent)  # a part of a page, which is no page to be checked
        return Answer(response.status_code, response.headers, response.data, url, [], parsed_part(response.text))


@pytest.fixture
def portal(app: Flask, cast: Cast) -> Portal:
    schedule_id = make_schedule(cast.lakeside, cast.ana)
    made = make_run_row(cast.lakeside, schedule_id, to=targets("priya@example.org"), link={"max_downloads": None})
    values: dict[str, object] = {
        **PLAIN_VALUES,
        "schedule_id": schedule_id,
        "run_id": made.run,
        "artifact_id": made.artifact,
        "delivery_id": made.deliveries["priya@example.org"],
    }
    values |= {name: make(cast) for name, make in MAKERS.items() if name not in values}
    invited = invitations.invite(
        cast.lakeside, "ivo@example.org", "Ivo", Role.OFFICER, now=clock.now(), actor=audit.operator
    )
    token = tokens_of(made, invited)
    with write_session() as session:
        session.get_one(User, cast.ana).password_hash = passwords.hash_of(PASSWORD)
    addresses = [
        (method, rule.endpoint, address(rule, {**values, "token": token.get(rule.endpoint)}))
        for rule, _ in rules(app)
        for method in methods_of(rule)
        # leaving ends the walk; files of the frame wait for nothing
        if rule.endpoint not in {"sign_in.leave", "account.sign_out_everywhere"} and "static" not in rule.endpoint
    ]
    return Portal(app, addresses, session_for(cast.ana))


def tokens_of(made: Any, invitation: Any) -> dict[str, str]:
    """What stands for `token` in the address of each endpoint that has one."""
    link, invited = link_token(made.links["priya@example.org"]), (invitation.link or "").rpartition("/")[2]
    return {
        "downloads.link": link,
        "downloads.use_link": link,
        "invitation.show": invited,
        "invitation.accept": invited,
    }


def parsed_part(html: str) -> Any:
    return html5lib.parse(html, treebuilder="lxml", namespaceHTMLElements=False).getroot()


def runs_of(portal: Portal) -> list[RunState]:
    with write_session() as session:
        return list(session.scalars(sa.select(Run.state).where(Run.kind == RunKind.RUN_NOW)))


def press_run_now(person: PageClient, schedule_id: uuid.UUID) -> Answer:
    return person.post(f"/schedules/{schedule_id}/run-now", {"key": str(uuid.uuid4())})


def said(answer: Answer, sentence: str) -> None:
    """A page of words: what is wrong, what to do, when to try again, and no trace of the program."""
    assert (answer.status, answer.headers.get("Retry-After")) == (503, "60"), answer.words
    assert sentence in answer.words
    assert "Traceback" not in answer.text
    assert "sqlite3" not in answer.text
    assert "psycopg" not in answer.text


# Redis

REDIS: dict[str, Callable[[OwnRedis], None]] = {
    "stopped": OwnRedis.stop,
    "frozen": OwnRedis.freeze,
    "full": OwnRedis.fill,
    "read-only": OwnRedis.take_no_writes,
    "locked": OwnRedis.ask_for_a_password,
}


@pytest.mark.parametrize("weather", REDIS)
def test_without_redis_every_page_answers_as_ever(make_app, portal, weather):
    """Attack 51: nothing that a page shows or does needs it."""
    with own_redis() as redis:
        app = make_app(REDIS_URL=redis.url)
        REDIS[weather](redis)
        answers = portal.walk(app)
    assert {key: answer.status for key, answer in answers.items() if answer.status >= 500} == {
        ("GET", "health.ready"): 503
    }
    assert answers["POST", "schedules.run"].location.startswith("/runs/")


@pytest.mark.parametrize("weather", REDIS)
def test_a_run_now_without_redis_is_kept_and_done_when_it_is_back(make_app, portal, cast, weather):
    """B8: the database holds it; the sweep wakes a worker."""
    schedule_id = make_schedule(cast.lakeside, cast.ana)
    with own_redis() as redis:
        app = make_app(REDIS_URL=redis.url)
        REDIS[weather](redis)
        answer = press_run_now(portal.of(app), schedule_id)
        assert answer.status == 303
        assert answer.location.startswith("/runs/")
        assert runs_of(portal) == [RunState.QUEUED]
    with own_redis() as again:
        app = make_app(REDIS_URL=again.url)
        with app.app_context():
            sweep(clock.now() + timedelta(minutes=2))
            with wakeups.connect() as connection:
                assert any(answer.location[6:] in job for job in wakeups.queue(wakeups.EXPORTS, connection).job_ids)


def test_the_first_page_says_in_one_sentence_that_redis_is_away(make_app, portal):
    with own_redis() as redis:
        app = make_app(REDIS_URL=redis.url)
        redis.freeze()
        answer = portal.walk(app, ("GET",))["GET", "today.show"]
    assert "Redis does not answer; planned exports are still kept and start when it is back." in answer.words


def test_wake_ups_that_take_long_are_left_to_the_sweep(make_app, redis_url, monkeypatch):
    """Each answer may be in time and all of them together late."""
    app = make_app(REDIS_URL=redis_url)
    monkeypatch.setattr(wakeups, "WAKING_SECONDS", 0)
    with app.app_context():
        assert wakeups.wake_runs([(uuid.uuid4(), 1) for _ in range(3)]) is False
        with wakeups.connect() as connection:
            assert wakeups.queue(wakeups.EXPORTS, connection).count == 0


# mail


@pytest.mark.parametrize("stage", ["connect", "ehlo", "rcpt", "end"])
def test_a_mail_server_that_hangs_holds_up_no_page(make_app, portal, stage):
    with ScriptedSmtp({stage: HANG}) as server:
        app = make_app(MAIL_PORT=str(server.port))
        answers = portal.walk(app, ("POST",), only=MAILING)
    assert server.connections == len(MAILING)
    assert {key[1]: answer.status for key, answer in answers.items()} == dict.fromkeys(MAILING, 303)


MAILING = frozenset({"people.invite", "people.invite_again"})
"""The pages that speak to the mail server themselves."""


def test_an_invitation_without_a_mail_server_is_saved_and_says_so(portal, app):
    ana = portal.of(app)
    saved = ana.post("/people/invite", TYPED["people.invite"])
    assert (saved.status, saved.location) == (303, "/people")
    assert "the mail server did not take it" in ana.get("/people").words


# a database that takes no changes


def test_with_a_read_only_database_everything_can_be_read_and_nothing_changes(make_app, portal, database_url):
    """Attack 52."""
    fair = portal.walk(portal.app, ("GET",))
    before = everything(portal.app)
    app = make_app(DATABASE_URL=read_only_address(database_url))
    answers = portal.walk(app)
    counted = {("GET", "downloads.artifact")}  # a file is not handed out where that cannot be written down
    differs = {key for key, answer in fair.items() if answers[key].status != answer.status}
    assert differs == counted
    refused = [answer for (method, _), answer in answers.items() if method == "POST" and answer.status == 503]
    assert len(refused) > 8
    for answer in refused:
        said(answer, "The database takes no changes right now")
    assert not [key for key, answer in answers.items() if key[0] == "POST" and answer.status == 303 and wrote(key[1])]
    db.session.rollback()
    assert everything(portal.app) == before


def wrote(endpoint: str) -> bool:
    """Endpoints that answer a refusal, and not only a change, by leading on."""
    return endpoint in {"schedules.run", "schedules.pause", "schedules.delete", "account.save", "people.invite"}


def test_with_a_database_that_another_holds_for_long_nothing_is_half_accepted(portal, app, database_url):
    """Attack 52: locked."""
    before = everything(portal.app)
    db.session.rollback()
    with held_by_another(database_url):
        fair = portal.walk(app, ("GET",))
        answers = portal.walk(app, ("POST",))
    assert {key[1] for key, answer in fair.items() if answer.status >= 500} <= {"health.ready", "downloads.artifact"}
    refused = [answer for answer in answers.values() if answer.status == 503]
    assert len(refused) > 8
    for answer in refused:
        said(answer, "The database is busy with something long")
    db.session.rollback()
    assert everything(portal.app) == before


def test_a_run_now_that_the_database_refused_is_not_there_and_can_be_pressed_again(portal, app, cast, database_url):
    schedule_id, ana = make_schedule(cast.lakeside, cast.ana), portal.of(app)
    with held_by_another(database_url):
        refused = press_run_now(ana, schedule_id)
    said(refused, "The database is busy with something long")
    assert runs_of(portal) == []
    again = ana.submit(refused)
    assert again.status == 303
    assert again.location.startswith("/runs/")
    assert runs_of(portal) == [RunState.QUEUED]


def test_what_was_typed_comes_back_with_the_reason(make_app, portal, database_url):
    app = make_app(DATABASE_URL=read_only_address(database_url))
    answer = portal.of(app).post("/account", TYPED["account.save"])
    said(answer, "The database takes no changes right now. Nothing was changed and nothing was lost")
    assert answer.h1 == "Your account"
    assert answer.find("//input[@name='name']")[0].get("value") == "Ana Maria"
    refused = portal.of(app).post("/people/invite", TYPED["people.invite"])
    assert refused.find("//input[@name='email']")[0].get("value") == "new@example.org"
    signing = PageClient(app).post("/sign-in", TYPED["sign_in.enter"])
    assert signing.find("//input[@name='email']")[0].get("value") == "ana@example.org"
    assert PASSWORD not in signing.text


def test_a_schedule_that_could_not_be_saved_is_still_in_the_form(make_app, portal, database_url):
    app = make_app(DATABASE_URL=read_only_address(database_url))
    ana = portal.of(app)
    checked = filled(ana, name="Board, quarterly")
    assert checked.h1 == "Check your answers"
    [form] = [form for form in checked.find("//main//form") if form.xpath(".//button[@value='save']")]
    kept = MultiDict((each.get("name"), each.get("value")) for each in form.iter("input"))
    kept["step"] = "save"
    answer = ana.open("POST", form.get("action"), data=kept)
    said(answer, "The database takes no changes right now. Nothing was changed and nothing was lost")
    assert answer.find("//input[@name='name']")[0].get("value") == "Board, quarterly"


def test_an_act_on_several_says_how_far_it_came(portal, app, cast, database_url, monkeypatch):
    """Each schedule stands for itself: what is paused is paused, the rest is said not to be."""
    ids = [make_schedule(cast.lakeside, cast.ana, name=f"Several {number}") for number in range(3)]
    pause = changes.pause_schedule
    done: list[Any] = []

    def pause_one(*arguments: Any, **more: Any) -> None:
        if done:
            with held_by_another(database_url):
                pause(*arguments, **more)
        pause(*arguments, **more)
        done.append(arguments)

    monkeypatch.setattr(changes, "pause_schedule", pause_one)
    ana = portal.of(app)
    ana.post("/schedules/several", {"act": "pause", "ids": [str(each) for each in ids]})
    words = ana.get("/schedules").words
    assert "1 schedule paused." in words
    assert "2 schedules not: The database is busy with something long." in words
    with write_session() as session:
        states = sorted(session.scalars(sa.select(Schedule.state).where(Schedule.id.in_(ids))))
    assert states == ["ACTIVE", "ACTIVE", "PAUSED"]


def test_an_accepted_invitation_is_not_lost_over_the_signing_in(portal, app, cast, database_url, monkeypatch):
    begin = door.begin_session

    def refused(*arguments: Any, **more: Any) -> str:
        with held_by_another(database_url):
            return begin(*arguments, **more)

    monkeypatch.setattr(door, "begin_session", refused)
    invitation = next(url for method, endpoint, url in portal.addresses if endpoint == "invitation.accept")
    visitor = PageClient(app)
    answer = visitor.post(invitation, TYPED["invitation.accept"])
    assert (answer.status, answer.location) == (303, "/sign-in")
    assert "Your account is ready." in visitor.get("/sign-in").words


# a database that is away


def test_without_a_database_every_page_says_so(make_app, portal, database_kind, tmp_path):
    (tmp_path / "no-database.sqlite3").write_bytes(b"this is no database" * 100)
    address = {
        "sqlite": f"sqlite:///{tmp_path}/no-database.sqlite3",
        "postgresql": "postgresql://postgres@127.0.0.1:1/nowhere",
    }
    app = make_app(DATABASE_URL=address[database_kind])
    answers = portal.walk(app, ("GET",))
    assert answers["GET", "health.alive"].status == 200
    ready = answers["GET", "health.ready"]
    assert (ready.status, "The database does not answer." in ready.text) == (503, True)
    for (_, endpoint), answer in answers.items():
        if not endpoint.startswith("health."):  # these say it in their own way
            said(answer, "The database does not answer")


def test_what_was_typed_while_the_database_went_away_is_sent_again_by_one_button(portal, app, monkeypatch):
    """The form cannot be shown: what stands around it cannot be read."""
    ana = portal.of(app)
    token = ana.csrf_token()
    with monkeypatch.context() as away:
        away.setattr("portal.pages.access.user_of_token", unreachable)
        answer = ana.open("POST", "/account", data={**TYPED["account.save"], "csrf_token": token})
    said(answer, "The database does not answer")
    assert "What you entered is kept on this page." in answer.words
    assert ana.submit(answer, action="/account").status == 303
    with write_session() as session:
        assert session.scalar(sa.select(User.name).where(User.email == "ana@example.org")) == "Ana Maria"


def test_a_password_is_not_kept_on_a_page(portal, app, monkeypatch):
    visitor = PageClient(app)
    token = visitor.csrf_token()
    monkeypatch.setattr(SignInForm, "validate", unreachable)
    answer = visitor.open("POST", "/sign-in", data={**TYPED["sign_in.enter"], "csrf_token": token})
    said(answer, "The database does not answer")
    assert "ana@example.org" in answer.text
    assert PASSWORD not in answer.text


def unreachable(*_: Any, **__: Any) -> None:
    with sa.create_engine("postgresql+psycopg://postgres@127.0.0.1:1/nowhere").connect():
        pass


SOME = frozenset({"health.alive", "health.ready", "today.show", "schedules.list", "schedules.run", "account.save"})
"""A connection that hangs is given up after two seconds, the least that the driver knows: not all pages, then."""


def test_a_postgresql_that_hangs_holds_up_no_page(make_app, portal, database_kind, database_url):
    if database_kind == "sqlite":
        return  # there is no server that could hang
    with line_to(database_url) as line:
        app = make_app(DATABASE_URL=line.url)
        ana = portal.of(app)
        ana.csrf_token()  # the app has its connections when the line falls silent
        line.freeze()
        answers = portal.walk(app, one_browser=ana, only=SOME)
        assert answers["GET", "health.alive"].status == 200
        for (method, _), answer in answers.items():
            assert answer.status in ({200, 503} if method == "GET" else {303, 400, 404, 503})
        said(answers["GET", "schedules.list"], "The database does not answer")
        line.thaw()
        again = portal.walk(app, ("GET",), only=SOME)
    assert again["GET", "schedules.list"].status == 200


# a disk that is full


def test_a_full_disk_of_the_database_is_said_in_words(portal, app, database_kind, monkeypatch):
    """Attack 53: the driver's own error, from a real limit."""

    def too_much(*_: Any, **__: Any) -> None:
        with write_session() as session:
            if database_kind == "sqlite":
                session.execute(sa.text("PRAGMA max_page_count=1"))
                session.execute(sa.text("CREATE TABLE filler AS SELECT randomblob(100000) AS bytes"))
            else:
                session.execute(sa.text("DO $$ BEGIN RAISE EXCEPTION 'no space' USING ERRCODE = '53100'; END $$"))

    monkeypatch.setattr("portal.people.changes.change_own_account", too_much)
    answer = portal.of(app).post("/account", TYPED["account.save"])
    said(answer, "The database's disk is full. Nothing was changed and nothing was lost.")


def test_a_file_that_there_is_no_room_to_check_is_not_handed_out(portal, app, monkeypatch):
    monkeypatch.setattr("portal.delivery.stored_file.tempfile.NamedTemporaryFile", on_a_full_disk)
    download = next(url for _, endpoint, url in portal.addresses if endpoint == "downloads.artifact")
    said(portal.of(app).get(download), "There is no room on the disk to check the file")


def on_a_full_disk(**_: Any) -> IO[bytes]:
    return Path("/dev/full").open("r+b")  # whoever asks for it closes it


def test_a_folder_for_temporary_files_that_is_gone_is_said_in_words(portal, app, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    download = next(url for _, endpoint, url in portal.addresses if endpoint == "downloads.artifact")
    said(portal.of(app).get(download), "There is no room on the disk to check the file")


def test_a_storage_that_cannot_be_reached_is_said_in_words(portal, make_app, tmp_path):
    (tmp_path / "a-file").touch()
    app = make_app(STORAGE_URL=f"file://{tmp_path}/a-file/below")
    download = next(url for _, endpoint, url in portal.addresses if endpoint == "downloads.artifact")
    said(portal.of(app).get(download), "The storage does not answer")


# what is no trouble of another part


def test_a_mistake_of_ours_is_told_as_one_and_logged_with_its_number(app, portal, monkeypatch, caplog):
    def mistaken(*_: Any, **__: Any) -> None:
        with write_session() as session:
            session.execute(sa.text("SELECT nothing FROM nowhere"))

    monkeypatch.setattr("portal.people.changes.change_own_account", mistaken)
    ana = portal.of(app)
    token = ana.csrf_token()
    response = ana.http.post("/account", data={**TYPED["account.save"], "csrf_token": token})
    assert response.status_code == 500
    assert "Something went wrong here" in response.text
    number = response.headers["X-Request-Id"]
    assert number in response.text
    (logged,) = [record.msg for record in caplog.records if "unexpected error" in str(record.msg)]
    assert logged["request_id"] == number
    assert "nowhere" in logged["exception"]


def test_trouble_is_logged_with_the_request_and_without_what_was_typed(make_app, portal, database_url, caplog):
    app = make_app(DATABASE_URL=read_only_address(database_url))
    logging.getLogger().addHandler(caplog.handler)  # making the app has put its own in its place
    answer = portal.of(app).post("/account", TYPED["account.save"])
    (logged,) = [record.msg for record in caplog.records if "not available" in str(record.msg)]
    assert logged["request_id"] == answer.headers["X-Request-Id"]
    assert "Ana Maria" not in str(logged)
