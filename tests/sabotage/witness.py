"""A plugin for pytest that writes down how each test ended, and by which error, for the trial to judge."""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

_seen: list[dict[str, Any]] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if call.excinfo is not None:
        report.witnessed = [call.excinfo.typename, str(call.excinfo.value)]  # type: ignore[attr-defined]
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    error, text = getattr(report, "witnessed", ["", ""])
    told = "\n".join(content for _, content in report.sections)
    _note(report, when=report.when, error=error, text=text, told=told)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.failed:
        _note(report, when="collect", error="CollectError", text=str(report.longrepr), told="")


def _note(report: pytest.TestReport | pytest.CollectReport, **more: Any) -> None:
    _seen.append({"test": report.nodeid, "outcome": report.outcome, **more})


def pytest_sessionfinish(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):
        Path(os.environ["DUEPOST_WITNESS"]).write_text(json.dumps(_seen), encoding="utf-8")
