"""What the demo begins with, each part made once: `python -m demo.seed [--data FOLDER --example NAME]`.

Goes through the same verbs and commands that a user has. The passwords are made here, and kept in `sign-in.txt` beside
the database for whoever runs the demo.
"""

from __future__ import annotations

import argparse
import logging
import os
import secrets
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from flask_migrate import upgrade

from demo.register import RegisterError, generate_register
from demo.schedules import make_samples
from portal import audit, clock, create_app
from portal.case_import.readers import READERS
from portal.config import ROOT, SettingsError, settings
from portal.extensions import db
from portal.models import CaseImport, ImportState, Organization, Role
from portal.people.invitations import accept, invite
from portal.people.organizations import create_organization
from portal.zones import zone

CASES = 3_000
SEED = 2026
SIGN_IN = "sign-in.txt"
LAKESIDE = ("Lakeside Health (demo)", "lakeside", "America/New_York")


class SeedError(Exception):
    """The demo cannot be furnished. The text is one sentence for the person who starts it."""


@dataclass(frozen=True)
class Person:
    name: str
    email: str
    role: Role


def people_of(slug: str) -> tuple[Person, Person]:
    """An admin and a compliance officer; nobody of that name has that address."""
    return (
        Person("Ana Duarte", f"ana@{slug}.example.org", Role.ADMIN),
        Person("Otto Lind", f"otto@{slug}.example.org", Role.OFFICER),
    )


def seed_lakeside() -> None:
    """The made organization, its register and its schedules. Raises SeedError where an earlier start was broken off."""
    name, slug, timezone = LAKESIDE
    found = find(slug)
    if found is None:
        organization_id = create_organization(name, slug, timezone, now=clock.now(), actor=audit.operator)
        add_people(name, slug)
        today = clock.now().astimezone(zone(timezone)).date()
        generate_register(organization_id, CASES, SEED, today)
        print(f"Made {name}: {CASES:,} cases.", flush=True)
    elif not has_register(found):
        raise SeedError("The demo's register is only half made; start over with: make demo-reset")
    else:
        organization_id = found.id
    made = make_samples(organization_id, clock.now())
    if made:
        print(f"Made {made} schedules; the first runs are under way.", flush=True)


def seed_example(data: Path, example: str) -> None:
    """An organization of examples/ with the public data that its mapping reads, imported once, but finished if not."""
    folder = ROOT / "examples" / example
    if not (folder / "organization.toml").is_file():
        known = ", ".join(sorted(path.parent.name for path in ROOT.glob("examples/*/organization.toml")))
        raise SeedError(f"There is no example “{example}”; EXAMPLE is one of: {known}.")
    files = data_files(data)
    about = tomllib.loads((folder / "organization.toml").read_text(encoding="utf-8"))
    found = find(about["slug"])
    if found and has_register(found):
        return
    if found is None:
        flask("create-organization", "--from-file", str(folder / "organization.toml"))
        add_people(about["name"], about["slug"])
    flask("import-cases", "--organization", about["slug"], "--mapping", str(folder / "mapping.toml"), *files)


def data_files(folder: Path) -> list[str]:
    """The files of the folder that an import can read, by name. Raises SeedError."""
    if not folder.is_dir():
        raise SeedError(f"DATA names {folder}, which is no folder.")
    files = sorted(str(path) for path in folder.iterdir() if path.suffix.lower() in READERS)
    if not files:
        raise SeedError(f"{folder} holds no file that can be imported ({', '.join(sorted(READERS))}).")
    return files


def flask(*arguments: str) -> None:
    """A command as a user types it. Raises SeedError where it says no; it has said why."""
    line = [sys.executable, "-m", "flask", "--app", "wsgi", *arguments]
    if subprocess.run(line, cwd=ROOT, check=False).returncode:  # noqa: S603  # no shell, our own command
        raise SeedError(f"flask {arguments[0]} did not succeed.")


def find(slug: str) -> Organization | None:
    return db.session.scalar(sa.select(Organization).where(Organization.slug == slug))


def has_register(organization: Organization) -> bool:
    done = sa.select(CaseImport.id).where(
        CaseImport.organization_id == organization.id, CaseImport.state == ImportState.SUCCEEDED
    )
    return db.session.scalar(done.limit(1)) is not None


def add_people(organization_name: str, slug: str) -> None:
    """Invite them and accept for them, as they would; write down how they sign in."""
    db.session.rollback()  # the reading session has not seen the organization that was just made
    organization = db.session.execute(sa.select(Organization).where(Organization.slug == slug)).scalar_one()
    for person in people_of(slug):
        password = "-".join(secrets.token_hex(3) for _ in range(3))
        _let_in(organization, person, password, clock.now())
        write_down(f"{organization_name:32} {person.role.lower():8} {person.email:32} {password}")
    db.session.rollback()


def _let_in(organization: Organization, person: Person, password: str, now: datetime) -> None:
    invitation = invite(organization.id, person.email, person.name, person.role, now=now, actor=audit.operator)
    if invitation.link is None:
        raise SeedError(f"{person.email} belongs to another organization already; start over with: make demo-reset")
    db.session.rollback()
    accept(invitation.link.rpartition("/")[2], name=person.name, password=password, now=now)


def write_down(line: str) -> None:
    path = settings().var_folder / SIGN_IN
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w", encoding="utf-8") as file:
        file.write(line + "\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when everything is there; 2 with a sentence on standard error when it is not."""
    parser = argparse.ArgumentParser(prog="python -m demo.seed", description="Furnish the demo's database.")
    parser.add_argument("--data", type=Path, help="folder of a public dataset")
    parser.add_argument("--example", help="name of a folder in examples/ that says how to read it")
    asked = parser.parse_args(arguments)
    try:
        if bool(asked.data) != bool(asked.example):
            raise SeedError("Give DATA and EXAMPLE together: make demo DATA=folder EXAMPLE=new-orleans")
        with create_app().app_context():
            logging.getLogger("alembic").setLevel(logging.WARNING)
            upgrade()
            seed_lakeside()
            if asked.data:
                seed_example(asked.data, asked.example)
    except (SeedError, RegisterError, SettingsError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
