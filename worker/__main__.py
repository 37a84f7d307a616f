"""`python -m worker` makes exports; `python -m worker upkeep` runs the short jobs that must never wait behind one.

The app is built before RQ forks and connects to nothing until a job runs in the child.
"""

from __future__ import annotations

import gc
import os
import sys

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq.serializers import JSONSerializer

from portal.config import SettingsError, settings
from portal.plumbing import wakeups
from worker import app
from worker.keep_going import keep_going
from worker.watched_worker import WatchedWorker

# A worker that died is noticed after these, not after RQ's own defaults of up to thirteen minutes.
WORKER_TTL_SECONDS = 75
MAINTENANCE_SECONDS = 60
CONNECT_SECONDS = 5
QUEUES = {"exports": wakeups.EXPORTS, "upkeep": wakeups.UPKEEP}


def main(arguments: list[str]) -> int:
    name = arguments[0] if arguments else "exports"
    if name not in QUEUES or len(arguments) > 1:
        print("Say `python -m worker` for exports or `python -m worker upkeep`.", file=sys.stderr)
        return 2
    try:
        application = app()
    except SettingsError as error:
        print(f"Duepost does not start: {error}", file=sys.stderr)
        return 2
    # what is loaded now stays: the jobs' processes need not look through it for garbage, and so do not copy its pages
    gc.collect()
    gc.freeze()
    os.umask(0o077)  # artifacts pass through temporary files that are nobody else's business
    with application.app_context():
        url = settings().effective_redis_url
    _work_until_stopped(url, QUEUES[name])
    return 0


def _work_until_stopped(url: str, queue: str) -> None:
    """RQ's worker ends at many an error of Redis; then another is made, until this process is to end."""
    current: WatchedWorker | None = None

    def work() -> None:
        nonlocal current
        # one retry, for a connection that was closed while idle: a Redis that is away is waited for outside
        connection = Redis.from_url(url, socket_connect_timeout=CONNECT_SECONDS, retry=Retry(NoBackoff(), 1))
        current = WatchedWorker(
            [wakeups.queue(queue, connection)],
            connection=connection,
            serializer=JSONSerializer,
            worker_ttl=WORKER_TTL_SECONDS,
            maintenance_interval=MAINTENANCE_SECONDS,
            log_job_description=False,
        )
        current.work(logging_level="WARNING")

    keep_going(work, lambda: current is not None and current.asked_to_stop)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
