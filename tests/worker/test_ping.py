"""The dead-man's ping: an outside keeper hears of each tick that did its work, and the tick waits for none (B12)."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask

import worker
from portal.config import SettingsError, read_settings
from portal.models import Heartbeat, write_session
from portal.plumbing import ping
from tests.support.databases import SECRET
from worker import jobs

Answer = Callable[[BaseHTTPRequestHandler], None]


def well(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    request.wfile.write(b"OK")


@dataclass
class Keeper:
    """What is asked of it, and whether the tick's sign of life was in the database by then."""

    answer: Answer = well
    asked: list[str] = field(default_factory=list)
    tick_was_done: list[bool] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)
    port: int = 0


@pytest.fixture
def keeper() -> Iterator[Keeper]:
    made = Keeper()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            made.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    made.release.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def app_settings(keeper: Keeper) -> dict[str, str]:
    return {"DUEPOST_PING_URL": f"http://127.0.0.1:{keeper.port}/ping/0f9c"}


@pytest.fixture(autouse=True)
def jobs_use_this_app(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "app", lambda: app)


def ticks() -> int:
    with write_session() as db:
        return db.scalar(sa.select(sa.func.count()).where(Heartbeat.name == "tick")) or 0


def test_it_is_asked_once_after_each_tick_when_the_work_is_done(app: Flask, keeper: Keeper) -> None:
    def look(request: BaseHTTPRequestHandler) -> None:
        with app.app_context():
            keeper.tick_was_done.append(ticks() == 1)
        well(request)

    keeper.answer = look
    jobs.start_due_schedules()
    jobs.start_due_schedules()
    assert keeper.asked == ["/ping/0f9c"] * 2
    assert keeper.tick_was_done == [True, True]


def test_a_tick_by_hand_or_from_cron_is_told_too(app: Flask, keeper: Keeper) -> None:
    done: Result = app.test_cli_runner().invoke(args=["tick"])
    assert done.exit_code == 0
    assert keeper.asked == ["/ping/0f9c"]


def test_a_tick_that_failed_is_not_told(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no tick")

    monkeypatch.setattr(jobs, "tick", fail)
    with pytest.raises(RuntimeError):
        jobs.start_due_schedules()
    assert keeper.asked == []


def refuse(request: BaseHTTPRequestHandler) -> None:
    request.send_error(500)


def send_elsewhere(request: BaseHTTPRequestHandler) -> None:
    request.send_response(302)
    request.send_header("Location", "/elsewhere")
    request.end_headers()


def talk_nonsense(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"\0\0\0 not HTTP\r\n\r\n")


@pytest.mark.parametrize("answer", [refuse, send_elsewhere, talk_nonsense])
def test_whatever_it_answers_is_logged_alone(keeper: Keeper, answer: Answer, caplog: pytest.LogCaptureFixture) -> None:
    """No redirect is followed, and the address, which is a secret, is not in the log."""
    keeper.answer = answer
    jobs.start_due_schedules()
    assert keeper.asked == ["/ping/0f9c"]
    assert "the sign of life was not taken" in caplog.text
    assert "0f9c" not in caplog.text


def test_one_that_never_answers_is_left_to_itself(
    keeper: Keeper, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that answers a byte at a time, which no time-out of a socket would end."""
    monkeypatch.setattr(ping, "SECONDS", 0.2)

    def drip(request: BaseHTTPRequestHandler) -> None:
        for _ in range(100):
            if keeper.release.wait(0.05):
                return
            request.wfile.write(b"H")

    keeper.answer = drip
    jobs.start_due_schedules()
    assert "the sign of life was not answered in time" in caplog.text
    assert ticks() == 1


def test_one_that_is_not_there_is_logged_alone(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        app.config["DUEPOST"] = replace(app.config["DUEPOST"], ping_url=url)
        ping.tell_outside()
    assert "the sign of life was not taken" in caplog.text


@pytest.mark.parametrize(
    "url", ["ftp://keeper.example.org/x", "file:///etc/passwd", "keeper.example.org", "https:///x"]
)
def test_only_the_web_is_pinged(url: str) -> None:
    with pytest.raises(SettingsError, match="DUEPOST_PING_URL must be a whole address"):
        read_settings({"SECRET_KEY": SECRET, "DUEPOST_PING_URL": url})
