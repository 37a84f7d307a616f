"""In CI a skipped test fails, so that a green run means that everything ran."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from portal.config import ROOT

TESTS = """
import pytest

def test_runs():
    pass

def test_skips():
    pytest.skip("no browser")

@pytest.mark.public_data
def test_needs_the_public_data():
    pytest.skip("public data is not there")

@pytest.mark.xfail
def test_known():
    assert False
"""
WHOLE_MODULE = 'import pytest\npytest.skip("nothing here", allow_module_level=True)\n'


@pytest.fixture
def run(tmp_path: Path):
    (tmp_path / "conftest.py").write_text("from tests.support.no_skips import *\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n    public_data: as in the project\n")

    def run(name: str, text: str, **environ: str) -> str:
        (tmp_path / name).write_text(text)
        line = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", name]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "CI": "", **environ}
        return subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True).stdout

    return run


def test_a_skip_is_a_failure_in_ci(run):
    """A skip that nobody expected fails by name with its reason; one for want of public data does not."""
    said = run("test_one.py", TESTS, CI="true")
    assert "1 failed, 1 passed, 1 skipped, 1 xfailed" in said
    assert "Nothing may be skipped here. Skipped: no browser" in said


def test_a_skip_is_a_skip_elsewhere(run):
    assert "1 passed, 2 skipped, 1 xfailed" in run("test_one.py", TESTS)


def test_a_module_that_skips_itself_is_an_error_in_ci(run):
    assert "1 error" in run("test_two.py", WHOLE_MODULE, CI="true")
    assert "1 skipped" in run("test_two.py", WHOLE_MODULE)
