"""`make chaos`: random load and random faults on a whole installation, and then: is anything lost, doubled or stuck?

    python -m tests.faults.chaos --minutes 10 --database sqlite --seed 7

Exit 1 where an invariant was broken; then the folder with database, logs and the mail witness's journal is kept.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from portal.extensions import db
from portal.models import Run
from portal.runs.states import OPEN
from tests.faults import judge
from tests.faults.installation import Installation, installation
from tests.faults.people import People
from tests.faults.storm import Storm
from tests.support.databases import in_memory

SCHEDULES = 75
ACT_SECONDS = {"sqlite": 0.4, "postgresql": 1.2}
"""Between two acts of people, on average. On SQLite one frozen process keeps everybody from writing, so there are more
in between."""
FAULT_SECONDS = 4.0
"""Between two faults, on average: two storms go side by side on two cores."""
CALM_SECONDS = 240
"""How long everything may take to come to its end once the faults are over, in real time."""
STEP_SECONDS = 600.0
"""The clock is moved on in the calm by this much at most, so that what waits for another try gets it."""
BETWEEN_STEPS_SECONDS = 5.0
"""A tick and a sweep at least, so that no process sees a leap that is too far for it."""


@dataclass
class Outcome:
    """What one chaos came to; `breaches` is empty when all is well."""

    seed: int
    database: str
    minutes: float
    folder: Path
    runs: dict[str, int] = field(default_factory=dict)
    deliveries: dict[str, int] = field(default_factory=dict)
    planned: int = 0
    people: dict[str, int] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    mails: int = 0
    mails_twice: int = 0
    calm_seconds: float = 0.0
    breaches: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return {**vars(self), "folder": str(self.folder)}

    def table(self) -> Iterator[str]:
        head = f"chaos on {self.database}, seed {self.seed}"
        yield f"{head}: {self.minutes:g} minutes, {self.calm_seconds:.0f} s to settle"
        yield f"  {sum(self.runs.values()):>6}  runs, {self.planned} of them planned"
        yield from (f"  {count:>6}    {state}" for state, count in sorted(self.runs.items()))
        yield f"  {sum(self.deliveries.values()):>6}  deliveries"
        yield from (f"  {count:>6}    {state}" for state, count in sorted(self.deliveries.items()))
        yield f"  {self.mails:>6}  mails at the witness, {self.mails_twice} of them a second time, as the ledger says"
        yield f"  {sum(self.faults.values()):>6}  faults"
        yield from (f"  {count:>6}    {kind}" for kind, count in sorted(self.faults.items()))
        yield f"  {sum(self.people.values()):>6}  acts of people"
        yield from (f"  {count:>6}    {act}" for act, count in sorted(self.people.items()))
        yield f"  {len(self.breaches):>6}  breaches"
        yield from (f"          {breach}" for breach in self.breaches[:50])


def chaos(kind: str, minutes: float, seed: int, folder: Path) -> Outcome:
    """One storm and its calm."""
    outcome = Outcome(seed, kind, minutes, folder)
    chance = random.Random(seed)
    with installation(folder, kind, seed) as place:
        people = People(place, chance.randrange(2**32), ACT_SECONDS[kind])
        # the clock is set forward by some eight minutes each, about once a minute
        people.make_schedules(SCHEDULES, timedelta(minutes=minutes * 7 + 2))
        place.start_processes()
        storm = Storm(place, chance, FAULT_SECONDS)
        people.start()
        _rage(place, storm, chance, minutes * 60)
        people.stop()
        storm.calm()
        place.crew.restart_all()
        began = time.monotonic()
        people.pause_everything()
        _settle(place, chance)
        outcome.calm_seconds = time.monotonic() - began
        place.crew.kill_all()
        _judge(outcome, place, people, storm)
    return outcome


def _rage(place: Installation, storm: Storm, chance: random.Random, seconds: float) -> None:
    over = time.monotonic() + seconds
    while time.monotonic() < over:
        storm.step()
        place.crew.watch(chance)
        time.sleep(0.1)


def _settle(place: Installation, chance: random.Random) -> None:
    """Let everything come to its end; the clock moves on where only the next try is waited for."""
    over = time.monotonic() + CALM_SECONDS
    last_moved = time.monotonic()
    while time.monotonic() < over:
        place.crew.watch(chance)
        try:
            open_runs, due = _waiting()
        except SQLAlchemyError:
            continue
        if not open_runs:
            return
        now = place.now()
        if due is not None and due > now and time.monotonic() - last_moved > BETWEEN_STEPS_SECONDS:
            last_moved = time.monotonic()
            place.move_clock(min((due - now).total_seconds() + 1, STEP_SECONDS))
        time.sleep(0.3)


def _waiting() -> tuple[int, datetime | None]:
    """How many runs are open, and when the product looks at the first of them by itself."""
    with Session(db.engine) as session:
        runs = session.execute(sa.select(Run.wake_after, Run.lease_until).where(Run.state.in_(OPEN))).all()
    moments = [row.lease_until or row.wake_after for row in runs]
    return len(runs), min((moment for moment in moments if moment is not None), default=None)


def _judge(outcome: Outcome, place: Installation, people: People, storm: Storm) -> None:
    seen = judge.read_journal(place.mail.journal)
    now = place.now()
    outcome.breaches = [
        *people.problems,
        *judge.breaches_of_the_plan(people.lives.values(), people.pressed, now),
        *judge.breaches_of_the_end(),
        *judge.breaches_of_the_mail(seen),
        *judge.breaches_of_the_tables(now),
    ]
    states = judge.summary()
    outcome.runs, outcome.deliveries = states["runs"], states["deliveries"]
    outcome.planned = judge.planned()
    outcome.people = dict(people.acts)
    outcome.faults = dict(storm.faults) | {f"failpoint {name}": hits for name, hits in place.crew.struck.items()}
    outcome.mails = sum(one.arrived for one in seen.values())
    outcome.mails_twice = sum(max(one.arrived - 1, 0) for one in seen.values())


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--json", type=Path, help="where the figures are written")
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that all that was started is ended
    print(f"chaos: seed {given.seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="duepost-chaos-", dir=in_memory()))
    outcome = chaos(given.database, given.minutes, given.seed, folder)
    print("\n".join(outcome.table()), flush=True)
    if given.json:
        given.json.write_text(json.dumps(outcome.as_json(), indent=1) + "\n", encoding="utf-8")
    if outcome.breaches:
        print(f"kept for looking: {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
