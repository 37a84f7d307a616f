"""Where the public datasets lie, which are no part of the project."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def public_file(*parts: str) -> Path:
    """The file under DUEPOST_TEST_DATA (../shared/data where not set); the test is skipped by name where it is not."""
    folder = Path(os.environ.get("DUEPOST_TEST_DATA") or ROOT.parent / "shared" / "data")
    path = folder.joinpath(*parts)
    if not path.is_file():
        pytest.skip(f"public data is not there: {path} (set DUEPOST_TEST_DATA to the folder that holds {parts[0]})")
    return path
