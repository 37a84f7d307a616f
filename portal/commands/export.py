"""`flask export`: the file that a run planned for that instant would make, without a run, a delivery or Redis."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import click
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from portal import audit, clock
from portal.case_import.under_way import complete_until
from portal.exports.case_filters import FilterError, parse_filters
from portal.exports.catalogue import CatalogueError
from portal.exports.errors import ExportError
from portal.exports.make_file import MadeFile, make_file
from portal.exports.masking import MaskingRules, Profile
from portal.exports.masking import resolve as resolve_masking
from portal.exports.periods import Period, PeriodError, parse_period, resolve
from portal.exports.request import ExportRequest
from portal.exports.tagged_fields import load_tags
from portal.exports.tags_needed import needed_tags
from portal.extensions import db
from portal.models import ExportType, Organization, write_session
from portal.moments import MomentError, instant_text, parse_instant
from portal.zones import ZoneError, zone

_USUALLY_TAGGED = (ExportType.FLAT_FILE, ExportType.DISCLOSURES_ONLY)


@dataclass(frozen=True)
class _Asked:
    request: ExportRequest
    period: Period
    out: Path
    complete_until: datetime
    """What changed in the register up to here is in the file; the next one of changes goes on from it."""


@click.command("export")
@click.option("--organization", "slug", required=True, metavar="SLUG")
@click.option("--type", "export_type", default="FLAT_FILE", show_default=True)
@click.option(
    "--format", "format_name", default="CSV", show_default=True, help="CSV, XLSX, PDF, JSON_LINES or PARQUET."
)
@click.option("--out", required=True, metavar="FILE", help="Replaced as a whole once the new file is complete.")
@click.option("--filters", default="{}", metavar="JSON", help='Such as {"status": ["OPEN"]}.')
@click.option(
    "--columns", metavar="JSON", help='Keys, or {"key": …, "label": …}, in the order wanted; all unless told.'
)
@click.option(
    "--period",
    default="all",
    show_default=True,
    metavar="NAME|FROM..TO",
    help="last_N_days, previous_week, month_to_date, …, 2022, 2022-Q1, 2022-03, 2022-01-01..2022-12-31.",
)
@click.option(
    "--at", "at_text", metavar="INSTANT", help="Planned moment, such as 2026-11-25T09:00:00Z; now unless told."
)
@click.option(
    "--changed-since",
    metavar="INSTANT",
    help="Only cases that came in or changed in the register after it, and a last column that says which.",
)
@click.option("--timezone", "zone_name", metavar="ZONE", help="IANA name; the organization's unless told.")
@click.option("--investigations", metavar="N", help="0 to 10 a case; 3 unless told.")
@click.option("--overflow", is_flag=True, help="With the columns that hold all there is as JSON.")
@click.option(
    "--tagged/--no-tagged",
    default=None,
    help="With the organization's tagged fields; a flat file and disclosures have them unless told.",
)
@click.option(
    "--masking",
    default="NONE",
    show_default=True,
    metavar="PROFILE",
    help="INTERNAL or EXTERNAL, by its rules.",
)
@click.option("--delimiter", metavar=", or ;", help="CSV: comma unless told.")
@click.option("--bom", is_flag=True, help="CSV: begin with the mark by which Excel knows UTF-8.")
@click.option("--labels", is_flag=True, help="CSV: labels in the first line, not keys.")
@click.option("--zip", "zipped", is_flag=True, help="As a zip archive with the file inside.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object in place of words.")
def export(out: str, as_json: bool, **options: Any) -> None:
    """Make the file that a run planned for INSTANT would make, of every case, with an audit event.

    Prints rows, bytes and SHA-256.
    """
    try:
        asked = _read(Path(out), clock.now(), options)
        made = _make(asked)
    except (FilterError, CatalogueError, PeriodError, ZoneError, MomentError, _InputError) as problem:
        _refuse(str(problem), 2)
    except ExportError as problem:
        _refuse(str(problem), 1)
    except SQLAlchemyError:
        _refuse("The database cannot be used; is it up to date? Try: flask --app wsgi db upgrade", 1)
    _print(asked, made, as_json=as_json)


class _InputError(ValueError):
    """What was typed is wrong. The text is one sentence."""


def _read(out: Path, now: datetime, options: dict[str, Any]) -> _Asked:
    organization = db.session.scalar(sa.select(Organization).where(Organization.slug == options["slug"]))
    if organization is None:
        raise _InputError(f'There is no organization "{_short(options["slug"])}".')
    zone_name = organization.timezone if options["zone_name"] is None else options["zone_name"]
    place = zone(zone_name)
    planned_for = now if options["at_text"] is None else parse_instant(options["at_text"])
    period = parse_period(options["period"])
    if period.text == "since_last_success":
        raise _InputError("since_last_success needs a schedule with runs; name dates or another period here.")
    resolved = resolve(period, planned_for, place)
    changed_since = None if options["changed_since"] is None else parse_instant(options["changed_since"])
    filters = parse_filters(_json("--filters", options["filters"]), organization.id).to_json()
    columns = _column_config(options)
    tags = load_tags(db.session.connection(), organization.id)
    request = ExportRequest(
        organization_id=organization.id,
        export_type=options["export_type"],
        format=options["format_name"],
        filters=filters,
        start=resolved.start,
        end=resolved.end,
        planned_for=planned_for,
        zone=zone_name,
        format_options=_format_options(options),
        column_config=columns,
        tags=tuple(tag.to_json() for tag in needed_tags(options["export_type"], columns, [filters], tags)),
        title=f"{organization.name}: export",
        only_changes=changed_since is not None,
        changes_since=changed_since,
    )
    request.check()
    request = replace(request, masking=_masking(options["masking"], request, organization))
    db.session.remove()
    seen_until = complete_until(request.organization_id)
    if out.is_dir() or not out.absolute().parent.is_dir():
        raise _InputError(f"{_short(str(out))} cannot be written: name a file in a folder that exists.")
    return _Asked(request, period, out, seen_until)


def _masking(text: str, request: ExportRequest, organization: Organization) -> dict[str, Any]:
    if (profile := text.upper()) not in set(Profile):
        raise _InputError(f'There is no masking "{_short(text)}"; take {", ".join(Profile)}.')
    return resolve_masking(profile, request.columns(), MaskingRules.of(organization.settings))


def _format_options(options: dict[str, Any]) -> dict[str, Any]:
    given = {"delimiter": options["delimiter"], "bom": options["bom"], "header_labels": options["labels"]}
    given["zip"] = options["zipped"]
    return {key: value for key, value in given.items() if value not in (None, False)}


def _column_config(options: dict[str, Any]) -> dict[str, Any]:
    tagged = options["export_type"] in _USUALLY_TAGGED if options["tagged"] is None else options["tagged"]
    config: dict[str, Any] = {"include_overflow": options["overflow"], "include_tagged_fields": tagged}
    if options["investigations"] is not None:
        text = options["investigations"]
        # what is no whole number is left as it is, for the catalogue to refuse
        config["max_investigations"] = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else text
    if options["columns"] is not None:
        config["columns"] = _json("--columns", options["columns"])
    return config


def _json(option: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise _InputError(f"{option} is not JSON; write it in single quotes for the shell.") from None


def _make(asked: _Asked) -> MadeFile:
    """The file beside its place, the audit event, then the file in its place: never half a file or one without it."""
    try:
        handle, name = tempfile.mkstemp(prefix=".duepost-", dir=asked.out.absolute().parent)
    except OSError as problem:
        raise _InputError(f"{_short(str(asked.out))} cannot be written: {problem.strerror}.") from problem
    os.close(handle)
    beside = Path(name)
    try:
        made = make_file(asked.request, beside)
        _record(asked, made)
        beside.replace(asked.out)
    except OSError as problem:
        raise ExportError(f"The file could not be put in its place: {problem.strerror}.", permanent=False) from problem
    finally:
        beside.unlink(missing_ok=True)
    return made


def _record(asked: _Asked, made: MadeFile) -> None:
    with write_session() as session:
        audit.record(
            session,
            organization_id=asked.request.organization_id,
            at=clock.now(),
            actor=audit.operator,
            action="export.made",
            subject=("export", made.sha256),
            body={
                "request": asked.request.to_json(),
                "period": asked.period.text,
                "file": asked.out.name,
                "rows": made.rows,
                "bytes": made.bytes,
                "sha256": made.sha256,
                "cells_changed": made.cells_changed,
            },
        )


def _print(asked: _Asked, made: MadeFile, *, as_json: bool) -> None:
    if as_json:
        answer = {
            "file": str(asked.out),
            "rows": made.rows,
            "bytes": made.bytes,
            "sha256": made.sha256,
            "columns": [column.key for column in made.columns],
            "cells_changed": made.cells_changed,
            "notes": list(made.notes),
            "from": instant_text(asked.request.start) if asked.request.start else None,
            "to": instant_text(asked.request.end),
            "timezone": asked.request.zone,
            "complete_until": instant_text(asked.complete_until),
        }
        click.echo(json.dumps(answer, indent=1))
        return
    click.echo(f"rows     {made.rows}\nbytes    {made.bytes}\nSHA-256  {made.sha256}")
    for note in made.notes:
        click.echo(note)


def _short(text: str) -> str:
    """What was typed, short and printable, for a sentence."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text[:80])


def _refuse(sentence: str, code: int) -> NoReturn:
    click.echo(sentence, err=True)
    raise SystemExit(code)
