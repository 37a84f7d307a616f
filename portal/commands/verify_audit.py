"""`flask verify-audit`: walks the audit log's chains."""

from __future__ import annotations

import json
import sys

import click
import sqlalchemy as sa

from portal.audit.verify import ChainReport, verify_chains
from portal.extensions import db
from portal.models import INSTALLATION, Organization


@click.command("verify-audit")
@click.option("--organization", "slug", help="Only this organization's chain, by its slug.")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def verify_audit(slug: str | None, as_json: bool) -> None:
    """Walk the audit log and name the first event that does not fit; exit 1 where one does not."""
    names = {row.id: row.slug for row in db.session.execute(sa.select(Organization.id, Organization.slug))}
    only = next((each for each, name in names.items() if name == slug), None)
    if slug is not None and only is None:
        click.echo(f"There is no organization “{slug}”.", err=True)
        sys.exit(2)
    names[INSTALLATION] = "the installation"
    reports = verify_chains(only)
    if as_json:
        click.echo(json.dumps([_answer(names.get(each.chain_id, str(each.chain_id)), each) for each in reports]))
    else:
        for each in reports:
            click.echo(
                f"{names.get(each.chain_id, each.chain_id)}: {each.problem or f'{each.events} events, unbroken'}"
            )
    sys.exit(1 if any(each.problem for each in reports) else 0)


def _answer(name: str, report: ChainReport) -> dict[str, object]:
    return {"chain": name, "events": report.events, "problem": report.problem}
