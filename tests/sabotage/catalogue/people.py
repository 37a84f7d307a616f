"""What people do to schedules and runs, and what they see while something is away."""

from __future__ import annotations

from tests.sabotage.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = ()
