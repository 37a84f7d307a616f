"""RQ's worker, made to keep the limits of its jobs, to give runs back when it is to end, and to outlive its Redis."""

from __future__ import annotations

import contextlib
import os
import signal
import time
import uuid
from types import FrameType
from typing import Any

import psutil
from redis.client import Pipeline
from redis.exceptions import RedisError
from rq import Queue, Worker, worker_registration
from rq.exceptions import DeserializationError, InvalidJobOperation, StopRequested
from rq.executions import Execution
from rq.job import Job, JobStatus
from rq.utils import now as rq_now

from portal import leases
from portal.plumbing import wakeups
from portal.plumbing.logs import log
from portal.runs import stopping
from worker import app
from worker.keep_going import STOP_SIGNALS
from worker.watch import RunWatch, Upkeep, Why

LOOK_SECONDS = 1.0
BEAT_SECONDS = 10.0
RUN_JOB = "worker.jobs.make_run"
logger = log(__name__)

_lease_token: str | None = None


def lease_token() -> str | None:
    """In a work horse: what the leases it takes are known by to its parent."""
    return _lease_token


class WatchedWorker(Worker):
    """One job at a time in a forked process, which is killed from here where it goes past its limits.

    SIGTERM and SIGINT end it once the job in hand has been given back or is done; a second one changes nothing.
    """

    max_connection_wait_time = 10.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._stop_asked_at: float | None = None
        self._in_hand = False
        self._token = ""

    @property
    def asked_to_stop(self) -> bool:
        return self._stop_asked_at is not None

    # -- asked to end

    def request_stop(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """RQ's own would speak to Redis from within a signal handler, and kill the job at the second signal."""
        if self._stop_asked_at is None:
            self._stop_asked_at = time.monotonic()
        self._stop_requested = True
        if self.horse_pid:
            self._tell_horse()
        elif not self._in_hand:
            raise StopRequested

    def _tell_horse(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.horse_pid, signal.SIGTERM)

    def setup_work_horse_signals(self) -> None:
        """RQ would let SIGTERM end the horse at once; here it looks between two steps whether it was asked to."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: stopping.ask_to_stop())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)

    # -- the job in its own process

    def execute_job(self, job: Job, queue: Queue) -> None:
        self._in_hand = True
        try:
            super().execute_job(job, queue)
        finally:
            self._in_hand = False  # also where Redis failed before there was a horse

    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        """No signal comes between the fork and the moment at which either side knows what to do with one."""
        global _lease_token  # noqa: PLW0603  # what the forked process is to know
        _lease_token = self._token = leases.new_token()
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        try:
            super().fork_work_horse(job, queue)
            # the child does so too; whoever comes first, it is in a group of its own from here on
            with contextlib.suppress(OSError):
                os.setpgid(self.horse_pid, self.horse_pid)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        if self.asked_to_stop:
            self._tell_horse()

    def monitor_work_horse(self, job: Job, queue: Queue, execution: Execution) -> None:
        """Wait for the end of the job's process, and look after it meanwhile: its limits, and its signs of life."""
        job.started_at = rq_now()
        watch = self._watch(job)
        last_beat = time.monotonic()
        why: Why | None = None
        while (code := self._wait(LOOK_SECONDS)) is None:
            moment = time.monotonic()
            watch.stop_asked_at = self._stop_asked_at
            why = why or watch.verdict(moment)
            if why:
                logger.warning("a job is killed", job_id=job.id, why=why.value)
                self.kill_horse()
            if moment - last_beat >= BEAT_SECONDS:
                last_beat = moment
                self._beat(job, execution)
        self._horse_pid = 0
        self._in_hand = False
        self.executions.pop(execution.id, None)
        if why:
            watch.killed(why)
        if code != os.EX_OK:
            self._ended_badly(job, queue, execution, code)

    def _watch(self, job: Job) -> RunWatch | Upkeep:
        with contextlib.suppress(DeserializationError, ValueError, IndexError, TypeError):
            if job.func_name == RUN_JOB:
                return RunWatch(app(), uuid.UUID(job.args[0]), self._token, self.horse_pid)
        return Upkeep()

    def _wait(self, seconds: float) -> int | None:
        """The code with which the horse ended, negative for a signal; None while it works."""
        try:
            code = psutil.Process(self.horse_pid).wait(seconds)
        except psutil.TimeoutExpired:
            return None
        except psutil.NoSuchProcess:
            return -1
        return -1 if code is None else int(code)

    def kill_horse(self, sig: signal.Signals = signal.SIGKILL) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.horse_pid, sig)

    def _ended_badly(self, job: Job, queue: Queue, execution: Execution, code: int) -> None:
        """Say so in the queue's own books. What became of the run itself stands in the database."""
        try:
            if job.get_status() in {JobStatus.FINISHED, JobStatus.FAILED}:
                return
        except InvalidJobOperation:
            return  # the job is over and no longer kept
        logger.warning("a job's process ended badly", job_id=job.id, code=code)
        job.ended_at = rq_now()
        self.handle_job_failure(job, queue=queue, exc_string=f"The process ended with {code}.", execution=execution)

    # -- Redis

    def _beat(self, job: Job, execution: Execution) -> None:
        """A Redis that is away or hangs must not keep the parent from looking after its child: one short try."""
        patient = self.connection
        try:
            with app().app_context(), wakeups.connect() as self.connection:
                self.maintain_heartbeats(job, execution)
        except RedisError as error:
            logger.warning("no sign of life to Redis", error=str(error))
        finally:
            self.connection = patient

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """As RQ's, and registered anew: a flushed Redis would else never again know of this worker."""
        super().heartbeat(timeout, pipeline=pipeline)
        worker_registration.register(self, pipeline)

    def subscribe(self) -> None:
        """No orders through Redis: nobody sends any, and a thread would stand in the way of the fork."""

    def unsubscribe(self) -> None:
        """See `subscribe`."""
