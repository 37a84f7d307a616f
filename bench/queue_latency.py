"""From putting a job on the queue to its first line: a real worker process, which forks for each job."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from redis import Redis

from bench.measure import Figures, Say, Way, compare
from bench.processes import running, wait_until, workers
from bench.redis_server import running_redis
from bench.registers import Register, app_on
from bench.report import Figure, Subject

ANSWERS = "bench-answers"
JOB_SECONDS = 30
PAUSE_SECONDS = 0.05
"""Between two jobs: the worker goes back to waiting."""


def note_start() -> None:
    """The job: its first line notes the moment, on the clock that all processes of a machine share."""
    began = time.monotonic()
    from rq import get_current_job

    job = get_current_job()
    assert job is not None
    job.connection.rpush(ANSWERS, repr(began))


def enqueue_and_wait(url: str, jobs: int) -> Figures:
    from portal.plumbing import wakeups

    with (
        running_redis() as redis_url,
        tempfile.TemporaryDirectory() as folder,
        running(["worker"], url, redis_url, Path(folder)) as process,
        app_on(url, folder, REDIS_URL=redis_url),
        wakeups.connect() as answers,
    ):
        wait_until(lambda: workers(redis_url) == 1, process, "the worker")
        _wait_for_one(answers)  # the first meets a worker that is still warming up
        began = time.perf_counter()
        waits = sorted(_wait_for_one(answers) for _ in range(jobs))
        wall = time.perf_counter() - began
    return {
        "wall_seconds": wall,
        "cpu_seconds": 0.0,
        "jobs": jobs,
        "median_ms": statistics.median(waits) * 1000,
        "nine_of_ten_ms": waits[int(jobs * 0.9)] * 1000,
    }


def _wait_for_one(answers: Redis) -> float:
    """Seconds from before the job is put on the queue, as wake_run does it, to its first line."""
    from portal.plumbing import wakeups

    time.sleep(PAUSE_SECONDS)
    enqueued = time.monotonic()
    with wakeups.connect() as connection:
        wakeups.queue(wakeups.EXPORTS, connection).enqueue("bench.queue_latency.note_start", result_ttl=0)
    until = enqueued + JOB_SECONDS
    while time.monotonic() < until:
        answered: Any = answers.blpop([ANSWERS], timeout=1)
        if answered:
            return float(answered[1]) - enqueued
    raise TimeoutError("the worker did not take the job")


def measure(register: Register, jobs: int, repeats: int, say: Say) -> Subject:
    name = "Duepost's worker, idle, one job at a time"
    found = compare([Way(name, enqueue_and_wait, {"url": register.url, "jobs": jobs})], repeats, say)
    figures = found[name].figures
    return Subject(
        "queue",
        "Enqueue to start",
        "jobs",
        list(found.values()),
        [
            Figure.at_most("median", figures["median_ms"], 25, "ms"),
            Figure.shown("nine of ten within", figures["nine_of_ten_ms"], "ms"),
        ],
    )
