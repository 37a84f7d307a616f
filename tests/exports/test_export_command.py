"""`flask export`: the file a planned run would make, without Redis; wrong input ends in one sentence and exit 2."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask

from portal.exports.make_file import make_file
from portal.extensions import db
from portal.models import AuditBody, AuditEvent
from tests.exports.small_register import fill
from tests.exports.tagged_register import TAGS, fill_tagged, promote
from tests.exports.test_rows import request_of
from tests.support.cast import Cast

AT = "2026-11-02T13:00:00Z"


def export(app: Flask, out: Path, *more: str) -> Result:
    command = ["export", "--organization", "lakeside", "--out", str(out), "--at", AT, *more]
    return app.test_cli_runner().invoke(args=command)


def test_it_makes_the_file_a_planned_run_would_make(app: Flask, cast: Cast, tmp_path: Path) -> None:
    """C1, C9: rows, bytes and SHA-256 printed are those of the file."""
    fill(cast.lakeside, 60)
    said = export(app, tmp_path / "file.csv")
    assert (said.exit_code, said.stderr) == (0, "")
    content = (tmp_path / "file.csv").read_bytes()
    assert said.stdout.split() == [
        "rows", "60", "bytes", str(len(content)), "SHA-256", hashlib.sha256(content).hexdigest(),
    ]  # fmt: skip
    made = make_file(request_of(cast.lakeside), tmp_path / "planned.csv")
    assert made.sha256 == hashlib.sha256(content).hexdigest()
    assert sorted(path.name for path in tmp_path.glob("*.csv")) == ["file.csv", "planned.csv"]
    assert not list(tmp_path.glob(".duepost*"))


def test_every_flag_is_heard(app: Flask, cast: Cast, tmp_path: Path) -> None:
    """C4, C5, C6, C9."""
    fill(cast.lakeside, 120)
    flags = [
        "--filters", '{"status": ["open"]}', "--period", "2026-Q1", "--timezone", "Europe/Berlin", "--bom",
        "--delimiter", ";", "--labels", "--json",
        "--columns", '["case_number", {"key": "case_created_at", "label": "Opened"}]',
    ]  # fmt: skip
    said = export(app, tmp_path / "file.csv", *flags)
    answer = json.loads(said.stdout)
    assert (answer["from"], answer["to"]) == ("2025-12-31T23:00:00Z", "2026-03-31T22:00:00Z")
    assert answer["columns"] == ["case_number", "case_created_at"]
    text = (tmp_path / "file.csv").read_bytes().decode()
    assert text.startswith("\ufeffCase Number;Opened\r\n")
    rows = list(csv.reader(text.splitlines(), delimiter=";"))
    assert len(rows) == answer["rows"] + 1 > 1
    assert {row[1][-6:] for row in rows[1:]} <= {"+01:00", "+02:00"}


def test_investigations_and_overflow(app: Flask, cast: Cast, tmp_path: Path) -> None:
    """C2."""
    said = export(app, tmp_path / "file.csv", "--investigations", "0", "--overflow", "--json")
    assert len(json.loads(said.stdout)["columns"]) == 29 + 5


def test_tagged_fields_are_in_a_flat_file_unless_told_and_what_does_not_fit_is_said(
    app: Flask, cast: Cast, tmp_path: Path
) -> None:
    """C2, C3"""
    fill_tagged(cast.lakeside)
    promote(cast.lakeside, TAGS[:2])
    said = export(app, tmp_path / "file.csv", "--json", "--filters", '{"tags": {"2": {"min": 1200}}}')
    answer = json.loads(said.stdout)
    assert answer["columns"][-2:] == ["amount", "amount_eur"]
    assert answer["notes"] == ["1 value of “Amount” is not an amount and was left empty."]
    rows = list(csv.DictReader((tmp_path / "file.csv").read_text(encoding="utf-8").splitlines()))
    assert min(float(row["amount_eur"]) for row in rows) == 1200
    for more in (["--no-tagged"], ["--type", "CASES_ONLY"]):
        assert len(json.loads(export(app, tmp_path / "file.csv", "--json", *more).stdout)["columns"]) in (29, 59)
    refused = export(app, tmp_path / "file.csv", "--filters", '{"tags": {"amout": 1}}')
    assert (refused.exit_code, refused.stderr.strip()) == (
        2, 'There is no tagged field "amout"; there are: amount, amount_eur.',
    )  # fmt: skip


def test_it_masks_as_the_organization_does(app: Flask, cast: Cast, tmp_path: Path) -> None:
    """C17"""
    fill(cast.lakeside, 5)
    export(app, tmp_path / "file.csv", "--type", "CASES_ONLY", "--masking", "external")
    first = (tmp_path / "file.csv").read_text(encoding="utf-8").splitlines()[1]
    assert first.startswith("Case ")


def test_it_writes_an_audit_event_of_the_operator(app: Flask, cast: Cast, tmp_path: Path) -> None:
    """G2: who made what, with the hash of the bytes."""
    answer = json.loads(export(app, tmp_path / "file.csv", "--json").stdout)
    event = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "export.made")).one()
    assert (event.chain_id, event.actor_kind, event.subject_id) == (cast.lakeside, "OPERATOR", answer["sha256"])
    body = db.session.scalars(sa.select(AuditBody.body)).one()
    assert (body["sha256"], body["rows"], body["file"]) == (answer["sha256"], 0, "file.csv")


@pytest.mark.parametrize(
    "wrong",
    [
        ("--type", "BOARD_REPORT"), ("--format", "PDF"), ("--filters", "{"), ("--filters", "[" * 100_000),
        ("--filters", '{"status": ["X"]}'), ("--filters", '{"statuss": []}'), ("--columns", '["nope"]'),
        ("--columns", "case_id"), ("--period", "whenever"), ("--period", "since_last_success"), ("--timezone", "Mars"),
        ("--at", "noon"), ("--investigations", "11"), ("--investigations", "-1"), ("--investigations", "x"),
        ("--delimiter", "|"), ("--format", "XLSX", "--bom"), ("--organization", "nobody"), ("--out", "/"),
        ("--out", "/no/such/folder/file.csv"), ("--masking", "all"),
    ],
)  # fmt: skip
def test_wrong_input_ends_in_one_sentence_and_changes_nothing(
    app: Flask, cast: Cast, tmp_path: Path, wrong: tuple[str, ...]
) -> None:
    (tmp_path / "file.csv").write_text("as before", encoding="utf-8")
    said = export(app, tmp_path / "file.csv", *wrong)
    assert (said.exit_code, said.stdout) == (2, "")
    assert said.stderr.count("\n") == 1
    assert "Traceback" not in said.stderr
    assert (tmp_path / "file.csv").read_text(encoding="utf-8") == "as before"
    assert db.session.scalar(sa.select(sa.func.count()).select_from(AuditEvent)) == 0
