"""`python -m tests.sabotage`: are the checks of the promises worth anything? Exit 1 where one notices nothing."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.sabotage import document
from tests.sabotage.catalogue import MUTANTS
from tests.sabotage.mutant import BOTH, NONE, Mutant
from tests.sabotage.trial import Finding, Verdict, failing_unsabotaged, tried


def main() -> int:
    asked = _arguments()
    mutants = [MUTANTS[name] for name in asked.only] if asked.only else list(MUTANTS.values())
    databases = BOTH if asked.database == "both" else (asked.database,)
    failing = failing_unsabotaged(mutants, databases, asked.n)
    for test in failing:
        print(f"fails with everything in place, and so shows nothing: {test}")
    findings = []
    for finding in _findings(mutants, databases, asked.n):
        findings.append(finding)
        print(f"{finding.verdict:9}{finding.mutant.name:42}{finding.database:12}{finding.words[:110]}", flush=True)
    unseen = [finding for finding in findings if finding.verdict is not Verdict.SEEN]
    print(f"{len(mutants)} mechanisms taken out, {len(findings)} trials, {len(findings) - len(unseen)} seen.")
    if asked.write_docs and not unseen and not failing:
        document.write(findings)
    return 1 if unseen or failing else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.sabotage", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=sorted(MUTANTS), metavar="NAME", help="these mutants alone")
    parser.add_argument("--database", choices=[*BOTH, "both"], default="both")
    parser.add_argument("-n", type=int, default=2, help="trials at once (2)")
    parser.add_argument("--write-docs", action="store_true", help="put what was seen into docs/reliability.md")
    asked = parser.parse_args()
    if asked.write_docs and (asked.only or asked.database != "both"):
        parser.error("--write-docs tells of all mutants on both databases: leave --only and --database out.")
    return asked


def _findings(mutants: Iterable[Mutant], databases: Sequence[str], at_once: int) -> Iterator[Finding]:
    trials = [
        (mutant, database)
        for mutant in mutants
        for database in mutant.on
        if database in databases or tuple(mutant.on) == NONE
    ]
    with ThreadPoolExecutor(at_once) as pool:
        yield from pool.map(lambda trial: tried(*trial), trials)


if __name__ == "__main__":
    sys.exit(main())
