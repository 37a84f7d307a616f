"""One whole installation for faults: database, Redis, mail witness, organizations with schedules, and its processes."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from portal import clock, create_app
from portal.config import ROOT
from portal.extensions import db
from portal.models import Organization, Role, User, write_session
from tests.faults.crew import Crew, die_with_parent
from tests.faults.databases import Database, make_database
from tests.faults.mail_witness import FRIENDLY
from tests.faults.redis_server import RedisServer
from tests.support.databases import SECRET
from tests.support.schedules import make_cases
from tests.support.whole_product import free_port

LEASE_SECONDS = 6
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
true_now = clock.now


@dataclass(frozen=True)
class Tenant:
    id: uuid.UUID
    slug: str
    owner: uuid.UUID


class MailServer:
    """The witness's process; what it wrote down outlives it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.port = free_port()
        self.journal, self._mood, self._seed = folder / "mail.jsonl", folder / "mood", seed
        self.mood(FRIENDLY)
        self.journal.touch()
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def mood(self, word: str) -> None:
        replace(self._mood, word)

    def start(self) -> None:
        self._seed += 1
        command = [sys.executable, "-m", "tests.faults.mail_witness", str(self.port), str(self.journal)]
        self.process = subprocess.Popen(
            [*command, str(self._mood), str(self._seed)],
            cwd=ROOT,
            preexec_fn=die_with_parent,  # noqa: PLW1509  # one system call
        )

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@dataclass
class Installation:
    folder: Path
    kind: str
    database: Database
    redis: RedisServer
    mail: MailServer
    app: Flask
    crew: Crew
    tenants: list[Tenant] = field(default_factory=list)
    offset: float = 0.0

    def now(self) -> datetime:
        return clock.now()

    def move_clock(self, seconds: float) -> None:
        self.offset += seconds
        replace(self.folder / "clock", str(self.offset))

    def start_processes(self, workers: int = 3, upkeep: int = 2, schedulers: int = 2) -> None:
        for number in range(workers):
            self.crew.add(f"worker-{number}", "worker")
        for number in range(upkeep):
            self.crew.add(f"upkeep-{number}", "upkeep")
        for number in range(schedulers):
            self.crew.add(f"scheduler-{number}", "scheduler")


@contextmanager
def installation(folder: Path, kind: str, seed: int, tenants: int = 3, cases: int = 20) -> Iterator[Installation]:
    """Everything but the product's processes is up; nothing of it, nor they, outlives the body."""
    replace(folder / "clock", "0")
    database = make_database(kind, folder)
    redis = RedisServer(folder / "redis")
    mail = MailServer(folder, seed)
    settings = _settings(folder, database, redis, mail)
    crew = Crew({**os.environ, **settings}, folder)
    app = create_app(settings)
    try:
        with app.app_context():
            made = Installation(folder, kind, database, redis, mail, app, crew)
            clock.now = lambda: true_now() + timedelta(seconds=made.offset)
            made.tenants = [_tenant(number, cases) for number in range(tenants)]
            try:
                yield made
            finally:
                with contextlib.suppress(SQLAlchemyError):
                    db.session.remove()
    finally:
        clock.now = true_now
        crew.kill_all()
        with app.app_context(), contextlib.suppress(SQLAlchemyError):
            db.engine.dispose()
        redis.kill()
        mail.kill()
        database.close()


def _settings(folder: Path, database: Database, redis: RedisServer, mail: MailServer) -> dict[str, str]:
    return {
        "SECRET_KEY": SECRET,
        "DATABASE_URL": database.url,
        "REDIS_URL": redis.url,
        "DUEPOST_VAR": str(folder / "var"),
        "MAIL_SERVER": "127.0.0.1",
        "MAIL_PORT": str(mail.port),
        "DUEPOST_MAIL_TIMEOUT_SECONDS": "2",
        "DUEPOST_LEASE_SECONDS": str(LEASE_SECONDS),
        # a process that hangs is ended from outside
        "DUEPOST_RUN_TIME_LIMIT_SECONDS": "20",
        # the plan is the people's alone
        "DUEPOST_PAUSE_AFTER_FAILURES": "0",
        "DUEPOST_LOG_LEVEL": "WARNING",
        "FAULTS_CLOCK": str(folder / "clock"),
        "FAULTS_FULL_DISK": str(folder / "full"),
    }


def _tenant(number: int, cases: int) -> Tenant:
    slug = f"tenant-{number}"
    made = Tenant(uuid.uuid4(), slug, uuid.uuid4())
    with write_session() as session:
        session.add(
            Organization(
                id=made.id, name=f"Tenant {number}", slug=slug, timezone="UTC", settings={}, created_at=LONG_AGO
            )
        )
        session.flush()
        session.add(
            User(
                id=made.owner,
                organization_id=made.id,
                email=f"owner-{number}@example.org",
                name=f"Owner {number}",
                role=Role.ADMIN,
                active=True,
                created_at=LONG_AGO,
            )
        )
    make_cases(made.id, cases, created_at=clock.now() - timedelta(days=3))
    return made


def replace(path: Path, text: str) -> None:
    """Whole or not at all, for whoever reads it in between."""
    new = path.with_name(f"{path.name}.{random.getrandbits(32):x}")
    new.write_text(text, encoding="utf-8")
    new.rename(path)
