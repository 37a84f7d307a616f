"""The product's own processes, started as the Procfile starts them, on a register and a Redis."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bench.measure import ROOT, bytecode
from bench.registers import environ

START_SECONDS = 120


@contextlib.contextmanager
def running(command: Sequence[str], url: str, redis_url: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The process, which is asked to end at the end of the context."""
    given = os.environ | bytecode() | environ(url, folder, REDIS_URL=redis_url)
    process = subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT, env=given, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def wait_until(there: Callable[[], bool], process: subprocess.Popen[bytes], what: str) -> None:
    """Raises where the process ends or takes too long."""
    until = time.monotonic() + START_SECONDS
    while not there():
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"{what} did not come up")
        time.sleep(0.05)


def workers(redis_url: str) -> int:
    """How many RQ workers have signed up for exports."""
    from redis import Redis
    from rq import Worker

    with Redis.from_url(redis_url) as connection:
        return len(Worker.all(connection=connection))


def children(process: int) -> list[int]:
    listed = Path(f"/proc/{process}/task/{process}/children")
    return [int(each) for each in listed.read_text(encoding="utf-8").split()] if listed.exists() else []
