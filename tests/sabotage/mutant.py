"""What a sabotage is: a promise, its mechanism, the lines that take the mechanism out, and the tests that must fail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BOTH = ("sqlite", "postgresql")
NONE = ("none",)
"""For mechanisms that no database takes part in."""


class Promise(StrEnum):
    """What the product promises, in the order in which the document tells it."""

    OCCURRENCE = (
        "Every occurrence of an active schedule becomes exactly one run, or one MISSED or SKIPPED row with its reason"
    )
    REDIS = "Losing Redis loses nothing"
    DEAD_WORKER = "A dead worker is noticed within 3 minutes, its run resumed or failed"
    FROZEN_WORKER = "A frozen worker cannot write over its successor, and no run is in two hands"
    SAME_BYTES = "All recipients of one artifact get the same bytes, also after a retry"
    ACCEPTED = "“Accepted” means that the server said 250 to that person's message"
    SENT_ONCE = "A mail is never sent twice without the ledger saying that it may have been"
    RETRIES = "Temporary refusals are tried again for 24 hours, permanent ones are not"
    BAD_SCHEDULE = "One bad schedule does not stop the rest"
    PORTAL = "The portal works (read, edit, run now) while Redis or the mail server is down"
    SIGTERM = "SIGTERM to the whole group fails no run"
    PEOPLE = "What people do to a run is done whole, and only where it is allowed"
    LIMITS = "No run goes on for ever"
    CALENDAR = "Days off and late data change when a run is made, never whether it is accounted for"
    CHANGES = "What an export of changes leaves out was delivered before"
    ALARMS = "The people concerned are told once"
    FILES = "A stored file stays where it belongs, for as long as it is promised"
    AUDIT = "What was done stands in the audit log and cannot be changed there"
    WITHHELD = "What a reader must not see is in nothing that they get"
    CHECKER = "`flask verify-runs` finds what breaks these promises in a live installation"


class SnippetNotFound(Exception):  # noqa: N818  # named for what it is
    """The code no longer holds the lines that the sabotage takes out: the sabotage is to be written anew."""


@dataclass(frozen=True)
class Change:
    """In the file `path` (from the project's root) the one place that says `old` says `new`."""

    path: str
    old: str
    new: str

    def applied_to(self, source: str) -> str:
        found = source.count(self.old)
        if found != 1:
            raise SnippetNotFound(f"{self.path} holds {found} times, not once: {self.old!r}")
        return source.replace(self.old, self.new)


@dataclass(frozen=True)
class Mutant:
    """`breach`: what goes wrong then, in words. `raises`: errors other than AssertionError by which a test tells it."""

    name: str
    promise: Promise
    mechanism: str
    breach: str
    changes: Sequence[Change]
    tests: Sequence[str]
    on: Sequence[str] = BOTH
    raises: Sequence[str] = ()

    def sources(self) -> Mapping[Path, str]:
        """The sabotaged text of each file changed. Raises SnippetNotFound."""
        texts: dict[Path, str] = {}
        for change in self.changes:
            path = ROOT / change.path
            texts[path] = change.applied_to(texts.get(path) or path.read_text(encoding="utf-8"))
        return texts


def by_name(mutants: Iterable[Mutant]) -> Mapping[str, Mutant]:
    named: dict[str, Mutant] = {}
    for mutant in mutants:
        if named.setdefault(mutant.name, mutant) is not mutant:
            raise ValueError(f"two mutants are called {mutant.name}")
    return named
