"""The embedded Redis on a socket of its own, for as long as it is measured with."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

START_SECONDS = 20


@contextlib.contextmanager
def running_redis() -> Iterator[str]:
    """Its address."""
    from portal.plumbing import embedded_redis

    with tempfile.TemporaryDirectory(prefix="duepost-bench-") as name:
        folder = Path(name) / "redis"
        embedded_redis.prepare(folder)
        process = subprocess.Popen(embedded_redis.command(folder), stdout=subprocess.DEVNULL)
        try:
            until = time.monotonic() + START_SECONDS
            while not embedded_redis.answers(folder):
                if time.monotonic() > until:
                    raise TimeoutError("the embedded Redis did not start")
                time.sleep(0.05)
            yield f"unix://{embedded_redis.socket_of(folder)}"
        finally:
            process.terminate()
            process.wait(10)
