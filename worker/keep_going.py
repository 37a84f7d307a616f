"""What keeps a process alive while Redis or the database is away: its work is begun again, ever more rarely."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

from redis.exceptions import RedisError
from rq.exceptions import StopRequested

from portal.plumbing.logs import log

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 10.0
STEADY_SECONDS = 60.0
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
logger = log(__name__)


def _stop(*_: object) -> None:
    raise StopRequested


def keep_going(work: Callable[[], None], asked_to_stop: Callable[[], bool]) -> None:
    """Do `work`, and again whenever it ends, until asked to stop.

    SIGTERM and SIGINT raise StopRequested while nothing is in hand. The work is made to last: an end within a minute
    lengthens the pause before the next try, up to ten seconds.
    """
    for number in STOP_SIGNALS:
        signal.signal(number, _stop)  # until the work puts its own handler there
    pause = 0.0
    while not asked_to_stop():
        began = time.monotonic()
        try:
            work()
        except StopRequested:
            return
        except RedisError as error:
            logger.warning("Redis is away or takes no orders; waiting", error=f"{type(error).__name__}: {error}")
        except Exception:
            logger.exception("the work ended unforeseen; beginning it again")
        if asked_to_stop():
            return
        steady = time.monotonic() - began >= STEADY_SECONDS
        pause = FIRST_PAUSE_SECONDS if steady or not pause else min(pause * 2, LONGEST_PAUSE_SECONDS)
        try:
            time.sleep(pause)
        except StopRequested:
            return
