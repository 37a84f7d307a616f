"""What holds for every answer: errors in words, headers, request ids, the log, bad hosts, health."""

from __future__ import annotations

import json
import logging
from datetime import timedelta

import pytest
import sqlalchemy as sa
from redis.exceptions import RedisError

from portal import clock, health
from portal.extensions import db
from portal.models import Heartbeat, write_session
from portal.pages.access import public


def test_an_unknown_address_is_a_page_in_words(page):
    answer = page.ana.get("/nowhere")
    assert (answer.status, answer.h1) == (404, "There is no such page")


def test_a_wrong_method_is_a_page_in_words(page):
    answer = page.ana.get("/sign-out")
    assert answer.status == 405
    assert answer.headers["Allow"]


def test_a_form_without_its_token_is_told_to_go_back(page):
    """attack 15"""
    answer = page.ana.open("POST", "/account", data={"name": "x"})
    assert (answer.status, answer.h1) == (400, "This page was open for too long")
    assert "Go back" in answer.words


def test_too_much_is_refused(page):
    """attack 24"""
    ten_megabytes = "x" * 10_000_000
    assert page.nobody().open("POST", "/sign-in", data={"email": ten_megabytes}).status == 413
    multipart = page.nobody().open(
        "POST", "/sign-in", data={"email": ten_megabytes}, content_type="multipart/form-data"
    )
    assert multipart.status == 413


def test_an_unknown_host_is_refused(page):
    """attack 19"""
    answer = page.nobody().get("/sign-in", base_url="http://evil.example")
    assert answer.status == 400


@pytest.mark.parametrize("url", ["/sign-in?next=%00", "/people%00", "/account?a%00=b"])
def test_a_nul_in_the_address_is_refused(page, url):
    """attack 25"""
    assert page.ana.get(url).status in {400, 404}


class Lines(logging.Handler):
    """What a logger wrote."""

    def __init__(self, name: str) -> None:
        super().__init__(logging.INFO)
        self.events: list[dict[str, object]] = []
        self.logger = logging.getLogger(name)

    def emit(self, record: logging.LogRecord) -> None:
        self.events.append(record.msg)  # type: ignore[arg-type]

    def __enter__(self):
        self.level_before = self.logger.level
        self.logger.addHandler(self)
        self.logger.setLevel(logging.INFO)
        return self

    def __exit__(self, *_):
        self.logger.removeHandler(self)
        self.logger.setLevel(self.level_before)


def test_a_fault_is_a_page_with_a_number_and_no_trace(make_app):
    app = make_app()

    @app.get("/broken/<token>")
    @public
    def broken(token):
        raise RuntimeError("the inside story")

    app.testing = False
    with Lines("portal.pages.errors") as lines:
        response = app.test_client().get("/broken/s3cret-token?also=s3cret")
    assert response.status_code == 500
    assert "inside story" not in response.text
    assert "Traceback" not in response.text
    assert response.headers["X-Request-Id"] in response.text
    [line] = lines.events
    assert "s3cret" not in str(line)
    assert line["request_id"] == response.headers["X-Request-Id"]


def test_a_view_that_says_nothing_is_refused(make_app):
    """E2"""
    app = make_app()

    @app.get("/forgotten")
    def forgotten():
        return "open to all"

    assert app.test_client().get("/forgotten").status_code == 403


def test_each_request_is_one_log_line_without_its_query(page):
    """attack 28"""
    with Lines("portal.pages.request_log") as lines:
        answer = page.ana.get("/account?secret=token", headers={"User-Agent": '"}{"level":"forged'})
    [line] = lines.events
    assert line["route"] == "/account"
    assert line["status"] == 200
    assert line["request_id"] == answer.headers["X-Request-Id"]
    assert line["user_id"] == str(page.cast.ana)
    assert "token" not in json.dumps(line)


def test_request_ids_differ_and_are_not_the_clients(page):
    first = page.ana.get("/account", headers={"X-Request-Id": "mine"}).headers["X-Request-Id"]
    second = page.ana.get("/account").headers["X-Request-Id"]
    assert len({first, second, "mine"}) == 3


def test_pages_are_not_kept_and_files_are(page):
    answer = page.ana.get("/account")
    assert answer.headers["Cache-Control"] == "no-store"
    for link in answer.find("//link[@rel='stylesheet']/@href") + answer.find("//script/@src"):
        asset = page.nobody().get(link)
        assert (asset.status, asset.headers["Cache-Control"]) == (200, "public, max-age=31536000, immutable")


def test_the_policy_allows_nothing_inline_and_nothing_foreign(page):
    policy = page.nobody().get("/sign-in").headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    for directive in ("default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"):
        assert directive in policy


def test_the_chosen_theme_is_in_the_first_byte(page):
    page.ana.http.set_cookie("theme", "dark", domain="localhost")
    assert page.ana.get("/account").document.get("data-theme") == "dark"
    page.ana.http.set_cookie("theme", '"><script>', domain="localhost")
    assert page.ana.get("/account").document.get("data-theme") is None


def test_navigation_shows_what_a_person_may_open(page):
    def labels(answer):
        return {link.text for link in answer.find("//nav[@aria-label='Main']//a")}

    assert "People" in labels(page.ana.get("/account"))
    assert "People" not in labels(page.otto.get("/account"))


def test_healthz_asks_no_database(page):
    """G5"""
    answer = page.nobody().get("/healthz")
    assert (answer.status, answer.statements) == (200, [])


def test_readyz_names_each_check_and_no_secret(page):
    """G5, B12"""
    answer = page.nobody().get("/readyz")
    checks = json.loads(answer.text)["checks"]
    assert answer.status == 503
    assert checks["database"]["ok"]
    assert checks["schema"]["ok"]
    assert not checks["tick"]["ok"]
    assert not checks["redis"]["ok"]
    assert "sqlite" not in answer.text
    assert "postgres" not in answer.text


def test_a_tick_is_fresh_for_three_minutes(app, moved_clock):
    """B12"""
    with write_session() as session:
        session.add(Heartbeat(name="tick", at=moved_clock.now()))
    assert health.tick_check(moved_clock.now() + timedelta(minutes=3)).ok
    late = health.tick_check(moved_clock.now() + timedelta(minutes=3, seconds=1))
    assert not late.ok
    assert "3 minutes ago" in late.words


def test_ready_when_all_is_well(make_app, redis_url):
    """G5"""
    from rq import Worker

    from portal.plumbing import wakeups

    app = make_app(REDIS_URL=redis_url)
    with app.app_context():
        with write_session() as session:
            session.add(Heartbeat(name="tick", at=clock.now()))
        connection = wakeups.connect()
        worker = Worker([wakeups.queue(wakeups.EXPORTS, connection)], connection=connection)
        worker.register_birth()
        try:
            assert all(check.ok for check in health.readiness(clock.now))
            connection.delete(worker.key)  # what Redis does when no sign of life comes
            assert not health.workers_check().ok
        finally:
            worker.register_death()
            connection.close()
    response = app.test_client().get("/readyz")
    assert json.loads(response.text)["checks"]["redis"]["ok"]


def test_redis_away_is_said_and_not_raised(app, monkeypatch):
    def away():
        raise RedisError("password wrong: hunter2")

    monkeypatch.setattr("portal.plumbing.wakeups.connect", away)
    assert "hunter2" not in health.redis_check().words


@pytest.mark.parametrize(
    ("revision", "words"),
    [("0001", "older version"), ("9999", "newer version"), (None, "not set up")],
)
def test_a_database_of_another_version_is_said_in_words(make_app, revision, words):
    """Bad input: a database of another version"""
    app = make_app()
    with app.app_context(), write_session() as session:
        if revision is None:
            session.execute(sa.text("DROP TABLE alembic_version"))
        else:
            session.execute(sa.text("UPDATE alembic_version SET version_num = :v"), {"v": revision})
    for url in ("/sign-in", "/people"):
        response = app.test_client().get(url)
        assert response.status_code == 503
        assert words in response.text
    ready = app.test_client().get("/readyz")
    assert ready.status_code == 503
    assert words in ready.text
    assert app.test_client().get("/healthz").status_code == 200
    result = app.test_cli_runner().invoke(
        args=["create-user", "x@example.org", "--organization", "x", "--role", "admin"]
    )
    assert result.exit_code == 1
    assert words in result.stderr
    assert "Traceback" not in result.output


def test_reading_pages_writes_nothing(app, page):
    page.ana.get("/account")
    assert not db.session.new
