"""How long the work in hand may still wait for others. A page answers a person soon; a job has time.

    with deadline.within(2):                # the doors say it once
        …
        busy_timeout = deadline.left(10)    # whatever waits, far below, asks

It bounds waiting, not work: where nothing is away, nothing is ever cut short.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

LEAST_SECONDS = 0.25
"""What a wait gets when the time is used up: on a slow machine an answer that is under way still arrives."""


@dataclass
class _Deadline:
    end: float
    in_vain: bool = False


_current: ContextVar[_Deadline | None] = ContextVar("duepost_deadline", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """All waits in here end within `seconds` together, or sooner where that was said further out."""
    before = _current.get()
    end = time.monotonic() + seconds
    token = _current.set(_Deadline(min(end, before.end) if before else end))
    try:
        yield
    finally:
        _current.reset(token)


def is_set() -> bool:
    """Whether somebody awaits the answer."""
    return _current.get() is not None


def left(otherwise: float) -> float:
    """Seconds that one wait may last: `otherwise` at most."""
    current = _current.get()
    if current is None:
        return otherwise
    return min(otherwise, max(current.end - time.monotonic(), LEAST_SECONDS))


def over() -> bool:
    """Whether the time is used up: what can be left to others is not begun any more."""
    current = _current.get()
    return current is not None and time.monotonic() >= current.end


def waited_in_vain() -> None:
    """The other end did not answer: the same wait is not begun a second time."""
    if (current := _current.get()) is not None:
        current.in_vain = True


def was_in_vain() -> bool:
    current = _current.get()
    return current is not None and current.in_vain
