"""Real workers for tests that kill one after the other: each is a fork of a process that has loaded everything."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from flask import Flask

from demo.supervisor import members_of
from portal import clock
from portal.config import ROOT
from tests.faults.installation import replace
from tests.support.processes import environment, state_of
from tests.support.whole_product import wait_until


class Hatchery:
    """`charge` a failpoint, `hatch` a worker; the clock of the test and of the workers is one, and can be moved."""

    def __init__(self, app: Flask, folder: Path, **more: str) -> None:
        self.charges, self._clock, self._offset = folder / "charges", folder / "clock", 0.0
        self.charges.mkdir()
        self.log = folder / "workers.log"
        self.sessions: list[int] = []
        self.forward(0)
        files = {"FAULTS_CLOCK": str(self._clock), "FAULTS_CHARGES": str(self.charges)}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.process", "hatchery"],
                cwd=ROOT,
                env=environment(app, **files, **more),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )

    def now(self) -> datetime:
        return _true_now() + timedelta(seconds=self._offset)

    def forward(self, seconds: float) -> None:
        self._offset += seconds
        replace(self._clock, str(self._offset))

    def hatch(self, what: str) -> int:
        """The process id of a new worker or upkeep worker, which leads a session of its own."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{what}\n")
        self._process.stdin.flush()
        pid = int(self._process.stdout.readline())
        self.sessions.append(pid)
        return pid

    def charge(self, place: str, action: str) -> None:
        (self.charges / place).write_text(action)

    def has_struck(self, place: str) -> bool:
        return (self.charges / f"{place}.struck").exists()

    def await_strike(self, place: str) -> None:
        try:
            wait_until(f"{place} is reached", lambda: self.has_struck(place), 30)
        finally:
            for name in (place, f"{place}.struck"):
                (self.charges / name).unlink(missing_ok=True)

    def jobs_of(self, parent: int) -> list[int]:
        return [pid for pid in members_of([parent]) if pid != parent]

    def frozen(self) -> list[int]:
        return [pid for pid in members_of(self.sessions) if state_of(pid) == "T"]

    def kill(self, *parents: int) -> None:
        """These and all that they forked."""
        deadline = time.monotonic() + 5
        while (left := members_of(parents)) and time.monotonic() < deadline:
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)

    def close(self) -> None:
        self.kill(*self.sessions)
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


_true_now = clock.now


@contextmanager
def open_hatchery(app: Flask, folder: Path, **more: str) -> Iterator[Hatchery]:
    """While it is open, `clock.now()` of the test is the workers' too."""
    hatchery = Hatchery(app, folder, **more)
    clock.now = hatchery.now
    try:
        yield hatchery
    finally:
        clock.now = _true_now
        hatchery.close()
