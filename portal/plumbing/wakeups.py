"""Wake-ups on Redis: the database says what is to be done, these only say "look now". Losing one loses nothing."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterable

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.exceptions import DuplicateJobError
from rq.serializers import JSONSerializer

from portal.config import settings
from portal.plumbing.logs import log

EXPORTS = "exports"
UPKEEP = "upkeep"
FAILURE_SECONDS = 24 * 3600
logger = log(__name__)


def connect() -> Redis:
    """A connection that gives up soon, so that no page waits for a Redis that is away."""
    return Redis.from_url(settings().effective_redis_url, socket_connect_timeout=1, socket_timeout=2)


def queue(name: str, connection: Redis) -> Queue:
    return Queue(name, connection=connection, serializer=JSONSerializer, default_timeout=-1)


def wake_run(run_id: uuid.UUID, wake_count: int) -> bool:
    """Put the run's job on the queue; False where Redis is away (sweep finds the run again)."""
    return wake_runs([(run_id, wake_count)])


def wake_runs(wakes: Iterable[tuple[uuid.UUID, int]]) -> bool:
    """The same for each (run, wake count), over one connection; False as soon as Redis is found to be away."""
    try:
        with connect() as connection:
            exports = queue(EXPORTS, connection)
            for run_id, wake_count in wakes:
                _enqueue(exports, run_id, wake_count)
    except RedisError as error:
        logger.warning("runs not woken: Redis is away", error=str(error))
        return False
    return True


def _enqueue(exports: Queue, run_id: uuid.UUID, wake_count: int) -> None:
    # a job that is there already is as good
    with contextlib.suppress(DuplicateJobError):
        exports.enqueue(
            "worker.jobs.make_run",
            str(run_id),
            job_id=f"run-{run_id}-{wake_count}",
            result_ttl=0,
            failure_ttl=FAILURE_SECONDS,
            unique=True,
        )
