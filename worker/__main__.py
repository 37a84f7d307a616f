"""`python -m worker` makes exports; `python -m worker upkeep` runs the short jobs that must never wait behind one.

The app is built before RQ forks and connects to nothing until a job runs in the child.
"""

from __future__ import annotations

import gc
import os
import sys
import time

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from rq import Worker
from rq.serializers import JSONSerializer

from portal.config import SettingsError, settings
from portal.plumbing import wakeups
from portal.plumbing.logs import log
from worker import app

# A worker that died is noticed after these, not after RQ's own defaults of up to thirteen minutes.
WORKER_TTL_SECONDS = 75
MONITORING_SECONDS = 10
MAINTENANCE_SECONDS = 60
REDIS_AWAY_SECONDS = 2
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
    """RQ's worker ends when Redis goes away; this one waits for it and goes on."""
    logger = log("worker")
    while True:
        try:
            connection = Redis.from_url(url)
            worker = Worker(
                [wakeups.queue(queue, connection)],
                connection=connection,
                serializer=JSONSerializer,
                worker_ttl=WORKER_TTL_SECONDS,
                job_monitoring_interval=MONITORING_SECONDS,
                maintenance_interval=MAINTENANCE_SECONDS,
                log_job_description=False,
            )
            worker.work(logging_level="WARNING")
        except (RedisConnectionError, RedisTimeoutError) as error:
            logger.warning("Redis is away; waiting", error=str(error))
            time.sleep(REDIS_AWAY_SECONDS)
        else:
            return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
