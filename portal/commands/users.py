"""`flask create-user`: invite a person into an organization, without a page."""

from __future__ import annotations

import json
from typing import NoReturn

import click
import sqlalchemy as sa
from flask.cli import with_appcontext

from portal import audit, clock
from portal.extensions import db
from portal.models import Organization, Role
from portal.people.addresses import AddressError
from portal.people.invitation_mail import mail_invitation
from portal.people.invitations import InvitationError, invite
from portal.plumbing.mail_text import one_line

ROLES = ", ".join(role.value.lower() for role in Role)


@click.command("create-user")
@click.argument("email")
@click.option("--organization", "slug", required=True, metavar="S", help="Slug of the organization.")
@click.option("--role", "role_text", required=True, metavar="R", help=f"One of {ROLES}.")
@click.option("--name", default="", metavar="N", help="May be left out; the person can write it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object in place of text.")
@with_appcontext
def create_user(email: str, slug: str, role_text: str, name: str, as_json: bool) -> None:
    """Invite EMAIL into an organization: the link is printed, and mailed if the mail server takes it."""
    try:
        role = _role(role_text)
        invitation = invite(_organization(slug).id, email, name, role, now=clock.now(), actor=audit.operator)
    except (AddressError, InvitationError) as problem:
        _say_and_exit(str(problem), 2)
    if invitation.link is None:
        _say_and_exit(f"{invitation.email} already belongs to another organization; use another address.", 2)
    mailed = mail_invitation(invitation)
    if as_json:
        answer = {"email": invitation.email, "role": role.value, "link": invitation.link, "mailed": mailed}
        click.echo(json.dumps(answer | {"expires_at": invitation.expires_at.isoformat()}))
        return
    click.echo(f"{invitation.email} is invited to {invitation.organization_name}. The link works once:")
    click.echo(invitation.link)
    if not mailed:
        click.echo("The mail server did not take the mail; hand over the link yourself.", err=True)


def _organization(slug: str) -> Organization:
    found = db.session.execute(sa.select(Organization).where(Organization.slug == slug)).scalar_one_or_none()
    if found is None:
        _say_and_exit(f"There is no organization “{one_line(slug, 64)}”; make it with flask create-organization.", 2)
    return found


def _role(text: str) -> Role:
    try:
        return Role(text.strip().upper())
    except ValueError:
        _say_and_exit(f"“{one_line(text, 40)}” is no role; use one of {ROLES}.", 2)


def _say_and_exit(sentence: str, code: int) -> NoReturn:
    click.echo(sentence, err=True)
    raise SystemExit(code)
