"""Keeps a table of processes going: what dies is started again, and the end leaves nothing behind.

Each process leads a session of its own, so that Ctrl-C reaches the supervisor alone and everything that a process
forked, RQ's work horse in its own group included, can be found again by its session.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
STEADY_SECONDS = 20.0
POLITE_SECONDS = 5.0
LAST_POLITE_SECONDS = 2.5
KILL_SECONDS = 1.0
_PR_SET_PDEATHSIG = 1


class Stopped(Exception):  # noqa: N818  # no error: somebody asked for the end
    """`ask_to_stop` was called."""


@dataclass(frozen=True)
class Process:
    """One line of the table. Where `outlives` the others, it is ended only after them."""

    name: str
    command: Sequence[str]
    outlives: bool = False


@dataclass
class _Running:
    """What became of one line. `pause` is how long the next restart waits; `due` when it is, if it has ended."""

    process: Process
    child: subprocess.Popen[bytes] | None = None
    began: float = 0.0
    pause: float = 0.0
    due: float = 0.0


@dataclass
class Supervisor:
    """`start` what is in the table, `watch` it until asked to stop, `stop` all of it."""

    environ: Mapping[str, str]
    folder: Path
    logs: Path
    say: Callable[[str], None] = lambda line: print(line, flush=True)
    _stopping: bool = False
    _all: list[_Running] = field(default_factory=list)
    _sessions: set[int] = field(default_factory=set)

    def start(self, process: Process) -> None:
        running = _Running(process)
        self._all.append(running)
        self._launch(running)

    def ask_to_stop(self) -> None:
        """For a signal handler: it only notes the wish, so that nothing is broken off in the middle."""
        self._stopping = True

    def run(self, command: Sequence[str]) -> int:
        """Run something to its end, on the console, while watching the rest; its exit code. Raises Stopped."""
        child = self._spawn(command, None)
        self.watch(lambda: child.poll() is not None, every=0.05)
        return child.returncode

    def watch(self, until: Callable[[], bool], every: float = 0.2) -> None:
        """Restart what ends, each time after a longer pause, until `until()` holds. Raises Stopped."""
        while not until():
            if self._stopping:
                raise Stopped
            for running in self._all:
                self._look_at(running)
            time.sleep(every)

    def pids(self) -> dict[str, int]:
        """Process id by name, of what is alive."""
        return {each.process.name: each.child.pid for each in self._all if each.child and each.child.poll() is None}

    def stop(self) -> None:
        """End everything within ten seconds: by a word, at which a worker gives its run back, then by force."""
        ordinary = [each.child for each in self._all if each.child and not each.process.outlives]
        lasting = [each.child for each in self._all if each.child and each.process.outlives]
        _signal_groups(ordinary, signal.SIGTERM)
        _all_ended(ordinary, POLITE_SECONDS)
        # Sessions of those lasting are spared for now; whoever was forked by a process that died goes with the others.
        _kill_sessions(self._sessions - {child.pid for child in lasting})
        _signal_groups(lasting, signal.SIGTERM)
        _all_ended(lasting, LAST_POLITE_SECONDS)
        _kill_sessions(self._sessions)
        for child in (*ordinary, *lasting):
            child.wait()

    def _launch(self, running: _Running) -> None:
        with (self.logs / f"{running.process.name}.log").open("ab") as log:
            running.child = self._spawn(running.process.command, log)
        running.began, running.due = time.monotonic(), 0.0

    def _launch_again(self, running: _Running) -> None:
        """Where there is no memory or no process to be had, later: the others are looked after meanwhile."""
        try:
            self._launch(running)
        except OSError as error:
            self._put_off(running, f"cannot be started ({error.strerror})")

    def _spawn(self, command: Sequence[str], log: BinaryIO | None) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(  # noqa: S603  # no shell, our own commands
            command,
            cwd=self.folder,
            env=dict(self.environ),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT if log else None,
            start_new_session=True,
            # one thread only, and nothing but one system call
            preexec_fn=_end_with_the_supervisor if sys.platform == "linux" else None,  # noqa: PLW1509
        )
        self._sessions.add(child.pid)
        return child

    def _look_at(self, running: _Running) -> None:
        now = time.monotonic()
        if running.due:
            if now >= running.due:
                self._launch_again(running)
            return
        code = running.child.poll() if running.child else None
        if code is None:
            return
        if now - running.began >= STEADY_SECONDS:
            running.pause = 0.0
        self._forget_empty_sessions()
        self._put_off(running, _how_it_ended(code))

    def _put_off(self, running: _Running, why: str) -> None:
        running.pause = min(running.pause * 2, LONGEST_PAUSE_SECONDS) if running.pause else FIRST_PAUSE_SECONDS
        running.due = time.monotonic() + running.pause
        name = running.process.name
        self.say(f"[{name}] {why}; starting it again in {running.pause:g} s (log: {self.logs / name}.log)")

    def _forget_empty_sessions(self) -> None:
        """A session's number may be given to a stranger once nobody is in it."""
        self._sessions &= {os.getsid(pid) for pid in members_of(self._sessions)}


def members_of(sessions: Iterable[int]) -> list[int]:
    """Ids of all processes in these sessions that have not ended."""
    wanted, found = set(sessions), []
    for pid in _every_pid():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getsid(pid) in wanted and not _is_zombie(pid):
                found.append(pid)
    return found


def _every_pid() -> list[int]:
    if Path("/proc/self").exists():
        return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    listed = subprocess.run(["/bin/ps", "-A", "-o", "pid="], capture_output=True, text=True, check=True)
    return [int(word) for word in listed.stdout.split()]


def _is_zombie(pid: int) -> bool:
    try:
        return (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0] == "Z"
        )
    except OSError:
        return False


def _signal_groups(children: Iterable[subprocess.Popen[bytes]], number: signal.Signals) -> None:
    for child in children:
        if child.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, number)


def _all_ended(children: Sequence[subprocess.Popen[bytes]], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while any(child.poll() is None for child in children):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _kill_sessions(sessions: Iterable[int]) -> None:
    """By force, and again for what was forked meanwhile, until nobody is left."""
    deadline = time.monotonic() + KILL_SECONDS
    while (members := members_of(sessions)) and time.monotonic() < deadline:
        for pid in members:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def _how_it_ended(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"


def _end_with_the_supervisor() -> None:
    """Linux: where the supervisor itself is killed, its children are told to end."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
