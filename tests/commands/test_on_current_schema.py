"""A database of another version, or none at all, is one sentence from every command."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import create_app
from portal.commands import ON_THE_DATABASE
from portal.models import write_session
from tests.support.databases import SECRET

ARGUMENTS = {
    "create-organization": ["X", "--slug", "x", "--timezone", "UTC"],
    "create-user": ["x@example.org", "--organization", "x", "--role", "admin"],
    "export": ["--organization", "x", "--type", "FLAT_FILE", "--format", "CSV", "--out", "/nowhere/x.csv"],
    "import-cases": ["--organization", "x", "--mapping", __file__, __file__],
    "run-now": ["00000000-0000-0000-0000-000000000001"],
    "pause": ["00000000-0000-0000-0000-000000000001"],
    "resume": ["00000000-0000-0000-0000-000000000001"],
}


@pytest.mark.parametrize("name", sorted(str(command.name) for command in ON_THE_DATABASE))
def test_a_database_that_was_never_set_up_is_said(name: str, tmp_path: Path) -> None:
    app = create_app(
        {"SECRET_KEY": SECRET, "DATABASE_URL": f"sqlite:///{tmp_path}/empty.sqlite3", "DUEPOST_VAR": str(tmp_path)}
    )
    done = app.test_cli_runner().invoke(args=[name, *ARGUMENTS.get(name, [])])
    assert done.exit_code == 1
    assert done.stderr == "The database is not set up; run: flask db upgrade\n"


def test_a_newer_database_is_said(app: Flask) -> None:
    with write_session() as db:
        db.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    done = app.test_cli_runner().invoke(args=["tick"])
    assert (done.exit_code, "newer version than this program" in done.stderr) == (1, True)
