"""The catalogue fits the code as it is, and the trial tells a check that notices from one that does not."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.sabotage import document, trial
from tests.sabotage.catalogue import MUTANTS
from tests.sabotage.mutant import ROOT, Change, Mutant
from tests.sabotage.trial import Finding, Verdict, tried

every_mutant = pytest.mark.parametrize("mutant", MUTANTS.values(), ids=list(MUTANTS))
FENCE = MUTANTS["fence-ignored"]


@every_mutant
def test_the_lines_that_a_mutant_takes_out_are_there(mutant: Mutant) -> None:
    for path, text in mutant.sources().items():
        compile(text, path, "exec")
        assert text != path.read_text(encoding="utf-8")


@every_mutant
def test_the_checks_of_a_mutant_exist(mutant: Mutant) -> None:
    for test in mutant.tests:
        path, _, name = test.partition("::")
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        assert name in {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}


def test_no_mutant_is_wrong_code_in_itself(tmp_path: Path) -> None:
    """A name that is not there would fail any test, and show nothing."""
    for mutant in MUTANTS.values():
        for path, text in mutant.sources().items():
            (tmp_path / f"{mutant.name}--{path.name}").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "ruff", "check", "-q", "--isolated", "--no-cache", "--output-format", "concise"]
    done = subprocess.run([*command, "--select", "F821,F823", str(tmp_path)], capture_output=True, text=True)
    assert done.stdout == ""


def test_a_check_that_notices_is_told_from_one_that_does_not() -> None:
    seen = tried(FENCE, "sqlite")
    assert (seen.verdict, seen.words) == (Verdict.SEEN, "DID NOT RAISE LeaseLost")
    assert seen.test in FENCE.tests
    elsewhere = "tests/runs/test_leases.py::test_of_many_workers_one_takes_the_run"
    assert tried(replace(FENCE, tests=[elsewhere]), "sqlite").verdict is Verdict.SURVIVED


def test_a_check_that_is_not_there_shows_nothing() -> None:
    found = tried(replace(FENCE, tests=["tests/runs/test_leases.py::test_nothing"]), "sqlite")
    assert (found.verdict, found.words) == (Verdict.BROKEN, "none of its tests was run")


def test_lines_that_are_no_longer_there_are_said() -> None:
    found = tried(replace(FENCE, changes=[Change("portal/leases.py", "no such line", "")]), "sqlite")
    assert found.verdict is Verdict.BROKEN
    assert "'no such line'" in found.words


@pytest.mark.parametrize(
    ("error", "when", "told", "verdict"),
    [
        ("AssertionError", "call", "", Verdict.SEEN),
        ("Failed", "call", "", Verdict.SEEN),
        ("LeaseLost", "call", "", Verdict.SEEN),
        ("KeyError", "call", "", Verdict.BROKEN),
        ("AssertionError", "setup", "", Verdict.BROKEN),
        ("CollectError", "collect", "", Verdict.BROKEN),
        ("AssertionError", "call", "making the file failed: NameError: name 'x' is not defined", Verdict.BROKEN),
    ],
)
def test_a_failure_counts_by_what_it_asserts(error: str, when: str, told: str, verdict: Verdict) -> None:
    """Or by an error that the mutant names: a sabotage that is wrong code in itself fails every test."""
    report = {"test": "t::t[sqlite]", "outcome": "failed", "when": when, "error": error, "text": "x", "told": told}
    assert trial._judged(replace(FENCE, raises=["LeaseLost"]), "sqlite", [report]).verdict is verdict


def test_the_document_tells_of_every_mutant_and_no_other() -> None:
    text = document.DOCUMENT.read_text(encoding="utf-8")
    told = re.findall(r"^\| [^|]*\(`([a-z0-9-]+)`\) \|", text, re.MULTILINE)
    assert set(told) == set(MUTANTS), "run: make mutants ARGS=--write-docs"


def test_what_was_seen_is_short_and_the_same_each_time() -> None:
    words = "assert (<RunState.RUNNING: 'RUNNING'>, UUID('7f3da54e-3c22-46ae-a41b-c0363ef7fcfa')) == '/a/b/c.csv|`x`'"
    table = document.tables([Finding(FENCE, each, Verdict.SEEN, words, FENCE.tests[0]) for each in FENCE.on])
    assert "`assert (RUNNING, id) == '…/c.csv\\|'x''` | the same |" in table
