"""Named places in the life of a run at which a test may end, stop or break the process that comes there.

In operation `reach` does nothing at all. Tests set `DUEPOST_FAILPOINTS="made-file=kill;connected=stop@2"`: what is to
happen at a place, and at which passing of it in that process (the first unless told). With `DUEPOST_FAILPOINTS_ONCE`, a
folder, each place strikes once for all processes together, so that a run taken up again gets through.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

PLACES = {
    "tick-before-commit": "runs are inserted, the tick's transaction is not committed",
    "tick-after-commit": "the runs are there, nobody was woken",
    "tick-after-wake": "the runs are there and their workers were woken",
    "take-before-commit": "the lease is written, not committed",
    "take-after-commit": "the run is RUNNING or DELIVERING in this worker's hands",
    "first-page": "the first page of rows was written",
    "made-file": "the temporary file is whole",
    "stored-file": "the file is in the storage, the database does not know it",
    "artifact-before-commit": "artifact, deliveries and state are written, not committed",
    "artifact-after-commit": "the run is DELIVERING, nothing was handed over",
    "recover-before-commit": "what a lost worker had on its way is written down, not committed",
    "sending-after-commit": "one delivery is SENDING",
    "connected": "the mail server greeted us",
    "before-data-mark": "the recipient was taken by the server, the ledger still says SENDING",
    "after-data-mark": "the ledger says DATA, DATA was not sent",
    "answered": "the mail server answered to the message, the ledger does not know",
    "folder-after-put": "the file is in the folder, not yet read back",
    "finish-before-commit": "the attempt's end is written, not committed",
    "finish-after-commit": "the attempt's end is in the ledger",
    "settle-before": "nothing more is due, the run has not been settled",
    "settle-before-commit": "the run's end is written, not committed",
    "settle-after-commit": "the run has ended or was let go",
    "lapsed-before-commit": "the sweep gives a lost worker's run back, not committed",
    "lapsed-after-commit": "the run is QUEUED again, nobody was woken",
    "cancel-left-before-commit": "the sweep ends a run whose cancelling a lost worker left, not committed",
    "wake-after-commit": "the sweep counted another wake-up, which was not sent",
    "hand-back-before-commit": "a worker that is to end gives its run back, not committed",
    "hand-back-after-commit": "the run is in nobody's hands, nobody was woken",
    "notice-taken": "a notice is SENDING, the mail server was not spoken to",
    "notice-answered": "the mail server answered to a notice, the table does not know",
}


class FailpointError(RuntimeError):
    """The error that `error` raises."""


@dataclass(frozen=True)
class _Charge:
    action: Callable[[], None]
    hit: int


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _kill_parent() -> None:
    """The process of a job loses the worker that forked it, and goes on."""
    os.kill(os.getppid(), signal.SIGKILL)


def _kill_both() -> None:
    _kill_parent()
    _kill()


def _stop() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def _error() -> NoReturn:
    raise FailpointError("A failpoint was reached.")


def _hang() -> NoReturn:
    while True:
        time.sleep(60)


ACTIONS: dict[str, Callable[[], None]] = {
    "kill": _kill,
    "kill-parent": _kill_parent,
    "kill-both": _kill_both,
    "stop": _stop,
    "error": _error,
    "hang": _hang,
    "note": lambda: None,
}


def _nothing(name: str) -> None:
    """What `reach` is in operation."""


def _charges(text: str) -> dict[str, _Charge]:
    """`place=action[@hit]`, parted by semicolons. Raises ValueError at anything else: a typo would test nothing."""
    charges = {}
    for part in filter(None, (each.strip() for each in text.split(";"))):
        found = re.fullmatch(r"([a-z-]+)=([a-z-]+)(?:@([1-9][0-9]*))?", part)
        if not found or found[1] not in PLACES or found[2] not in ACTIONS:
            raise ValueError(f"DUEPOST_FAILPOINTS: no such place or action: {part}")
        charges[found[1]] = _Charge(ACTIONS[found[2]], int(found[3] or 1))
    return charges


def _is_first(folder: Path, name: str) -> bool:
    """Leaves a mark; False where this place has struck before, in whichever process."""
    try:
        (folder / name).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _armed(environ: Mapping[str, str]) -> Callable[[str], None]:
    charges = _charges(environ.get("DUEPOST_FAILPOINTS", ""))
    if not charges:
        return _nothing
    once = environ.get("DUEPOST_FAILPOINTS_ONCE")
    hits: Counter[str] = Counter()

    def reach(name: str) -> None:
        charge = charges.get(name)
        if charge is None:
            return
        hits[name] += 1
        if hits[name] == charge.hit and (once is None or _is_first(Path(once), name)):
            charge.action()

    return reach


reach: Callable[[str], None] = _armed(os.environ)
"""The process has come to this place."""
