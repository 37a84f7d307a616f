"""The database is away for a while: no process ends, and all go on once it is back (supervision)."""

from __future__ import annotations

import tempfile
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.extensions import db
from portal.models import Run, RunState, write_session
from portal.plumbing import wakeups
from tests.faults.databases import PostgresDatabase
from tests.support.databases import in_memory
from tests.support.processes import started
from tests.support.whole_product import free_port, wait_until
from tests.worker.conftest import comes_to
from tests.worker.test_redis_away import EACH_SECOND, ticks_again


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresDatabase]:
    """SQLite is a file and never away."""
    with tempfile.TemporaryDirectory(prefix="duepost-pg-", dir=in_memory()) as folder:
        made = PostgresDatabase(Path(folder))
        yield made
        made.close()


@pytest.fixture
def database_url(server: PostgresDatabase) -> str:
    return server.url


def status_of(port: int, path: str) -> int:
    try:
        with urllib.request.urlopen(f"http://localhost:{port}{path}", timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def test_every_process_comes_back_by_itself(
    app: Flask, server: PostgresDatabase, new_run: Callable[..., uuid.UUID], tmp_path: Path
) -> None:
    port = free_port()
    web = ["gunicorn", "wsgi:app", "--bind", f"127.0.0.1:{port}", "--workers", "1", "--threads", "2"]
    run_id = new_run()
    with wakeups.connect() as connection:
        connection.flushall()  # it is to be made after the database was away, not before
    with write_session() as session:  # half a minute in operation; nobody waits for that here
        session.execute(sa.update(Run).where(Run.id == run_id).values(wake_after=Run.queued_at))
    with ExitStack() as stack:
        crew = {
            "web": stack.enter_context(started(app, tmp_path, "web", *web)),
            "worker": stack.enter_context(started(app, tmp_path, "worker", "worker")),
            "upkeep": stack.enter_context(started(app, tmp_path, "upkeep", "worker", "upkeep")),
        }
        wait_until("the page answers", lambda: status_of(port, "/sign-in") == 200)
        db.engine.dispose()
        server.stop("immediate")
        stack.enter_context(started(app, tmp_path, "scheduler", "-c", EACH_SECOND))
        wakeups.wake_run(run_id, 99)
        wait_until("a job met the loss", lambda: "OperationalError" in crew["worker"].said)
        wait_until("a tick met the loss", lambda: "OperationalError" in crew["upkeep"].said)
        assert status_of(port, "/readyz") == 503
        server.start()
        wait_until("the page answers again", lambda: status_of(port, "/sign-in") == 200)
        ticks_again()
        comes_to(run_id, RunState.SUCCEEDED)
        assert all(each.alive() for each in crew.values())
