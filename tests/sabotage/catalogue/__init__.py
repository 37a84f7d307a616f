"""Every mutant by its name, a module for each part of a run's life. Imports nothing of the product."""

from __future__ import annotations

from collections.abc import Mapping

from tests.sabotage.catalogue import evidence, mails, occurrences, people, workers
from tests.sabotage.mutant import Mutant, by_name

MUTANTS: Mapping[str, Mutant] = by_name(
    [*occurrences.MUTANTS, *workers.MUTANTS, *mails.MUTANTS, *people.MUTANTS, *evidence.MUTANTS]
)
