"""Wake-ups on Redis: the database says what is to be done, these only say "look now". Losing one loses nothing."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterable

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq.exceptions import DuplicateJobError
from rq.serializers import JSONSerializer

from portal import deadline
from portal.config import settings
from portal.plumbing.logs import log

EXPORTS = "exports"
UPKEEP = "upkeep"
FAILURE_SECONDS = 24 * 3600
PATIENCE_SECONDS = 1
"""For Redis to take a connection, and for each of its answers."""
WAKING_SECONDS = 20
"""For all wake-ups of one pass: what is left then is found by the sweep."""
logger = log(__name__)


def connect() -> Redis:
    """A connection that gives up soon and tries nothing twice, so that no page waits for a Redis that is away."""
    seconds = deadline.left(PATIENCE_SECONDS)
    return Redis.from_url(
        settings().effective_redis_url,
        socket_connect_timeout=seconds,
        socket_timeout=seconds,
        retry=Retry(NoBackoff(), 0),
    )


def queue(name: str, connection: Redis) -> Queue:
    return Queue(name, connection=connection, serializer=JSONSerializer, default_timeout=-1)


def wake_run(run_id: uuid.UUID, wake_count: int) -> bool:
    """Put the run's job on the queue; False where Redis is away (sweep finds the run again)."""
    return wake_runs([(run_id, wake_count)])


def wake_runs(wakes: Iterable[tuple[uuid.UUID, int]]) -> bool:
    """The same for each (run, wake count), over one connection; False as soon as Redis is found to be away or slow."""
    try:
        with deadline.within(WAKING_SECONDS), connect() as connection:
            exports = queue(EXPORTS, connection)
            for run_id, wake_count in wakes:
                if deadline.over():
                    logger.warning("runs not woken: no time left; the sweep wakes them")
                    return False
                _enqueue(exports, run_id, wake_count)
    except (RedisError, OSError) as error:
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
