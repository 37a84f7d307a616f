"""The fixtures all tests share: an app on a migrated database of its own (SQLite and PostgreSQL), a real Redis, a
moved clock, and a standing cast: Ana (admin) and Otto (officer) of Lakeside Health, Stella of Strangers Ltd."""

from __future__ import annotations

import pytest

from tests.support.apps import *  # noqa: F403  # fixtures
from tests.support.cast import *  # noqa: F403  # fixtures
from tests.support.mail import *  # noqa: F403  # fixtures
from tests.support.no_skips import *  # noqa: F403  # hooks
from tests.support.pages_client import *  # noqa: F403  # fixtures
from tests.support.redis_server import *  # noqa: F403  # fixtures


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database",
        choices=["sqlite", "postgresql", "both"],
        default="both",
        help="which database the tests that need one run on",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database_kind" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--database")
        kinds = ["sqlite", "postgresql"] if chosen == "both" else [chosen]
        if metafunc.definition.get_closest_marker("one_database"):
            kinds = kinds[:1]
        metafunc.parametrize("database_kind", kinds, scope="session")
