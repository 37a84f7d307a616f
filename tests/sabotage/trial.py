"""One mutant on one database: its tests are run under its sabotage, and must fail by what they assert."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from tests.sabotage.forked import TookTooLong, run_pytest
from tests.sabotage.mutant import ROOT, Mutant, SnippetNotFound

PYTEST = ("-vv", "-p", "no:cacheprovider", "-p", "tests.sabotage.witness")
SITE = Path(__file__).parent / "site"
LONGEST_SECONDS = 300
"""A sabotage may leave a test waiting for what never comes; that is no proof of anything."""
ASSERTED = {"AssertionError", "Failed"}
# errors of a sabotage that is itself wrong code: whatever fails by these says nothing about the mechanism
OWN_FAULT = re.compile(
    r"\b(NameError|UnboundLocalError|ImportError|ModuleNotFoundError|SyntaxError|IndentationError)\b"
)


class NoReport(Exception):  # noqa: N818  # named for what it is
    """pytest did not come so far as to report anything; the text is the end of what it said."""


class Verdict(StrEnum):
    SEEN = "seen"
    SURVIVED = "survived"
    BROKEN = "broken"
    """Neither: the sabotage could not be put in place, or the tests failed by something else than a breach."""


@dataclass(frozen=True)
class Finding:
    """`words`: the first line of the failure, or why there is none. `test`: the one that failed."""

    mutant: Mutant
    database: str
    verdict: Verdict
    words: str
    test: str = ""


def tried(mutant: Mutant, database: str) -> Finding:
    try:
        mutant.sources()
    except SnippetNotFound as error:
        return Finding(mutant, database, Verdict.BROKEN, str(error))
    with tempfile.TemporaryDirectory(prefix="duepost-sabotage-") as name:
        folder = Path(name)
        applied = folder / "applied"
        more = {"DUEPOST_SABOTAGE": mutant.name, "DUEPOST_SABOTAGE_APPLIED": str(applied)}
        arguments = [*PYTEST, "-x", "-p", "no:xdist", *_database(database), *mutant.tests]
        try:
            said = run_pytest(arguments, _environment(folder, more), mutant, folder, LONGEST_SECONDS)
            reports = _witnessed(folder, said)
        except NoReport as error:
            return Finding(mutant, database, Verdict.BROKEN, str(error))
        except TookTooLong:
            return Finding(mutant, database, Verdict.BROKEN, f"the tests had not ended after {LONGEST_SECONDS} s")
        loaded = set(applied.read_text(encoding="utf-8").split("\n")) if applied.exists() else set()
    missing = [change.path for change in mutant.changes if str(ROOT / change.path) not in loaded]
    if missing:
        return Finding(mutant, database, Verdict.BROKEN, f"never loaded: {', '.join(missing)}")
    return _judged(mutant, database, reports)


def failing_unsabotaged(mutants: Iterable[Mutant], databases: Sequence[str], processes: int) -> Collection[str]:
    """The tests, among all that the mutants name, that do not pass as things are; each test is run once."""
    tests = sorted({test for mutant in mutants for test in mutant.tests})
    with tempfile.TemporaryDirectory(prefix="duepost-sabotage-") as name:
        folder = Path(name)
        database = databases[0] if len(databases) == 1 else "both"
        spread = ["-n", str(processes), "--dist", "loadgroup"]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *PYTEST, *spread, *_database(database), *tests],
            cwd=ROOT,
            env=_environment(folder),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        reports = _witnessed(folder, done.stdout)
    passed = {_bare(each["test"]) for each in reports if each["when"] == "call" and each["outcome"] == "passed"}
    failed = {_bare(each["test"]) for each in reports if each["outcome"] == "failed"}
    return [test for test in tests if test not in passed or test in failed]


def _database(name: str) -> list[str]:
    return ["--database", "sqlite" if name == "none" else name]


def _environment(folder: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Of a pytest of its own: nothing of what an outer one told its processes."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "DUEPOST_SABOTAGE"))}
    path = f"{SITE}{os.pathsep}{ROOT}"
    return environ | {"PYTHONPATH": path, "DUEPOST_WITNESS": str(_witness(folder)), "CI": "", **(more or {})}


def _witness(folder: Path) -> Path:
    return folder / "witness.json"


def _witnessed(folder: Path, said: str) -> list[dict[str, Any]]:
    """What witness.py wrote of each test. Raises NoReport."""
    if not _witness(folder).exists():
        raise NoReport(f"pytest gave no report: {said[-2_000:]}")
    found: list[dict[str, Any]] = json.loads(_witness(folder).read_text(encoding="utf-8"))
    return found


def _judged(mutant: Mutant, database: str, reports: Sequence[Mapping[str, Any]]) -> Finding:
    failed = [each for each in reports if each["outcome"] == "failed"]
    if not failed:
        if not any(each["when"] == "call" and each["outcome"] == "passed" for each in reports):
            return Finding(mutant, database, Verdict.BROKEN, "none of its tests was run")
        return Finding(mutant, database, Verdict.SURVIVED, "its tests pass without the mechanism")
    first = failed[0]
    words, test = _first_line(first), _bare(first["test"])
    told = f"{first['text']}\n{first['told']}"
    fault = OWN_FAULT.search(told)
    if first["when"] != "call" or fault is not None:
        return Finding(mutant, database, Verdict.BROKEN, fault[0] if fault else f"at {first['when']}: {words}", test)
    expected = first["error"] in ASSERTED or first["error"] in mutant.raises
    return Finding(mutant, database, Verdict.SEEN if expected else Verdict.BROKEN, words, test)


def _first_line(report: Mapping[str, Any]) -> str:
    line = report["text"].strip().split("\n")[0].strip()
    return line if report["error"] in ASSERTED else f"{report['error']}: {line}"


def _bare(test: str) -> str:
    """The node id without its parameters."""
    return test.partition("[")[0]
