"""The processes of an installation, started anew when they end, as a process manager would."""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from demo.supervisor import members_of
from portal.config import ROOT
from tests.support.processes import state_of

LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass
class Member:
    """One process. `armed` is the folder in which the failpoints it was given leave a mark when they strike."""

    name: str
    command: Sequence[str]
    child: subprocess.Popen[bytes] | None = None
    due: float = 0.0
    armed: Path | None = None

    @property
    def alive(self) -> bool:
        return self.child is not None and self.child.poll() is None

    def job(self) -> psutil.Process | None:
        """The process that does a job for it just now."""
        if not self.alive or self.child is None:
            return None
        with contextlib.suppress(psutil.NoSuchProcess):
            children = psutil.Process(self.child.pid).children(recursive=True)
            return children[-1] if children else None
        return None


@dataclass
class Crew:
    """`failpoints()` gives the text of DUEPOST_FAILPOINTS for a process that is about to start, or ""."""

    environ: Mapping[str, str]
    folder: Path
    failpoints: Callable[[str], str] = lambda _name: ""
    members: list[Member] = field(default_factory=list)
    struck: Counter[str] = field(default_factory=Counter)
    _sessions: set[int] = field(default_factory=set)
    _frozen: dict[int, float] = field(default_factory=dict)
    _started: int = 0
    _looked: float = 0.0

    def add(self, name: str, *arguments: str) -> Member:
        member = Member(name, [sys.executable, "-m", "tests.faults.process", *arguments])
        self.members.append(member)
        self._launch(member)
        return member

    def watch(self, chance: random.Random) -> None:
        """Start again what ended, after up to two seconds; wake what was frozen for long enough."""
        now = time.monotonic()
        for member in self.members:
            if member.alive:
                continue
            if not member.due:
                member.due = now + chance.uniform(0, 2)
            elif now >= member.due:
                self._launch(member)
        if now - self._looked > 1:
            self._looked = now
            self._thaw(now, chance)

    def _thaw(self, now: float, chance: random.Random) -> None:
        stopped = {pid for pid in members_of(self._sessions) if state_of(pid) == "T"}
        for pid in stopped - self._frozen.keys():
            self._frozen[pid] = now + chance.uniform(2, 14)
        for pid, until in list(self._frozen.items()):
            if now >= until or pid not in stopped:
                _signal(pid, signal.SIGCONT)
                del self._frozen[pid]

    def _launch(self, member: Member) -> None:
        self._count_strikes(member)
        charges = self.failpoints(member.name)
        environ = dict(self.environ)
        if charges:
            self._started += 1
            member.armed = self.folder / f"struck-{self._started}"
            member.armed.mkdir()
            environ |= {"DUEPOST_FAILPOINTS": charges, "DUEPOST_FAILPOINTS_ONCE": str(member.armed)}
        with (self.folder / f"{member.name}.log").open("ab") as log:
            member.child = subprocess.Popen(
                member.command,
                cwd=ROOT,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # other threads run, so nothing but one system call
                preexec_fn=die_with_parent,  # noqa: PLW1509
            )
        member.due = 0.0
        self._sessions.add(member.child.pid)

    def _count_strikes(self, member: Member) -> None:
        if member.armed is not None:
            self.struck.update(mark.name for mark in member.armed.iterdir())
            shutil.rmtree(member.armed)
            member.armed = None

    def restart_all(self) -> None:
        """Every process anew and without failpoints: the calm after the storm."""
        self.failpoints = lambda _name: ""
        self.kill_all()
        for member in self.members:
            self._launch(member)

    def kill_all(self) -> None:
        deadline = time.monotonic() + 5
        while (living := members_of(self._sessions)) and time.monotonic() < deadline:
            for pid in living:
                _signal(pid, signal.SIGKILL)
            time.sleep(0.02)
        for member in self.members:
            if member.child is not None:
                member.child.wait()
            self._count_strikes(member)
        self._frozen.clear()


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def die_with_parent(number: int = signal.SIGKILL) -> None:
    """Linux: to be called in a process that was forked; a test that is killed itself leaves nothing behind."""
    if LIBC is not None:
        LIBC.prctl(1, number)
