"""Real processes of the product on a test's own database, Redis and mail server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

from flask import Flask

from demo.supervisor import members_of
from portal.config import ROOT, Settings
from tests.support.whole_product import wait_until

PASSED_ON = {"PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH", "DUEPOST_SABOTAGE", "DUEPOST_SABOTAGE_APPLIED"}
FAST = "import sys, worker.watch; {changes}; from worker.__main__ import main; sys.exit(main({arguments!r}))"


def environment(app: Flask, **more: str) -> dict[str, str]:
    """The environment in which a process has the settings of the test's app, and `more`."""
    settings = app.config["DUEPOST"]
    given = {}
    for each in fields(Settings):
        value = getattr(settings, each.name)
        if value != each.default:
            given[each.metadata["env"]] = " ".join(value) if isinstance(value, tuple) else str(value)
    mine = {name: value for name, value in os.environ.items() if name in PASSED_ON}
    return {**mine, **given, **more}


@dataclass
class Started:
    """A process in a session of its own, and what it wrote."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def said(self) -> str:
        return self.log.read_text()

    def children(self) -> list[int]:
        return [pid for pid in members_of([self.pid]) if pid != self.pid]

    def child(self) -> int:
        (child,) = self.children()
        return child

    def stopped_child(self) -> int:
        """The work horse, once it has frozen itself at a failpoint."""
        wait_until("the child stands still", lambda: any(state_of(pid) == "T" for pid in self.children()))
        return self.child()

    def alive(self) -> bool:
        return self.process.poll() is None

    def ended(self) -> int:
        """Its exit code, once it has ended."""
        wait_until("the process ends", lambda: not self.alive())
        return self.process.returncode


@contextmanager
def started(app: Flask, folder: Path, name: str, *command: str, **more: str) -> Iterator[Started]:
    """`python -m command…`, or `python -c …`; whatever it leaves is killed at the end. `more` is its environment."""
    line = [sys.executable, *(command if command[0].startswith("-") else ("-m", *command))]
    log = folder / f"{name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            line, cwd=ROOT, env=environment(app, **more), stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield Started(process, log)
    except BaseException:
        print(f"--- {name} wrote:\n{log.read_text()[-5_000:]}")
        raise
    finally:
        deadline = time.monotonic() + 10
        while (left := members_of([process.pid])) and time.monotonic() < deadline:
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            process.poll()
            time.sleep(0.02)
        process.wait()


def worker_with(changes: str, *arguments: str) -> tuple[str, str]:
    """A worker whose fixed times are others: `worker.watch.UPKEEP_SECONDS = 1`."""
    return "-c", FAST.format(changes=changes, arguments=list(arguments))


def state_of(pid: int) -> str:
    """The letter of /proc, "" for one that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0]
    except OSError:
        return ""
