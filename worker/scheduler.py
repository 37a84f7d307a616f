"""`python -m worker.scheduler`: rq-scheduler with three fixed entries, put back from code at start and on every loop.

The entries are wake-ups alone: no schedule of a person's is ever an entry, since rq-scheduler loses or repeats one
when it dies between two of its steps, and reckons in the server's own zone.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from typing import Any

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from rq.job import Job
from rq.serializers import JSONSerializer
from rq_scheduler import Scheduler

from portal.config import SettingsError, settings
from portal.plumbing import wakeups
from portal.plumbing.logs import log
from worker import app

LOOP_SECONDS = 1
REDIS_AWAY_SECONDS = 2
DAY_SECONDS = 86_400
# id: (dotted name of the job, seconds between two)
ENTRIES = {
    "tick": ("worker.jobs.start_due_schedules", 15),
    "sweep": ("worker.jobs.recover_lost_runs", 30),
    "housekeeping": ("worker.jobs.housekeeping", DAY_SECONDS),
}
logger = log("scheduler")


class JsonJob(Job):
    """rq-scheduler has no serializer setting and would pickle; the workers read JSON alone."""

    @classmethod
    def create(cls, *args: Any, **kwargs: Any) -> Job:
        kwargs["serializer"] = JSONSerializer
        return super().create(*args, **kwargs)

    @classmethod
    def fetch(cls, id: str, connection: Redis | None = None, serializer: Any = JSONSerializer) -> Job:  # noqa: A002
        return super().fetch(id, connection=connection, serializer=serializer)


class FixedEntriesScheduler(Scheduler):  # type: ignore[misc]
    """Looks before each loop whether its entries are there: Redis may have been flushed."""

    def enqueue_jobs(self) -> Any:
        put_back_entries(self)
        return super().enqueue_jobs()


def make_scheduler(connection: Redis) -> FixedEntriesScheduler:
    return FixedEntriesScheduler(
        queue_name=wakeups.UPKEEP, connection=connection, interval=LOOP_SECONDS, job_class=JsonJob
    )


def put_back_entries(scheduler: Scheduler) -> None:
    """Each fixed entry is there and readable; whatever else stands in its place or beside it is taken out."""
    known = {member.decode() for member in scheduler.connection.zrange(scheduler.scheduled_jobs_key, 0, -1)}
    for stranger in known - ENTRIES.keys():
        scheduler.cancel(stranger)
    for entry_id, (job, seconds) in ENTRIES.items():
        if entry_id in known and Job.exists(entry_id, connection=scheduler.connection):
            continue
        scheduler.schedule(datetime.now(UTC), job, interval=seconds, id=entry_id, timeout=-1, queue_name=wakeups.UPKEEP)


def main() -> int:
    try:
        application = app()
    except SettingsError as error:
        print(f"Duepost does not start: {error}", file=sys.stderr)
        return 2
    with application.app_context():
        url = settings().effective_redis_url
    while True:
        try:
            make_scheduler(Redis.from_url(url)).run()
        except (RedisConnectionError, RedisTimeoutError) as error:
            logger.warning("Redis is away; waiting", error=str(error))
            time.sleep(REDIS_AWAY_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
