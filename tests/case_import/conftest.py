"""What the tests of imports share: a mapping and files written on the spot, and an import of them."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from portal import audit, clock
from portal.case_import.errors import BadRow
from portal.case_import.load import find_organization, import_cases
from portal.case_import.mapping import read_mapping
from portal.case_import.report import Report
from portal.models import write_session

PLAIN = """
    source = "desk"
    [case]
    key = "Number"
    [case.fields]
    status = "Status"
    created_at = "Opened"
"""


class Done:
    """An import that ended: its report and all its bad rows."""

    def __init__(self, report: Report, bad: list[BadRow]) -> None:
        self.report = report
        self.bad = bad

    def counts(self, name: str) -> tuple[int, int, int]:
        tally = self.report.tally(name)
        return tally.new, tally.updated, tally.unchanged


@pytest.fixture
def bring(cast: Any, tmp_path: Path, moved_clock: Any) -> Callable[..., Done]:
    """bring(mapping text, {"cases.csv": text or bytes}) imports into Lakeside Health."""

    def run(mapping: str, files: dict[str, str | bytes], *, dry_run: bool = False, slug: str = "lakeside") -> Done:
        toml = tmp_path / "mapping.toml"
        toml.write_text(textwrap.dedent(mapping), encoding="utf-8")
        paths = [write(tmp_path / name, content) for name, content in files.items()]
        return bring_paths(toml, paths, dry_run=dry_run, slug=slug)

    return run


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else textwrap.dedent(content).lstrip("\n").encode())
    return path


def bring_paths(
    mapping: Path, files: Sequence[Path], *, dry_run: bool = False, slug: str = "lakeside", now: datetime | None = None
) -> Done:
    bad: list[BadRow] = []
    report = import_cases(
        find_organization(slug),
        read_mapping(mapping),
        files,
        now=now or clock.now(),
        actor=audit.operator,
        on_bad_row=bad.append,
        dry_run=dry_run,
    )
    return Done(report, bad)


def rows_of(model: type[Any], *order: Any) -> list[Any]:
    """All rows of a table, fresh from the database."""
    import sqlalchemy as sa

    with write_session() as session:
        return list(session.scalars(sa.select(model).order_by(*order)))
