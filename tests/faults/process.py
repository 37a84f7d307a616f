"""A process of the product as it is, but with a clock that the test moves and a fast tick and sweep.

    python -m tests.faults.process worker|upkeep|scheduler
    python -m tests.faults.process make-run ID | tick | sweep

`FAULTS_CLOCK` names a file with the seconds that are added to the time; `FAULTS_FULL_DISK`, where that file is there,
lets SQLite's file grow no more. The product itself knows nothing of either.
"""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from portal import clock

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
    """SQLite's own limit, set at each BEGIN: no page more while the file is there."""
    mark = os.environ.get("FAULTS_FULL_DISK")
    if not mark:
        return

    def limit(connection: Any) -> None:
        if connection.dialect.name == "sqlite":
            pages = 1 if Path(mark).exists() else 1_073_741_823  # 1: as many as there are
            connection.connection.driver_connection.execute(f"PRAGMA max_page_count = {pages}")

    event.listen(Engine, "begin", limit, insert=True)


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


def step(what: str, *arguments: str) -> int:
    """One step of the product without Redis: for tests that look at one process alone."""
    from portal.runs import make, recover
    from portal.schedules.start_due import start_due
    from worker import app

    with app().app_context():
        if what == "make-run":
            make.make_run(uuid.UUID(arguments[0]))
        elif what == "tick":
            start_due(clock.now())
        else:
            recover.sweep(clock.now())
    return 0


WHAT: dict[str, Callable[..., int]] = {
    "worker": worker,
    "upkeep": lambda: worker("upkeep"),
    "scheduler": scheduler,
    "make-run": lambda run_id: step("make-run", run_id),
    "tick": lambda: step("tick"),
    "sweep": lambda: step("sweep"),
}

if __name__ == "__main__":
    move_clock()
    fill_disk_when_told()
    sys.exit(WHAT[sys.argv[1]](*sys.argv[2:]))
