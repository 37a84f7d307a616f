"""With CI=true a skipped test has failed, but for those marked `public_data`: their data is not part of the project."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

__all__ = ["pytest_make_collect_report", "pytest_runtest_makereport"]


def _nothing_may_be_skipped() -> bool:
    return os.environ.get("CI", "").lower() == "true"


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    told = report.longrepr
    return str(told[2]) if isinstance(told, tuple) else str(told)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    expected = hasattr(report, "wasxfail") or item.get_closest_marker("public_data") is not None
    if report.skipped and not expected and _nothing_may_be_skipped():
        report.outcome = "failed"
        report.longrepr = f"Nothing may be skipped here. {_reason(report)}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A module that skips itself whole has no markers to excuse it."""
    report = yield
    if report.skipped and _nothing_may_be_skipped():
        report.outcome = "failed"
        report.longrepr = f"Nothing may be skipped here. {_reason(report)}"
    return report
