"""A Redis that can be killed, paused, flushed, filled up and made read-only."""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import time
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from portal.plumbing import embedded_redis
from tests.faults.crew import die_with_parent


class RedisServer:
    """The embedded one, as the product starts it: what it holds outlives a kill."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        embedded_redis.prepare(folder)
        self.url = f"unix://{embedded_redis.socket_of(folder)}"
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            embedded_redis.command(self.folder),
            stdout=subprocess.DEVNULL,
            preexec_fn=die_with_parent,  # noqa: PLW1509  # one system call
        )
        deadline = time.monotonic() + 20
        while not embedded_redis.answers(self.folder):
            assert time.monotonic() < deadline, "Redis did not start"
            time.sleep(0.02)

    def start_empty(self) -> None:
        """On another disk, as it were."""
        shutil.rmtree(self.folder / "appendonlydir", ignore_errors=True)
        self.start()

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def pause(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def flush(self) -> None:
        self._say("FLUSHALL")

    def out_of_memory(self) -> None:
        """Nothing more is taken until `recover`."""
        self._say("CONFIG", "SET", "maxmemory", "1")

    def read_only(self) -> None:
        """A replica of a server that is not there."""
        self._say("REPLICAOF", "127.0.0.1", "1")

    def recover(self) -> None:
        self._say("CONFIG", "SET", "maxmemory", "0")
        self._say("REPLICAOF", "NO", "ONE")

    def _say(self, *words: str) -> None:
        with contextlib.suppress(RedisError), Redis.from_url(self.url, socket_timeout=2) as connection:
            connection.execute_command(*words)
