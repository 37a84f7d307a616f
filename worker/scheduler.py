"""`python -m worker.scheduler`: rq-scheduler with three fixed entries, put back from code at start and on every loop.

The entries are wake-ups alone: no schedule of a person's is ever an entry, since rq-scheduler loses or repeats one
when it dies between two of its steps, and reckons in the server's own zone.
"""

from __future__ import annotations

import signal
import sys
import time
from datetime import UTC, datetime
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq.exceptions import StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer
from rq_scheduler import Scheduler

from portal.config import SettingsError, settings
from portal.plumbing import wakeups
from worker import app
from worker.keep_going import STOP_SIGNALS, keep_going

LOOP_SECONDS = 1
REDIS_SECONDS = 5
DAY_SECONDS = 86_400
# id: (dotted name of the job, seconds between two)
ENTRIES = {
    "tick": ("worker.jobs.start_due_schedules", 15),
    "sweep": ("worker.jobs.recover_lost_runs", 30),
    "housekeeping": ("worker.jobs.housekeeping", DAY_SECONDS),
}


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

    asked_to_stop = False

    def enqueue_jobs(self) -> Any:
        put_back_entries(self)
        return super().enqueue_jobs()

    def enqueue_job(self, job: Job) -> None:
        """One of each waits at most: an upkeep worker that was away for days is not to tick for all of them."""
        self.get_queue_for_job(job).remove(job.id)
        super().enqueue_job(job)

    def _install_signal_handlers(self) -> None:
        """rq-scheduler's own would speak to Redis from within, and could not end while that is away."""
        for number in STOP_SIGNALS:
            signal.signal(number, self._stop)

    def _stop(self, *_: object) -> None:
        self.asked_to_stop = True
        raise StopRequested


def make_scheduler(connection: Redis) -> FixedEntriesScheduler:
    return FixedEntriesScheduler(
        queue_name=wakeups.UPKEEP, connection=connection, interval=LOOP_SECONDS, job_class=JsonJob
    )


def put_back_entries(scheduler: Scheduler) -> None:
    """Each fixed entry is there, readable and near; whatever else stands in its place or beside it is taken out."""
    found = scheduler.connection.zrange(scheduler.scheduled_jobs_key, 0, -1, withscores=True)
    due = {member.decode(): score for member, score in found}
    for stranger in due.keys() - ENTRIES.keys():
        scheduler.cancel(stranger)
    now = time.time()
    for entry_id, (job, seconds) in ENTRIES.items():
        # further away than its interval: the clock was put back since
        near = entry_id in due and due[entry_id] <= now + seconds + LOOP_SECONDS
        if near and Job.exists(entry_id, connection=scheduler.connection):
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
    schedule_until_stopped(url)
    return 0


def schedule_until_stopped(url: str) -> None:
    current: FixedEntriesScheduler | None = None

    def schedule() -> None:
        nonlocal current
        connection = Redis.from_url(
            url, socket_connect_timeout=REDIS_SECONDS, socket_timeout=REDIS_SECONDS, retry=Retry(NoBackoff(), 1)
        )
        current = make_scheduler(connection)
        current.run()

    keep_going(schedule, lambda: current is not None and current.asked_to_stop)


if __name__ == "__main__":
    sys.exit(main())
