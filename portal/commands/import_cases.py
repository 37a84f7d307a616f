"""`flask import-cases`: files into the register by a mapping."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any, NoReturn

import click

from portal import audit, clock
from portal.case_import.errors import BadRow, ImportRefusedError
from portal.case_import.load import find_organization, import_cases
from portal.case_import.mapping import read_mapping
from portal.case_import.report import Report
from portal.exports.text_guard import clean, guard

SHOWN = 20


@click.command("import-cases")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE…")
@click.option("--organization", required=True, metavar="SLUG", help="Whose register.")
@click.option(
    "--mapping", "mapping_file", required=True, type=click.Path(path_type=Path), help="TOML; see docs/importing.md."
)
@click.option("--dry-run", is_flag=True, help="Read, check and count; write nothing.")
@click.option("--bad-rows", "bad_rows", type=click.Path(path_type=Path), help="CSV file for all bad rows.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def import_cases_command(
    files: tuple[Path, ...], organization: str, mapping_file: Path, dry_run: bool, bad_rows: Path | None, as_json: bool
) -> None:
    """Bring an organization's register up to what FILEs say. Run again, it updates; nothing is doubled or deleted."""
    first: list[BadRow] = []
    try:
        if bad_rows and bad_rows.resolve() in {path.resolve() for path in (*files, mapping_file)}:
            raise ImportRefusedError("--bad-rows names a file that is to be read; name another.")
        mapping = read_mapping(mapping_file)
        found = find_organization(organization)
        with _listing(bad_rows, first) as on_bad_row:
            report = import_cases(
                found,
                mapping,
                files,
                now=clock.now(),
                actor=audit.operator,
                on_bad_row=on_bad_row,
                dry_run=dry_run,
            )
    except ImportRefusedError as problem:
        _refuse(str(problem))
    if as_json:
        click.echo(json.dumps(_answer(report, first, dry_run), indent=1, ensure_ascii=False))
    else:
        _tell(report, first, bad_rows, dry_run)


@contextmanager
def _listing(path: Path | None, first: list[BadRow]) -> Iterator[Any]:
    """Takes bad rows one by one: the first ones to be shown, all of them into the file."""
    if path is None:
        yield lambda row: first.append(row) if len(first) < SHOWN else None
        return
    try:
        file = path.open("w", encoding="utf-8", newline="")
    except OSError as problem:
        raise ImportRefusedError(f"{path} cannot be written: {problem.strerror or problem}.") from None
    with file:
        writer = csv.writer(file)
        writer.writerow([each.name for each in fields(BadRow)])

        def take(row: BadRow) -> None:
            if len(first) < SHOWN:
                first.append(row)
            writer.writerow([guard(clean(str(value))) for value in astuple(row)])

        yield take


def _answer(report: Report, first: list[BadRow], dry_run: bool) -> dict[str, object]:
    shown = [{each.name: getattr(row, each.name) for each in fields(BadRow)} for row in first]
    return {"dry_run": dry_run, **report.as_json(), "bad_rows": shown}


def _tell(report: Report, first: list[BadRow], bad_rows: Path | None, dry_run: bool) -> None:
    click.echo("Dry run: nothing was written." if dry_run else "Imported.")
    repeats = f", {report.rows_repeated:,} repeats dropped" if report.rows_repeated else ""
    left_out = f", {report.rows_left_out:,} left out by the mapping" if report.rows_left_out else ""
    click.echo(f"{report.rows_read:,} rows read, {report.rows_bad:,} bad{repeats}{left_out}.")
    columns = ("new", "updated", "unchanged", "bad", "kept")
    click.echo(f"{'':<20}" + "".join(f"{name:>11}" for name in columns))
    for name, counts in report.entities_as_json().items():
        click.echo(f"{name:<20}" + "".join(f"{counts[column]:>11,}" for column in columns))
    if any(counts["kept"] for counts in report.entities_as_json().values()):
        click.echo("kept: in the register from this source, but not in these files; nothing was deleted.")
    for warning, count in sorted(report.warnings.items()):
        click.echo(f"Warning: {warning}: {count:,}")
    for row in first:
        value = f', "{row.value}"' if row.value else ""
        column = f", {row.column}" if row.column else ""
        click.echo(f"Bad row: {row.file}, line {row.line}{column}{value}: {row.reason}")
    if report.rows_bad > len(first):
        where = f"all are in {bad_rows}" if bad_rows else "--bad-rows FILE lists all"
        click.echo(f"{report.rows_bad - len(first):,} more bad rows; {where}.")


def _refuse(sentence: str) -> NoReturn:
    click.echo(clean(sentence), err=True)
    raise SystemExit(2)
