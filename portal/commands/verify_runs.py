"""`flask verify-runs`: whether the tables of a living installation hold together."""

from __future__ import annotations

import json
import sys
import uuid
from dataclasses import asdict

import click
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import clock
from portal.models import Organization
from portal.runs.verify import count_runs, find_breaches, one_moment


@click.command("verify-runs")
@click.option("--organization", "slug", help="Only this organization, by its slug.")
@click.option("--files", "hash_files", is_flag=True, help="Read every stored file and compare its hash, not its size.")
@click.option("--json", "as_json", is_flag=True, help="A JSON object a line; the last one counts.")
def verify_runs(slug: str | None, *, hash_files: bool, as_json: bool) -> None:
    """Name whatever breaks a promise about runs and deliveries, a line each; exit 1 where something does."""
    with one_moment() as session:
        only = _organization(session, slug)
        breaches = 0
        for breach in find_breaches(session, only, clock.now(), hash_files=hash_files):
            breaches += 1
            line = f"{breach.name}  {breach.subject}  {breach.sentence}"
            click.echo(json.dumps(asdict(breach)) if as_json else line)
        runs = count_runs(session, only)
    counts = {"runs": runs, "breaches": breaches}
    click.echo(json.dumps(counts) if as_json else f"{runs} runs looked at, {breaches} breaches.")
    sys.exit(1 if breaches else 0)


def _organization(session: Session, slug: str | None) -> uuid.UUID | None:
    if slug is None:
        return None
    found = session.scalar(sa.select(Organization.id).where(Organization.slug == slug))
    if found is None:
        click.echo(f"There is no organization “{slug}”.", err=True)
        sys.exit(2)
    return found
