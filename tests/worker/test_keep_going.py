"""A process begins its work again whatever ends it, ever more rarely, until it is asked to end (supervision)."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator

import pytest
from redis import exceptions as redis_errors

from worker import keep_going
from worker.keep_going import LONGEST_PAUSE_SECONDS, STEADY_SECONDS, STOP_SIGNALS

ERRORS = [
    redis_errors.ConnectionError("refused"),
    redis_errors.TimeoutError("no answer"),
    redis_errors.BusyLoadingError("LOADING the dataset"),
    redis_errors.ReadOnlyError("READONLY a replica"),
    redis_errors.OutOfMemoryError("OOM command not allowed"),
    redis_errors.ResponseError("MISCONF cannot persist"),
    redis_errors.AuthenticationError("WRONGPASS"),
    redis_errors.NoPermissionError("NOPERM"),
    RuntimeError("something else"),
]


class Hands:
    """Time that passes where the program waits or works, and the pauses it took."""

    def __init__(self) -> None:
        self.moment = 0.0
        self.pauses: list[float] = []

    def monotonic(self) -> float:
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.moment += seconds


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hands]:
    made = Hands()
    monkeypatch.setattr(keep_going, "time", made)
    before = [signal.getsignal(number) for number in STOP_SIGNALS]
    yield made
    for number, handler in zip(STOP_SIGNALS, before, strict=True):
        signal.signal(number, handler)


def until(times: int, work: Callable[[], None] = lambda: None) -> int:
    """How often the work was begun, where it is asked to end at the `times`th."""
    begun = 0

    def counted() -> None:
        nonlocal begun
        begun += 1
        work()

    keep_going.keep_going(counted, lambda: begun >= times)
    return begun


@pytest.mark.parametrize("error", ERRORS, ids=lambda each: type(each).__name__)
def test_no_error_ends_a_process(hands: Hands, error: Exception) -> None:
    def fail() -> None:
        raise error

    assert until(3, fail) == 3


def test_work_that_ends_by_itself_is_begun_again(hands: Hands) -> None:
    """RQ's worker returns, without a word, at most errors of Redis."""
    assert until(3) == 3


def test_one_that_fails_at_once_waits_longer_each_time_and_so_does_not_spin(hands: Hands) -> None:
    until(7)
    assert hands.pauses == [1, 2, 4, 8, LONGEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS]


def test_one_that_worked_for_a_while_is_begun_again_soon(hands: Hands) -> None:
    def last() -> None:
        if len(hands.pauses) == 3:
            hands.moment += STEADY_SECONDS

    until(6, last)
    assert hands.pauses == [1, 2, 4, 1, 2]


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_a_signal_ends_it_also_while_it_waits(hands: Hands, number: signal.Signals) -> None:
    def told(_seconds: float) -> None:
        os.kill(os.getpid(), number)

    hands.sleep = told  # type: ignore[assignment,method-assign]
    keep_going.keep_going(lambda: None, lambda: False)


def test_a_signal_ends_it_also_within_the_work(hands: Hands) -> None:
    keep_going.keep_going(lambda: os.kill(os.getpid(), signal.SIGTERM), lambda: False)
    assert hands.pauses == []
