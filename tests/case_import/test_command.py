"""F2: `flask import-cases` and `flask create-organization` as a person or a program calls them."""

from __future__ import annotations

import csv
import json
import multiprocessing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from portal import audit, clock, create_app
from portal.models import AuditEvent, Case, CaseImport, ImportState, Investigation, Organization, write_session
from portal.people.organizations import OrganizationError, create_organization
from tests.case_import.conftest import PLAIN, bring_paths, rows_of, write

ROWS = "Number,Status,Opened\nA,open,2026-01-01\nB,=cmd|' /C calc'!A0,2026-01-01\nC,closed,2026-01-01\n"


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    return write(tmp_path / "mapping.toml", PLAIN)


def run(app: Any, *arguments: object) -> Any:
    return app.test_cli_runner().invoke(args=[str(each) for each in arguments])


def test_it_prints_counts_and_bad_rows_and_exits_0(app: Any, cast: Any, mapping: Path, tmp_path: Path) -> None:
    """F2: bad rows stop nothing and are no failure; the list of them is safe in a spreadsheet (C13)."""
    file, bad = write(tmp_path / "cases.csv", ROWS), tmp_path / "bad.csv"
    done = run(app, "import-cases", "--organization", "lakeside", "--mapping", mapping, file, "--bad-rows", bad)
    assert done.exit_code == 0, done.output
    assert "3 rows read, 1 bad." in done.output
    assert "Bad row: cases.csv, line 3, Status, \"=cmd|' /C calc'!A0\": is none of NEW, OPEN" in done.output
    with bad.open(encoding="utf-8", newline="") as opened:
        header, row = csv.reader(opened)
    assert header == ["file", "line", "column", "value", "reason"]
    assert row[:4] == ["cases.csv", "3", "Status", "'=cmd|' /C calc'!A0"]


def test_a_program_reads_json(app: Any, cast: Any, mapping: Path, tmp_path: Path) -> None:
    """F2: --json, also of a dry run."""
    file = write(tmp_path / "cases.csv", ROWS)
    arguments = ("import-cases", "--organization", "lakeside", "--mapping", mapping, file, "--json")
    tried = json.loads(run(app, *arguments, "--dry-run").stdout)
    assert not rows_of(Case)
    done = json.loads(run(app, *arguments).stdout)
    assert done["rows"] == {"read": 3, "bad": 1, "repeated": 0, "left_out": 0}
    assert done["entities"]["cases"] == {"new": 2, "updated": 0, "unchanged": 0, "kept": 0, "bad": 1}
    assert [row["line"] for row in done["bad_rows"]] == [3]
    assert tried == done | {"dry_run": True}


def test_only_the_first_bad_rows_are_printed(app: Any, cast: Any, mapping: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "cases.csv", "Number,Status,Opened\n" + "X,nonsense,2026-01-01\n" * 50)
    done = run(app, "import-cases", "--organization", "lakeside", "--mapping", mapping, file)
    assert done.output.count("Bad row:") == 20
    assert "30 more bad rows; --bad-rows FILE lists all." in done.output


@pytest.mark.parametrize(
    ("slug", "name", "content", "words"),
    [
        ("nobody", "cases.csv", ROWS, 'There is no organization "nobody"'),
        ("lakeside", "cases.csv", "", "is empty"),
        ("lakeside", "cases.csv", "Number,Status\nA,open\n", 'has no column "Opened"'),
        (
            "lakeside",
            "mapping.toml",
            ROWS,
            "is not a TOML file|names a file that is to be read|of a kind that is not read",
        ),
    ],
)
def test_wrong_input_is_one_sentence_and_exit_2(
    app: Any, cast: Any, mapping: Path, tmp_path: Path, slug: str, name: str, content: str, words: str
) -> None:
    """F2: nothing is written, not even that an import began."""
    import re

    file = write(tmp_path / name, content)
    done = run(app, "import-cases", "--organization", slug, "--mapping", mapping, file)
    assert done.exit_code == 2
    assert re.search(words, done.stderr)
    assert done.stderr.count("\n") == 1
    assert not rows_of(CaseImport)


def test_an_import_that_fails_on_its_way_says_so(
    app: Any, cast: Any, mapping: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F2: FAILED with the reason and an event; the next one goes ahead."""
    from portal.case_import import register

    file = write(tmp_path / "cases.csv", ROWS)
    with monkeypatch.context() as broken:
        broken.setattr(register.Register, "write", lambda *_, **__: 1 / 0)
        done = run(app, "import-cases", "--organization", "lakeside", "--mapping", mapping, file)
    assert done.exit_code == 1
    (row,) = rows_of(CaseImport)
    assert (row.state, row.counts["error"]) == (ImportState.FAILED, "ZeroDivisionError")
    assert row.finished_at is not None
    assert run(app, "import-cases", "--organization", "lakeside", "--mapping", mapping, file).exit_code == 0
    with write_session() as session:
        actions = session.scalars(sa.select(AuditEvent.action).order_by(AuditEvent.sequence)).all()
    assert actions == ["register.import_failed", "register.imported"]


def _import_elsewhere(environ: dict[str, str], mapping: Path, file: Path, gate: Any) -> None:
    with create_app(environ).app_context():
        gate.wait(60)
        bring_paths(mapping, [file])


def test_the_same_file_twice_at_once_makes_no_duplicates(
    app: Any, cast: Any, database_url: str, tmp_path: Path
) -> None:
    """Row 42: two imports of one organization at the same moment, in two processes."""
    mapping = write(
        tmp_path / "mapping.toml",
        PLAIN + '\n    category = "Kind"\n    [investigations]\n    [investigations.fields]\n    type = "Kind"\n',
    )
    rows = "".join(f"C{number},open,2026-01-01,Kind {number % 7}\n" for number in range(1500))
    file = write(tmp_path / "cases.csv", "Number,Status,Opened,Kind\n" + rows)
    environ = {
        "SECRET_KEY": app.config["SECRET_KEY"],
        "DATABASE_URL": database_url,
        "DUEPOST_VAR": str(tmp_path / "var"),
        "REDIS_URL": f"unix://{tmp_path}/no-redis.sock",
        "DUEPOST_LOG_LEVEL": "ERROR",
    }
    spawn = multiprocessing.get_context("spawn")
    gate = spawn.Barrier(2)
    both = [spawn.Process(target=_import_elsewhere, args=(environ, mapping, file, gate)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(120)
    assert [process.exitcode for process in both] == [0, 0]
    assert len(rows_of(Case)) == len(rows_of(Investigation)) == 1500
    imports = rows_of(CaseImport)
    assert [row.state for row in imports] == [ImportState.SUCCEEDED] * 2
    total = [sum(row.counts["entities"]["cases"][name] for row in imports) for name in ("new", "unchanged")]
    assert total == [1500, 1500]


def test_create_organization(app: Any, tmp_path: Path) -> None:
    """F1: by arguments or from a file, with an audit event of its own chain."""
    done = run(app, "create-organization", "North Bay", "--slug", "north-bay", "--timezone", "America/Chicago")
    assert done.exit_code == 0, done.output
    toml = write(tmp_path / "organization.toml", 'name = "East"\nslug = "east"\ntimezone = "UTC"\n')
    assert run(app, "create-organization", "--from-file", toml).exit_code == 0
    rows = rows_of(Organization, Organization.slug)
    assert [(row.slug, row.name, row.timezone) for row in rows] == [
        ("east", "East", "UTC"),
        ("north-bay", "North Bay", "America/Chicago"),
    ]
    with write_session() as session:
        events = session.execute(sa.select(AuditEvent.chain_id, AuditEvent.action)).all()
    assert sorted(events) == sorted((row.id, "organization.created") for row in rows)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Give the organization's name and slug and timezone"),
        (("X", "--slug", "x", "--timezone", "America/Boston"), 'no time zone "America/Boston"'),
        (("X", "--slug", "Not a slug", "--timezone", "UTC"), "The slug must have"),
        (("X" * 201, "--slug", "x", "--timezone", "UTC"), "The name must have"),
        (("X\nY", "--slug", "x", "--timezone", "UTC"), "no line breaks"),
        (("--from-file", "nowhere.toml"), "cannot be read"),
        (("X", "--from-file", "nowhere.toml"), "not both"),
    ],
)
def test_create_organization_refuses_in_one_sentence(app: Any, arguments: tuple[str, ...], words: str) -> None:
    done = run(app, "create-organization", *arguments)
    assert done.exit_code == 2
    assert words in done.stderr
    assert not rows_of(Organization)


def test_a_slug_is_taken_once(app: Any) -> None:
    create_organization("A", "same", "UTC", now=clock.now(), actor=audit.operator)
    with pytest.raises(OrganizationError, match="exists already"):
        create_organization("B", "same", "UTC", now=clock.now(), actor=audit.operator)
