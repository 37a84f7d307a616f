"""Every mutant by its name, a module for each part of a run's life. Imports nothing of the product."""

from __future__ import annotations

from collections.abc import Mapping

from tests.sabotage.catalogue import (
    alarms,
    changes,
    conflicts,
    days_off,
    evidence,
    mails,
    masking,
    occurrences,
    people,
    tags,
    workers,
)
from tests.sabotage.mutant import Mutant, by_name

MUTANTS: Mapping[str, Mutant] = by_name(
    each
    for part in (occurrences, workers, mails, people, days_off, alarms, changes, evidence, masking, conflicts, tags)
    for each in part.MUTANTS
)
