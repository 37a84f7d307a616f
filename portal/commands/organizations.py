"""`flask create-organization`."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import NoReturn

import click

from portal import audit, clock
from portal.people.organizations import OrganizationError, create_organization

KEYS = ("name", "slug", "timezone")


@click.command("create-organization")
@click.argument("name", required=False)
@click.option("--slug", help="Short name, as the other commands take it: lower-case letters, digits, hyphens.")
@click.option("--timezone", metavar="ZONE", help="IANA name, such as America/New_York.")
@click.option(
    "--from-file",
    "from_file",
    type=click.Path(path_type=Path),
    help="A TOML file with name, slug and timezone, in place of the three.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def create_organization_command(
    name: str | None, slug: str | None, timezone: str | None, from_file: Path | None, as_json: bool
) -> None:
    """Make an organization: a register, schedules and people of its own, apart from all others."""
    given = {"name": name, "slug": slug, "timezone": timezone}
    if from_file is not None:
        if any(given.values()):
            _refuse("Give --from-file, or NAME with --slug and --timezone, not both.")
        given = dict(_read(from_file))
    missing = [key for key in KEYS if not given[key]]
    if missing:
        _refuse(f"Give the organization's {' and '.join(missing)}: NAME --slug S --timezone Z, or --from-file FILE.")
    try:
        made = create_organization(
            given["name"] or "", given["slug"] or "", given["timezone"] or "", now=clock.now(), actor=audit.operator
        )
    except OrganizationError as problem:
        _refuse(str(problem))
    if as_json:
        click.echo(json.dumps({"id": str(made), **given}))
    else:
        click.echo(f"Made the organization {given['name']} ({given['slug']}), in {given['timezone']}.")


def _read(path: Path) -> dict[str, str]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        _refuse(f"{path} cannot be read: {problem.strerror or problem}.")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        _refuse(f"{path} is not a TOML file: {problem}.")
    for key in table:
        if key not in KEYS:
            _refuse(f'{path}: "{key}" is not known; it holds {", ".join(KEYS)}.')
    for key in KEYS:
        if not isinstance(table.get(key), str):
            _refuse(f'{path}: "{key}" is missing or no text.')
    return table


def _refuse(sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    raise SystemExit(2)
