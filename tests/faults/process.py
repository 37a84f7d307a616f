"""A process of the product as it is, but with a clock that the test moves and a fast tick and sweep.

    python -m tests.faults.process worker|upkeep|scheduler
    python -m tests.faults.process hatchery     forks one of these for each line that names one

`FAULTS_CLOCK` names a file with the seconds that are added to the time; `FAULTS_FULL_DISK`, where that file is there,
refuses every change; `FAULTS_CHARGES` is a folder in which a file named like a failpoint says what happens
there, once; `FAULTS_BUSY_SECONDS` is how long SQLite's lock is waited for. The product itself knows nothing of them.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import OperationalError

from portal import clock, failpoints
from portal.models import engine
from tests.faults.crew import die_with_parent

TICK_SECONDS = 3
SWEEP_SECONDS = 4
true_now = clock.now


def move_clock() -> None:
    """From now on `clock.now()` is moved by what the file says."""
    file = Path(os.environ["FAULTS_CLOCK"])

    def now() -> datetime:
        return true_now() + timedelta(seconds=float(file.read_text() or 0))

    clock.now = now


def fill_disk_when_told() -> None:
    """While the file is there, every change is refused with the words of the database's driver for a full disk."""
    mark = os.environ.get("FAULTS_FULL_DISK")
    if not mark:
        return

    def refuse(connection: Connection, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith(("INSERT", "UPDATE", "DELETE")) and Path(mark).exists():
            full = (
                sqlite3.OperationalError("database or disk is full")
                if connection.dialect.name == "sqlite"
                else psycopg.errors.DiskFull("could not extend file: No space left on device")
            )
            raise OperationalError(statement, parameters, full)

    event.listen(Engine, "before_cursor_execute", refuse)


def be_impatient_when_told() -> None:
    """So many seconds are waited for another's transaction, so that a test need not hold one for minutes."""
    seconds = os.environ.get("FAULTS_BUSY_SECONDS")
    if seconds:
        engine.BUSY_SECONDS = float(seconds)


def strike_when_told() -> None:
    """Failpoints that a test charges while the process goes on: `made-file` in the folder, holding `kill`."""
    folder = os.environ.get("FAULTS_CHARGES")
    if not folder:
        return

    def reach(name: str) -> None:
        charge = Path(folder) / name
        with contextlib.suppress(FileNotFoundError):
            action = charge.read_text()
            charge.rename(charge.with_name(f"{name}.struck"))  # whoever is first
            failpoints.ACTIONS[action]()

    failpoints.reach = reach


def scheduler() -> int:
    from worker import scheduler as product

    product.ENTRIES.update(
        {
            name: (job, {"tick": TICK_SECONDS, "sweep": SWEEP_SECONDS}.get(name, seconds))
            for name, (job, seconds) in product.ENTRIES.items()
        }
    )
    return product.main()


def worker(*arguments: str) -> int:
    from worker import __main__ as product

    return product.main(list(arguments))


def hatchery() -> int:
    """Workers that cost a fork each: all is loaded, and nothing is connected yet. Says each one's process id."""
    from worker import app, jobs  # noqa: F401  # so that no fork has to load them

    app()
    die_with_parent()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks what became of them
    for line in sys.stdin:
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            os.setsid()
            die_with_parent()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os._exit(WHAT[line.strip()]())
        print(pid, flush=True)
    return 0


WHAT: dict[str, Callable[..., int]] = {
    "worker": worker,
    "upkeep": lambda: worker("upkeep"),
    "scheduler": scheduler,
    "hatchery": hatchery,
}

if __name__ == "__main__":
    move_clock()
    fill_disk_when_told()
    strike_when_told()
    be_impatient_when_told()
    sys.exit(WHAT[sys.argv[1]](*sys.argv[2:]))
