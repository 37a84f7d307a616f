"""Wake-ups on Redis: the database says what is to be done, these only say "look now". Losing one loses nothing."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterable, Iterator, Sequence

from redis import Redis
from redis.backoff import NoBackoff
from redis.client import Pipeline
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq.job import Job
from rq.queue import EnqueueData
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
AT_ONCE = 100
"""Wake-ups put on the queue together: few enough that other commands are not kept waiting."""
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
            for some in _batches(wakes):
                if deadline.over():
                    logger.warning("runs not woken: no time left; the sweep wakes them")
                    return False
                _enqueue(exports, some)
    except (RedisError, OSError) as error:
        logger.warning("runs not woken: Redis is away", error=str(error))
        return False
    return True


def _batches(wakes: Iterable[tuple[uuid.UUID, int]]) -> Iterator[list[tuple[uuid.UUID, int]]]:
    waiting = iter(wakes)
    while some := list(itertools.islice(waiting, AT_ONCE)):
        yield some


def _enqueue(exports: Queue, wakes: Sequence[tuple[uuid.UUID, int]]) -> None:
    """All jobs in one transaction of Redis, in three turns whatever their number; those that are there are as good."""
    jobs = {f"run-{run_id}-{wake_count}": str(run_id) for run_id, wake_count in wakes}
    keys = [Job.key_for(job_id) for job_id in jobs]

    def put(pipe: Pipeline) -> None:
        # the keys are watched: should one of them appear after this look, Redis refuses and all is done again
        any_there = pipe.exists(*keys)
        missing = [job_id for job_id in jobs if not (any_there and pipe.exists(Job.key_for(job_id)))]
        pipe.multi()
        exports.enqueue_many([_job(job_id, jobs[job_id]) for job_id in missing], pipeline=pipe)

    exports.connection.transaction(put, *keys)


def _job(job_id: str, run_id: str) -> EnqueueData:
    return Queue.prepare_data(
        "worker.jobs.make_run", (run_id,), job_id=job_id, result_ttl=0, failure_ttl=FAILURE_SECONDS
    )
