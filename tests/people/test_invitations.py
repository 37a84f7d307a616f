"""Inviting people and accepting an invitation, by page and by command."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from portal import audit, clock
from portal.extensions import db
from portal.models import AuditEvent, OneTimeToken, Role, User
from portal.people import tokens
from portal.people.changes import deactivate
from portal.people.invitations import InvitationError, accept, invite, invite_again

PASSWORD = "quiet ledger of the north"
ANSWERS = {"name": "Nils Holm", "password": PASSWORD, "again": PASSWORD}


def invited(cast, email="nils@example.org", role=Role.OFFICER):
    return invite(cast.lakeside, email, "", role, now=clock.now(), actor=audit.operator)


def path_of(invitation):
    return "/invitation/" + invitation.link.rsplit("/", 1)[1]


def nils() -> User:
    db.session.rollback()
    return db.session.execute(sa.select(User).where(User.email == "nils@example.org")).scalar_one()


def test_an_invited_person_sets_a_password_and_is_in(page, cast):
    """E3"""
    visitor = page.nobody()
    form = visitor.get(path_of(invited(cast)))
    assert "Welcome to Lakeside Health" in form.words
    answer = visitor.submit(form, ANSWERS)
    assert answer.status == 303
    account = visitor.get("/account")
    assert account.find("//input[@name='name']")[0].get("value") == "Nils Holm"
    actions = db.session.scalars(sa.select(AuditEvent.action).order_by(AuditEvent.sequence)).all()
    assert actions == ["user.invited", "invitation.accepted", "user.signed_in"]


def test_an_invitation_works_once(page, cast):
    """attack 5"""
    path = path_of(invited(cast))
    page.nobody().post(path, ANSWERS)
    before = nils().password_hash
    again = page.nobody().post(path, {**ANSWERS, "password": "another one of mine", "again": "another one of mine"})
    assert again.status == 400
    assert "has been used" in again.words
    assert nils().password_hash == before
    assert page.nobody().get(path).status == 400


def test_two_at_once_set_one_password(cast):
    """attack 5"""
    link = invited(cast).link.rsplit("/", 1)[1]
    accept(link, name="One", password=PASSWORD, now=clock.now())
    with pytest.raises(InvitationError):
        accept(link, name="Two", password="another password", now=clock.now())
    assert nils().name == "One"


def test_an_invitation_expires(page, cast, moved_clock):
    """attack 5"""
    path = path_of(invited(cast))
    moved_clock.forward(days=7, seconds=1)
    answer = page.nobody().post(path, ANSWERS)
    assert answer.status == 400
    assert "expired" in answer.words
    assert nils().password_hash is None


def test_a_newer_invitation_replaces_the_older(page, cast):
    old = invited(cast)
    new = invite_again(cast.lakeside, nils().id, now=clock.now(), actor=audit.operator)
    assert page.nobody().get(path_of(old)).status == 400
    assert page.nobody().get(path_of(new)).status == 200


def test_a_deactivated_person_cannot_accept(page, cast):
    """attack 5"""
    path = path_of(invited(cast))
    deactivate(cast.lakeside, nils().id, now=clock.now(), actor=audit.operator)
    assert page.nobody().post(path, ANSWERS).status == 400


@pytest.mark.parametrize("token", ["x", "a" * 43, "a" * 10_000, "%00", "token[]=x", "%7B%22a%22:1%7D", "..%2F..%2Fx"])
def test_a_made_up_link_is_no_page(page, token):
    """attack 5"""
    assert page.nobody().get(f"/invitation/{token}").status in {400, 404}


def test_a_token_of_another_purpose_invites_nobody(page, cast):
    """attack 3"""
    from portal.models import TokenPurpose, write_session

    invitation = invited(cast)
    with write_session() as session:
        session.execute(sa.update(OneTimeToken).values(purpose=TokenPurpose.PASSWORD_RESET))
    assert page.nobody().get(path_of(invitation)).status == 404


def test_only_the_hash_of_the_link_is_kept(cast):
    token = invited(cast).link.rsplit("/", 1)[1]
    assert db.session.execute(sa.select(OneTimeToken.token_hash)).scalar_one() == tokens.hash_of(token)


@pytest.mark.parametrize(
    ("password", "again", "words"),
    [
        ("short", "short", "at least 12 characters"),
        ("nils@example.org", "nils@example.org", "Do not use your own address"),
        ("NILS@example.org", "NILS@example.org", "Do not use your own address"),
        ("aaaaaaaaaaaaaa", "aaaaaaaaaaaaaa", "different characters"),
        (PASSWORD, PASSWORD + "x", "differ"),
        ("x1y2z3" * 50, "x1y2z3" * 50, "at most 200"),
        ("", "", "Choose a password"),
    ],
)
def test_a_weak_password_is_refused_in_words(page, cast, password, again, words):
    answer = page.nobody().post(path_of(invited(cast)), {"name": "Nils", "password": password, "again": again})
    assert answer.status == 400
    assert words in answer.words
    assert not [field for field in answer.find("//input[@type='password']") if field.get("value")]
    assert nils().password_hash is None


def test_a_name_of_line_breaks_and_hidden_signs_becomes_one_line(page, cast):
    """attacks 22, 23"""
    page.nobody().post(path_of(invited(cast)), {**ANSWERS, "name": "Nils\r\nBcc: x@example.org \u202efdp"})
    assert nils().name == "Nils Bcc: x@example.org fdp"


def run(app, *args):
    import contextvars

    return contextvars.Context().run(lambda: app.test_cli_runner().invoke(args=["create-user", *args]))


def test_the_command_prints_the_link_and_says_that_the_mail_was_not_taken(app, page, cast):
    """E3"""
    result = run(app, "Nils@Example.org", "--organization", "lakeside", "--role", "officer", "--name", "Nils Holm")
    assert result.exit_code == 0, result.output
    link = re.search(r"^http://localhost(/invitation/\S+)$", result.stdout, re.MULTILINE)
    assert link is not None
    assert "did not take the mail" in result.stderr
    assert page.nobody().get(link[1]).status == 200


def test_the_command_answers_a_program(app, cast):
    result = run(app, "nils@example.org", "--organization", "lakeside", "--role", "ADMIN", "--json")
    answer = json.loads(result.stdout)
    assert (answer["email"], answer["role"], answer["mailed"]) == ("nils@example.org", "ADMIN", False)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["nils", "--organization", "lakeside", "--role", "admin"], "is not an e-mail address"),
        (["nils@example.org", "--organization", "nowhere", "--role", "admin"], "no organization"),
        (["nils@example.org", "--organization", "lakeside", "--role", "king"], "is no role"),
        (["otto@example.org", "--organization", "lakeside", "--role", "admin"], "already belongs"),
        (["stella@example.org", "--organization", "lakeside", "--role", "admin"], "another organization"),
    ],
)
def test_the_command_refuses_bad_input_in_one_sentence(app, cast, args, words):
    result = run(app, *args)
    assert result.exit_code == 2
    assert words in result.stderr
    assert result.stdout == ""


class TestWithMail:
    @pytest.fixture
    def app_settings(self, mail_sink):
        return {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(mail_sink.port), "PUBLIC_URL": "http://localhost"}

    def test_the_mail_carries_the_link(self, page, mail_sink):
        """E3"""
        page.ana.post("/people/invite", {"email": "nils@example.org", "name": "Nils", "role": "OFFICER"})
        [message] = mail_sink.messages()
        assert message["To"] == "nils@example.org"
        link = re.search(r"http://localhost(/invitation/\S+)", message.get_content())
        assert link is not None
        assert page.nobody().get(link[1]).status == 200

    def test_a_person_at_home_elsewhere_is_told_without_a_link(self, page, mail_sink):
        """E1"""
        page.ana.post("/people/invite", {"email": "stella@example.org", "role": "OFFICER"})
        [message] = mail_sink.messages()
        assert "invitation/" not in message.get_content()


def test_the_links_life_is_a_setting(make_app, cast):
    with make_app(DUEPOST_INVITATION_DAYS="2").app_context():
        now = clock.now()
        made = invite(cast.lakeside, "nils@example.org", "", Role.VIEWER, now=now, actor=audit.operator)
    assert made.expires_at - now == timedelta(days=2)
