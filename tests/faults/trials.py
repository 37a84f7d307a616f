"""Cases played one after the other on one installation: prepare, strike, let it come to its end, compare."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Callable

from portal import clock
from portal.runs import recover
from portal.runs.states import OPEN
from tests.faults import lives
from tests.faults.conftest import LEASE_SECONDS
from tests.faults.hatchery import Hatchery
from tests.faults.lives import End, Lives
from tests.support.mail import Sink
from tests.support.processes import state_of
from tests.support.whole_product import wait_until


class Trials:
    """Workers that are replaced when they were killed; each case leaves them waiting for the next.

    `check` fails with every case that came to another end than it should.
    """

    def __init__(self, lives_: Lives, hatchery: Hatchery, sink: Sink) -> None:
        self.lives, self.hatchery, self.sink = lives_, hatchery, sink
        self.parents: dict[str, int] = {}
        self.failures: list[str] = []

    def staffed(self, *names: str) -> None:
        """`worker`, `upkeep`, or one of several: `worker-2`."""
        for name in names:
            if state_of(self.parents.get(name, 0)) in {"", "Z"}:
                self.parents[name] = self.hatchery.hatch(name.partition("-")[0])

    def stopped_at(self, place: str) -> int:
        """The job that stands still there."""
        self.hatchery.await_strike(place)
        wait_until("it stands still", self.hatchery.frozen)
        (job,) = self.hatchery.frozen()
        return job

    def comes_to_its_end(self, run_id: uuid.UUID) -> None:
        """Sweeps, and time passes; no more is needed."""
        self.staffed("worker")

        def over() -> bool:
            if lives.state_of_run(run_id) not in OPEN:
                return True
            recover.sweep(clock.now())
            held, seconds = lives.next_look(run_id)
            # never past the lease of a worker that is at work, or takes the run in this very moment
            self.hatchery.forward(min(seconds, 0.5 if held else LEASE_SECONDS / 3))
            return False

        wait_until("the run is over", over, 40)

    def case(self, place: str, expected: End, play: Callable[[], uuid.UUID]) -> None:
        """`play` brings a run to the fault and past it; its id comes back."""
        try:
            run_id = play()
            self.comes_to_its_end(run_id)
            came_to = lives.end_of_run(run_id, self.sink)
            assert came_to == expected, f"{came_to}, not {expected}"
        except AssertionError as failure:
            self.failures.append(f"{place}: {failure or repr(failure)}")

    def check(self) -> None:
        assert not self.failures, "\n".join(self.failures)
        lives.assert_all_holds()


def go_on(pid: int) -> None:
    os.kill(pid, signal.SIGCONT)
