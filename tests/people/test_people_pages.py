"""The people of an organization, on the pages."""

from __future__ import annotations

import sqlalchemy as sa

from portal.extensions import db
from portal.models import AuditEvent, Role, User


def actions(organization_id) -> list[str]:
    return list(
        db.session.scalars(
            sa.select(AuditEvent.action).where(AuditEvent.chain_id == organization_id).order_by(AuditEvent.sequence)
        )
    )


def test_an_admin_sees_the_people_of_their_organization_only(page):
    """E1"""
    answer = page.ana.get("/people")
    assert "Otto Lind" in answer.words
    assert "Stella" not in answer.words


def test_an_officer_may_not_manage_people(page):
    """E2"""
    assert page.otto.get("/people").status == 403
    assert page.otto.post("/people/invite", {"email": "x@example.org", "role": "ADMIN"}).status == 403


def test_an_invited_person_is_listed_and_audited(page, cast):
    """E3"""
    form = page.ana.get("/people/invite")
    answer = page.ana.submit(form, {"email": " Nils@Example.org ", "name": "Nils Holm", "role": "OFFICER"})
    assert answer.location == "/people"
    listed = page.ana.get("/people").words
    assert "nils@example.org" in listed
    assert "Invited" in listed
    assert "the mail server did not take it" in listed
    assert actions(cast.lakeside) == ["user.invited"]


def test_an_address_at_home_elsewhere_is_answered_like_any_other(page, cast):
    """E1, attack 16"""
    known = page.ana.post("/people/invite", {"email": "stella@example.org", "role": "OFFICER"})
    unknown = page.ana.post("/people/invite", {"email": "nobody@example.org", "role": "OFFICER"})
    assert (known.status, known.location) == (unknown.status, unknown.location)
    stella = db.session.get_one(User, cast.stella)
    assert stella.organization_id == cast.strangers


def test_a_bad_address_is_said_at_the_field_and_kept(page):
    answer = page.ana.post("/people/invite", {"email": "no-at-sign", "name": "N", "role": "OFFICER"})
    assert answer.status == 400
    assert "is not an e-mail address" in answer.words
    assert answer.find("//input[@name='email']")[0].get("value") == "no-at-sign"


def test_an_address_already_here_is_said_at_the_field(page):
    answer = page.ana.post("/people/invite", {"email": "otto@example.org", "role": "OFFICER"})
    assert answer.status == 400
    assert "already belongs" in answer.words


def test_a_deactivated_person_is_signed_out_at_once(page, cast):
    """attack 14"""
    assert page.otto.get("/account").status == 200
    person = page.ana.get(f"/people/{cast.otto}")
    page.ana.submit(person, action=f"/people/{cast.otto}/deactivate")
    answer = page.otto.get("/account")
    assert answer.location.startswith("/sign-in")
    assert "user.deactivated" in actions(cast.lakeside)
    assert "Otto Lind can no longer sign in." in page.ana.get("/people").words


def test_a_role_given_holds_at_once(page, cast):
    """E2"""
    person = page.ana.get(f"/people/{cast.otto}")
    page.ana.submit(person, {"role": "ADMIN"}, action=f"/people/{cast.otto}/role")
    assert page.otto.get("/people").status == 200
    assert "user.role_changed" in actions(cast.lakeside)


def test_the_last_admin_stays(page, cast):
    person = page.ana.get(f"/people/{cast.ana}")
    answer = page.ana.submit(person, {"role": "VIEWER"}, action=f"/people/{cast.ana}/role")
    assert answer.status == 400
    assert "last admin" in answer.words
    assert db.session.get_one(User, cast.ana).role is Role.ADMIN


def test_extra_fields_change_nothing(page, cast):
    """attack 8"""
    page.ana.post(
        f"/people/{cast.otto}/role",
        {"role": "VIEWER", "organization_id": str(cast.strangers), "active": "", "password_hash": "x"},
    )
    otto = db.session.get_one(User, cast.otto)
    assert (otto.role, otto.organization_id, otto.active, otto.password_hash) == (
        Role.VIEWER,
        cast.lakeside,
        True,
        None,
    )


def test_ones_own_name_and_zone(page, cast):
    form = page.otto.get("/account")
    page.otto.submit(form, {"name": "Otto B. Lind", "timezone": "Europe/Oslo"}, action="/account")
    otto = db.session.get_one(User, cast.otto)
    assert (otto.name, otto.timezone) == ("Otto B. Lind", "Europe/Oslo")
    assert "user.account_changed" in actions(cast.lakeside)


def test_a_made_up_zone_is_refused(page):
    answer = page.otto.post("/account", {"name": "Otto", "timezone": "Mars/Olympus"})
    assert answer.status == 400


def test_signing_out_everywhere_ends_all_sessions(page, cast):
    """attack 14"""
    from tests.support.pages_client import PageClient, session_for

    other = PageClient(page.app, session_for(cast.otto))
    assert other.get("/account").status == 200
    page.otto.post("/account/sign-out-everywhere")
    assert other.get("/account").location.startswith("/sign-in")
    assert page.otto.get("/account").location.startswith("/sign-in")
