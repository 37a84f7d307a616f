"""What is done to an installation: one fault after the other, drawn by a seed, each undone after a while."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import psutil
import psycopg

from tests.faults.crew import Member
from tests.faults.databases import PostgresDatabase
from tests.faults.installation import Installation
from tests.faults.lives import (
    OF_A_LOST_CANCEL,
    OF_A_LOST_RUN,
    OF_A_LOST_WAKE_UP,
    OF_A_NOTICE,
    OF_A_RUN,
    OF_A_TICK,
    OF_GIVING_BACK,
)
from tests.faults.mail_witness import FRIENDLY, MOODS

BACK_AT_MOST = 40.0
"""Seconds by which the clock is ever set back."""
FORWARD_GAP_SECONDS = 40.0
DEADLY = ("kill", "kill", "kill-parent", "kill-both", "stop", "error", "hang")
AT_WORK = (*OF_A_RUN, *OF_GIVING_BACK)
AT_UPKEEP = (*OF_A_TICK, *OF_A_LOST_RUN, *OF_A_LOST_WAKE_UP, *OF_A_LOST_CANCEL, *OF_A_NOTICE)


@dataclass
class Storm:
    """`step` does what is due: a fault, or the end of one. `calm` ends them all.

    A kind of fault is a function that says what it did, or None where that cannot be done just now.
    """

    place: Installation
    chance: random.Random
    every_seconds: float
    faults: Counter[str] = field(default_factory=Counter)
    _next: float = 0.0
    _forward_at: float = 0.0
    _ends: dict[str, tuple[float, Callable[[], None]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.place.crew.failpoints = self._failpoints
        one_database = (
            [(4, self._restart_database), (3, self._cut_connections)]
            if isinstance(self.place.database, PostgresDatabase)
            else []
        )
        self._kinds: list[tuple[int, Callable[[], str | None]]] = [
            (11, lambda: self._strike("worker", signal.SIGKILL, job=True)),
            (10, lambda: self._strike("worker", signal.SIGKILL, parent=True)),
            (8, lambda: self._strike("worker", signal.SIGKILL, parent=True, job=True)),
            (8, lambda: self._strike("worker", signal.SIGSTOP, job=True)),
            (3, lambda: self._strike("worker", signal.SIGSTOP, parent=True, job=True)),
            (7, lambda: self._strike("worker", signal.SIGTERM, parent=True)),
            (4, lambda: self._strike("worker", signal.SIGTERM, parent=True, job=True)),
            (5, lambda: self._strike("upkeep", signal.SIGKILL, parent=True)),
            (5, lambda: self._strike("upkeep", signal.SIGKILL, job=True)),
            (3, lambda: self._strike("upkeep", signal.SIGSTOP, job=True)),
            (4, lambda: self._strike("scheduler", signal.SIGKILL, parent=True)),
            (2, lambda: self._strike("scheduler", signal.SIGSTOP, parent=True)),
            (6, self._flush_redis),
            (4, self._kill_redis),
            (3, self._pause_redis),
            (2, self._fill_redis),
            (2, self._freeze_redis),
            (4, self._kill_mail),
            (10, self._odd_mail),
            (3, self._hold_database),
            (3, self._fill_disk),
            (7, self._clock_forward),
            (3, self._clock_back),
            *one_database,
        ]

    def step(self) -> None:
        now = time.monotonic()
        for name, (due, undo) in list(self._ends.items()):
            if now >= due:
                del self._ends[name]
                undo()
        if now >= self._next:
            self._next = now + self.chance.expovariate(1 / self.every_seconds)
            struck = next((name for name in (self._do_something() for _ in range(8)) if name is not None), None)
            if struck is not None:
                self.faults[struck] += 1

    def _do_something(self) -> str | None:
        (kind,) = self.chance.choices([kind for _, kind in self._kinds], [weight for weight, _ in self._kinds])
        try:
            return kind()
        except (psycopg.Error, subprocess.SubprocessError):
            return None  # the database is away by another fault

    def calm(self) -> None:
        for _, undo in self._ends.values():
            undo()
        self._ends.clear()

    def _failpoints(self, name: str) -> str:
        """Most processes get one place at which something happens to them, once."""
        if name.startswith("scheduler") or self.chance.random() < 0.3:
            return ""
        worker = name.startswith("worker")
        place = self.chance.choice(AT_WORK if worker else AT_UPKEEP)
        # an upkeep job that hangs is ended after five minutes only
        action = self.chance.choice(DEADLY if worker else DEADLY[:-1])
        return f"{place}={action}@{self.chance.choice([1, 1, 2])}"

    def _until(self, name: str, seconds: float, undo: Callable[[], None]) -> str:
        """What is undone after that time."""
        self._ends[name] = (time.monotonic() + seconds, undo)
        return name

    def _strike(self, group: str, number: signal.Signals, *, parent: bool = False, job: bool = False) -> str | None:
        """A worker, the process of its job, or both; a job is looked for among all workers."""
        members = [each for each in self.place.crew.members if each.name.startswith(group) and each.alive]
        self.chance.shuffle(members)
        for member in members:
            hit = _hit(member, number, parent=parent, job=job)
            if hit:
                who = {(True, True): "both", (True, False): "parent", (False, True): "job"}[parent, job]
                return f"{number.name} {group} {who}" if group != "scheduler" else f"{number.name} {group}"
        return None

    def _flush_redis(self) -> str:
        self.place.redis.flush()
        return "Redis flushed"

    def _kill_redis(self) -> str | None:
        if self._redis_is_busy():
            return None
        self.place.redis.kill()
        return self._until("Redis killed", self.chance.uniform(0, 5), self.place.redis.start)

    def _pause_redis(self) -> str | None:
        if self._redis_is_busy():
            return None
        self.place.redis.pause()
        return self._until("Redis paused", self.chance.uniform(1, 6), self.place.redis.go_on)

    def _fill_redis(self) -> str | None:
        if self._redis_is_busy():
            return None
        self.place.redis.out_of_memory()
        return self._until("Redis out of memory", self.chance.uniform(2, 8), self.place.redis.recover)

    def _freeze_redis(self) -> str | None:
        if self._redis_is_busy():
            return None
        self.place.redis.read_only()
        return self._until("Redis read-only", self.chance.uniform(2, 8), self.place.redis.recover)

    def _redis_is_busy(self) -> bool:
        return any(name.startswith("Redis") for name in self._ends)

    def _kill_mail(self) -> str | None:
        if "mail server killed" in self._ends:
            return None
        self.place.mail.kill()
        return self._until("mail server killed", self.chance.uniform(0, 4), self.place.mail.start)

    def _odd_mail(self) -> str | None:
        if any(name.startswith("mail server is") for name in self._ends):
            return None
        mood = self.chance.choice([each for each in MOODS if each != FRIENDLY])
        self.place.mail.mood(mood)
        return self._until(f"mail server is {mood}", self.chance.uniform(4, 12), lambda: self.place.mail.mood(FRIENDLY))

    def _hold_database(self) -> str | None:
        if self._database_is_busy():
            return None
        seconds = self.chance.choice([1, 3, 9, 13])
        holder = self.place.database.hold(seconds)
        return self._until("database locked", seconds + 1, lambda: _end(holder))

    def _restart_database(self) -> str | None:
        database = self.place.database
        if self._database_is_busy() or not isinstance(database, PostgresDatabase):
            return None
        database.stop(self.chance.choice(["immediate", "fast"]))
        return self._until("database restarted", self.chance.choice([0, 1, 4]), database.start)

    def _cut_connections(self) -> str | None:
        if self._database_is_busy() or not isinstance(self.place.database, PostgresDatabase):
            return None
        self.place.database.cut_connections()
        return "database connections cut"

    def _fill_disk(self) -> str | None:
        full = self.place.folder / "full"
        if self._database_is_busy():
            return None
        full.touch()
        return self._until("database full", self.chance.uniform(2, 6), full.unlink)

    def _database_is_busy(self) -> bool:
        return any(name.startswith("database") for name in self._ends)

    def _clock_forward(self) -> str | None:
        """A few minutes, or up to 25: never so far that the product holds its ticks back, nor twice in a row."""
        now = time.monotonic()
        if now - self._forward_at < FORWARD_GAP_SECONDS:
            return None
        self._forward_at = now
        self.place.move_clock(self.chance.choice([60, 200, 200, 600, 1500]))
        return "clock forward"

    def _clock_back(self) -> str:
        self.place.move_clock(-self.chance.uniform(1, BACK_AT_MOST))
        return "clock back"


def _hit(member: Member, number: signal.Signals, *, parent: bool, job: bool) -> bool:
    """Signals what was asked for; False where the member does no job just now."""
    at_work = member.job() if job else None
    if member.child is None or (job and at_work is None):
        return False
    if parent:
        with contextlib.suppress(ProcessLookupError):
            os.kill(member.child.pid, number)
    if at_work is not None:
        with contextlib.suppress(psutil.NoSuchProcess):
            at_work.send_signal(number)
    return True


def _end(holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.wait()
    if holder.stdout is not None:
        holder.stdout.close()
