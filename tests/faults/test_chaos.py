"""A short storm over a whole installation, in a process that is ended whatever comes. `make chaos` is a long one."""

from __future__ import annotations

import functools
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from portal.config import ROOT
from tests.faults.crew import die_with_parent

LONGEST_SECONDS = 420


@pytest.mark.parametrize("seed", [7])
def test_nothing_is_lost_doubled_or_stuck(database_kind: str, tmp_path: Path, seed: int) -> None:
    results = tmp_path / "chaos.json"
    command = [sys.executable, "-m", "tests.faults.chaos", "--minutes", "0.35", "--database", database_kind]
    process = subprocess.Popen(
        [*command, "--seed", str(seed), "--json", str(results)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # where the tests are killed it gets the word itself, and ends all that it started
        preexec_fn=functools.partial(die_with_parent, signal.SIGTERM),  # noqa: PLW1509  # one system call
    )
    try:
        said, _ = process.communicate(timeout=LONGEST_SECONDS)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGTERM)  # it ends all that it started
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    figures = json.loads(results.read_text())
    assert figures["breaches"] == []
    assert sum(figures["runs"].values()) > 0
    assert sum(figures["faults"].values()) > 0
