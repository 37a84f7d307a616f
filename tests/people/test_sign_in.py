"""Signing in and out, over HTTP."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from portal.extensions import db
from portal.models import AuditEvent, SignInSession, User, write_session
from portal.pages.access import local_path
from portal.people import passwords, tokens

PASSWORD = "quiet ledger of the north"


@pytest.fixture
def ana(page, cast):
    """A visitor who knows Ana's password; the address differs per test, since failures are counted for a while."""
    with write_session() as session:
        session.get_one(User, cast.ana).password_hash = passwords.hash_of(PASSWORD)
    return page.nobody()


def actions(chain_id=None) -> list[str]:
    query = sa.select(AuditEvent.action).order_by(AuditEvent.sequence)
    return list(db.session.scalars(query.where(AuditEvent.chain_id == chain_id) if chain_id else query))


def enter(visitor, email="ana@example.org", password=PASSWORD, url="/sign-in", **more):
    return visitor.post(url, {"email": email, "password": password}, **more)


def cookie(visitor) -> str | None:
    held = visitor.http.get_cookie("duepost")
    return held.value if held else None


def from_address(number: int) -> dict[str, dict[str, str]]:
    return {"environ_base": {"REMOTE_ADDR": f"192.0.2.{number}"}}


def test_the_right_password_signs_in_and_is_audited(ana, cast):
    """E3"""
    answer = enter(ana, email=" ANA@example.org ")
    assert answer.status == 303
    assert ana.get("/account").h1 == "Your account"
    assert actions(cast.lakeside) == ["user.signed_in"]


def test_only_the_hash_of_the_token_is_kept(ana):
    enter(ana)
    row = db.session.execute(sa.select(SignInSession)).scalar_one()
    assert row.token_hash == tokens.hash_of(cookie(ana) or "")


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(ana):
    header = enter(ana).headers.getlist("Set-Cookie")
    mine = next(line for line in header if line.startswith("duepost="))
    assert "HttpOnly" in mine
    assert "SameSite=Lax" in mine


def test_a_new_sign_in_is_a_new_session(ana):
    """attack 13"""
    enter(ana)
    first = cookie(ana)
    ana.post("/sign-out")
    ana._csrf = None
    enter(ana)
    assert cookie(ana) not in {None, first}


def test_the_csrf_token_of_before_signing_in_is_worth_nothing_after(ana):
    """attack 13"""
    before = ana.csrf_token()
    enter(ana)
    assert ana.open("POST", "/sign-out", data={"csrf_token": before}).status == 400


def test_an_old_cookie_opens_nothing_after_signing_out(ana, page, cast):
    """attack 14"""
    enter(ana)
    old = cookie(ana)
    ana._csrf = None
    ana.post("/sign-out")
    thief = page.nobody()
    thief.http.set_cookie("duepost", old, domain="localhost")
    assert thief.get("/account").location.startswith("/sign-in")
    assert actions(cast.lakeside) == ["user.signed_in", "user.signed_out"]


def test_a_sign_in_ends_by_itself(ana, moved_clock):
    enter(ana)
    assert ana.get("/account").status == 200
    moved_clock.forward(hours=12, seconds=1)
    assert ana.get("/account").location.startswith("/sign-in")


def test_unknown_wrong_passwordless_and_deactivated_are_answered_alike(ana, page, cast):
    """attack 16"""
    with write_session() as session:
        stella = session.get_one(User, cast.stella)
        stella.password_hash, stella.active = passwords.hash_of(PASSWORD), False
    pages = {
        enter(page.nobody(), email, password, **from_address(number)).text.replace(email, "")
        for number, (email, password) in enumerate(
            [
                ("nobody@example.org", PASSWORD),
                ("ana@example.org", "not the password"),
                ("otto@example.org", PASSWORD),
                ("stella@example.org", PASSWORD),
            ],
            10,
        )
    }
    import re

    assert len({re.sub(r'name="csrf_token"[^>]*', "", text) for text in pages}) == 1


def test_an_unknown_address_costs_a_password_check_too(ana, monkeypatch):
    """attack 16"""
    checked = []
    verify = passwords._hasher.verify

    class Counting:
        def verify(self, *args):
            checked.append(args)
            return verify(*args)

        hash = passwords._hasher.hash
        check_needs_rehash = passwords._hasher.check_needs_rehash

    monkeypatch.setattr(passwords, "_hasher", Counting())
    enter(ana, "nobody@example.org", **from_address(20))
    assert len(checked) == 1


def test_failures_are_written_down_without_what_was_typed(ana, cast):
    enter(ana, "nobody@example.org", "x", **from_address(21))
    enter(ana, "ana@example.org", "x", **from_address(21))
    found = db.session.execute(sa.select(AuditEvent).order_by(AuditEvent.at)).scalars().all()
    assert [event.action for event in found] == ["sign_in.failed", "sign_in.failed"]
    assert {event.subject_id for event in found} == {"unknown", str(cast.ana)}


def test_guesses_are_throttled_whatever_the_client_claims_to_be(ana):
    """attack 17"""
    statuses = [
        enter(
            ana,
            f"guess{number}@example.org",
            "x",
            headers={"X-Forwarded-For": f"203.0.113.{number}", "X-Real-IP": f"203.0.113.{number}"},
            **from_address(30),
        ).status
        for number in range(12)
    ]
    assert statuses[:10] == [400] * 10
    assert statuses[10:] == [429] * 2


def test_one_person_is_not_guessed_at_more_than_five_times_a_minute(ana):
    statuses = [enter(ana, password=f"guess {number}", **from_address(31)).status for number in range(6)]
    assert statuses == [400] * 5 + [429]


def test_signing_in_often_is_not_throttled(ana, page):
    for _ in range(12):
        assert enter(page.nobody(), **from_address(32)).status == 303


@pytest.mark.parametrize(
    "target",
    [
        *("//evil", "///evil", "/\\evil", "https:evil", "\thttps://evil", "https://host@evil", "evil", ""),
        *("/\r\nSet-Cookie: a=b", "/a\nb", "/ /evil", "/\x00", "/" + "a" * 3000),
    ],
)
def test_next_stays_on_the_site(target):
    """attack 18"""
    assert local_path(target) is None


def test_next_leads_back_to_where_one_was(ana):
    location = ana.get("/account?x=1").location
    assert location == "/sign-in?next=/account%3Fx%3D1"
    assert enter(ana, url=location).location == "/account?x=1"


def test_a_next_elsewhere_is_forgotten(ana):
    """attack 18"""
    assert enter(ana, url="/sign-in?next=//evil.example").location in {"/", "/schedules", "/account"}


@pytest.mark.parametrize("garbage", ["", "x", "a" * 43, "é" * 43, "a" * 10_000])
def test_a_made_up_cookie_is_nobody(page, garbage):
    visitor = page.nobody()
    visitor.http.set_cookie("duepost", garbage, domain="localhost")
    assert visitor.get("/account").status == 303


@pytest.mark.parametrize(
    "email", ["a\x00b@example.org", "\u202eana@example.org", "x" * 5000, "'; drop table users; --"]
)
def test_hostile_addresses_are_refused_in_words(ana, email):
    """attack 25"""
    answer = enter(ana, email, **from_address(33))
    assert answer.status == 400


def test_https_makes_the_cookie_secure(make_app):
    from tests.support.pages_client import PageClient

    app = make_app(PUBLIC_URL="https://localhost")
    with app.app_context():
        visitor = PageClient(app)
        with write_session() as session:
            from portal.models import Organization, Role
            from tests.support.cast import LONG_AGO

            organization = Organization(name="L", slug="l", timezone="UTC", settings={}, created_at=LONG_AGO)
            session.add(organization)
            session.flush()
            session.add(
                User(
                    organization_id=organization.id,
                    email="s@example.org",
                    name="S",
                    role=Role.ADMIN,
                    active=True,
                    created_at=LONG_AGO,
                    password_hash=passwords.hash_of(PASSWORD),
                )
            )
        secure = {"base_url": "https://localhost", "headers": {"Referer": "https://localhost/sign-in"}}
        form = visitor.get("/sign-in", base_url="https://localhost")
        token = form.find("//input[@name='csrf_token']")[0].get("value")
        answer = visitor.open(
            "POST", "/sign-in", data={"email": "s@example.org", "password": PASSWORD, "csrf_token": token}, **secure
        )
        line = next(each for each in answer.headers.getlist("Set-Cookie") if each.startswith("__Host-duepost="))
        assert "Secure" in line
        assert "Strict-Transport-Security" in answer.headers


def test_a_session_that_is_over_is_not_counted_again(ana, page, cast, moved_clock):
    enter(ana)
    moved_clock.forward(hours=13)
    from portal import audit
    from portal.people.sign_in import sign_out_everywhere

    assert sign_out_everywhere(cast.lakeside, cast.ana, now=moved_clock.now() + timedelta(1), actor=audit.operator) == 0
