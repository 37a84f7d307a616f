"""Fixtures: `app` (an application context on a fresh database), `client`, `moved_clock`."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal import clock, create_app
from portal.extensions import db
from portal.schedules import clock_watch
from tests.support.databases import SECRET, PostgresDatabases, SqliteDatabases

__all__ = ["Clock", "app", "app_settings", "client", "database_url", "databases", "make_app", "moved_clock"]


@pytest.fixture(scope="session")
def databases(database_kind: str) -> Iterator[SqliteDatabases | PostgresDatabases]:
    made = SqliteDatabases() if database_kind == "sqlite" else PostgresDatabases()
    yield made
    made.close()


@pytest.fixture
def database_url(databases: SqliteDatabases | PostgresDatabases) -> Iterator[str]:
    url = databases.make()
    yield url
    databases.drop(url)


@pytest.fixture
def app_settings() -> dict[str, str]:
    """Settings a test module may override by a fixture of the same name."""
    return {}


class FreshContextClient(FlaskClient):
    """Each request in a context of its own.

    Else the test's application context would lend its `g`, and so the signed-in person of one request, to the next.
    """

    def open(self, *args: Any, **kwargs: Any) -> Any:
        return contextvars.Context().run(
            lambda: super(FreshContextClient, self).open(*args, **kwargs | {"buffered": True})
        )


@pytest.fixture
def make_app(database_url: str, tmp_path: Path, app_settings: dict[str, str]) -> Iterator[Callable[..., Flask]]:
    """Makes an application on this test's database; called again, another one on the same."""
    made: list[Flask] = []

    def make(**more: str) -> Flask:
        environ = {
            "SECRET_KEY": SECRET,
            "DATABASE_URL": database_url,
            "DUEPOST_VAR": str(tmp_path / "var"),
            "REDIS_URL": f"unix://{tmp_path}/no-redis.sock",
            "PUBLIC_URL": "http://localhost",
            "DUEPOST_LOG_LEVEL": "WARNING",
            **app_settings,
            **more,
        }
        app = create_app(environ)
        app.testing = True
        app.test_client_class = FreshContextClient
        made.append(app)
        return app

    yield make
    for app in made:
        with app.app_context():
            db.engine.dispose()


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Iterator[Flask]:
    app = make_app()
    with app.app_context():
        yield app


@pytest.fixture
def client(app: Flask) -> Any:
    return app.test_client()


class Clock:
    """What `clock.now()` says in a test: it stands still until moved.

    Time passes where it is moved `forward` or `set`; `jump` sets the clock alone, as a wrong time server does.
    """

    def __init__(self, start: datetime) -> None:
        self.moment = start
        self.set_wrong_by = timedelta()

    def now(self) -> datetime:
        return self.moment

    def forward(self, **parts: float) -> datetime:
        self.moment += timedelta(**parts)
        return self.moment

    def set(self, moment: datetime) -> datetime:
        self.moment = moment
        return moment

    def jump(self, **parts: float) -> datetime:
        self.set_wrong_by += timedelta(**parts)
        return self.forward(**parts)

    def boot_time(self) -> tuple[str, float]:
        """Seconds since the machine started: what the time is without the jumps."""
        return "test", (self.moment - self.set_wrong_by).timestamp() - 1_700_000_000


@pytest.fixture
def moved_clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Monday 2 November 2026, 12:00 UTC, and standing."""
    held = Clock(datetime(2026, 11, 2, 12, 0, tzinfo=UTC))
    monkeypatch.setattr(clock, "now", held.now)
    monkeypatch.setattr(clock_watch, "boot_time", held.boot_time)
    return held
