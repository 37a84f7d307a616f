"""Failpoints do nothing in operation, and each one that is named stands in the code."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from portal import failpoints
from portal.config import ROOT


def armed(spec: str, **more: str):
    return failpoints._armed({"DUEPOST_FAILPOINTS": spec, **more})


def test_without_the_environment_it_is_a_function_that_does_nothing() -> None:
    assert failpoints._armed({}) is failpoints._nothing
    assert failpoints.reach is failpoints._nothing


def test_every_place_stands_in_the_code_once_and_no_other() -> None:
    found = Counter(
        name
        for folder in ("portal", "worker")
        for path in (ROOT / folder).rglob("*.py")
        for name in re.findall(r'failpoints\.reach\("([^"]+)"\)', path.read_text())
    )
    assert found == Counter(failpoints.PLACES.keys())


@pytest.mark.parametrize("spec", ["made-fle=kill", "made-file=kll", "made-file", "made-file=kill@0", "=kill"])
def test_a_typo_is_an_error(spec: str) -> None:
    with pytest.raises(ValueError, match="no such place or action"):
        armed(spec)


def test_it_strikes_at_the_passing_it_was_told() -> None:
    reach = armed("made-file=error@2; connected=note")
    reach("made-file")
    reach("connected")
    with pytest.raises(failpoints.FailpointError):
        reach("made-file")
    reach("made-file")


def test_it_strikes_once_for_all_processes_that_share_a_folder(tmp_path: Path) -> None:
    more = {"DUEPOST_FAILPOINTS_ONCE": str(tmp_path)}
    with pytest.raises(failpoints.FailpointError):
        armed("made-file=error", **more)("made-file")
    armed("made-file=error", **more)("made-file")
    assert [mark.name for mark in tmp_path.iterdir()] == ["made-file"]
