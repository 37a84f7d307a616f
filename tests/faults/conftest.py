"""Fixtures: an app on real Redis and SMTP, and workers that a test can kill one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.faults.hatchery import Hatchery, open_hatchery
from tests.support.mail import Sink

LEASE_SECONDS = 90


@pytest.fixture
def app_settings(redis_url: str, mail_sink: Sink) -> dict[str, str]:
    return {
        "REDIS_URL": redis_url,
        "MAIL_SERVER": "127.0.0.1",
        "MAIL_PORT": str(mail_sink.port),
        "DUEPOST_MAIL_TIMEOUT_SECONDS": "5",
        "DUEPOST_LEASE_SECONDS": str(LEASE_SECONDS),
    }


@pytest.fixture
def hatchery(app: Flask, tmp_path: Path) -> Iterator[Hatchery]:
    with open_hatchery(app, tmp_path) as opened:
        yield opened
