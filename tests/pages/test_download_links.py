"""A recipient's own link, without an account (D7, attacks 1 to 4, 54)."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import sqlalchemy as sa
from itsdangerous import URLSafeSerializer

from portal.config import settings
from portal.delivery.links import link_token
from portal.extensions import db
from portal.models import Artifact, AuditEvent, Destination, DownloadLink, LinkUse, Role, RunState, User, write_session
from tests.support.runs import CONTENT, MONDAY, Made, make_run_row, stored_path, targets
from tests.support.schedules import make_schedule

PRIYA, OTTO = "priya@example.org", "otto@example.org"


@pytest.fixture
def made(cast, moved_clock) -> Made:
    moved_clock.set(MONDAY + timedelta(minutes=1))
    schedule = make_schedule(cast.lakeside, cast.otto, recipients=[PRIYA, OTTO], name="Open cases")
    return make_run_row(cast.lakeside, schedule, RunState.SUCCEEDED, to=targets(PRIYA, OTTO), link={})


@pytest.fixture
def address(made) -> str:
    return f"/d/{link_token(made.links[PRIYA])}"


@pytest.fixture
def recipient(page):
    return page.nobody()


def set_link(made: Made, target: str = PRIYA, **values: object) -> None:
    with write_session() as session:
        session.execute(sa.update(DownloadLink).where(DownloadLink.id == made.links[target]).values(values))


def used() -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(sa.select(LinkUse.outcome).order_by(LinkUse.at)))


def count_of(made: Made) -> int:
    db.session.rollback()
    return db.session.scalars(sa.select(DownloadLink.downloads).where(DownloadLink.id == made.links[PRIYA])).one()


def test_the_page_says_who_sends_what_until_when(recipient, address):
    """D7"""
    answer = recipient.get(address)
    assert answer.status == 200
    for fact in ("Lakeside Health", "Open cases", "Open-cases-2026-11-02.csv", "Mon 16 Nov 2026"):
        assert fact in answer.words
    assert PRIYA not in answer.text
    assert len(answer.find("//main//button")) == 1
    assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_button_gives_the_file_counted_and_logged(recipient, made, address):
    """D7"""
    answer = recipient.submit(recipient.get(address))
    assert answer.data == CONTENT
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert count_of(made) == 1
    use = db.session.scalars(sa.select(LinkUse)).one()
    assert (use.link_id, use.outcome, use.address) == (made.links[PRIYA], "GOOD", "127.0.0.1")
    event = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "link.downloaded")).one()
    assert (event.actor_kind, event.actor_name) == ("RECIPIENT", PRIYA)


def test_no_cookie_is_set(recipient, address):
    looked, taken = recipient.get(address), recipient.open("POST", address)
    assert "Set-Cookie" not in looked.headers
    assert "Set-Cookie" not in taken.headers


def test_a_mail_scanner_uses_nothing_up(recipient, made, address):
    """attack 4"""
    set_link(made, max_downloads=1)
    for _ in range(20):
        assert recipient.http.head(address).status_code == 200
        assert recipient.get(address).status == 200
    assert (count_of(made), used()) == (0, [])
    assert recipient.open("POST", address).data == CONTENT


def wrong_tokens(good: str) -> list[str]:
    middle = len(good) // 2
    other = "A" if good[middle] != "A" else "B"
    reset = URLSafeSerializer(settings().secret_key, salt="another purpose").dumps("0" * 32)
    return [
        good[:middle] + other + good[middle + 1 :],
        good[:-1],
        good[:-5],
        good + "x",
        "",
        "a" * 10_000,
        "../" * 5,
        "%00",
        "null",
        json.dumps({"token": good}),
        str(reset),
        str(URLSafeSerializer(settings().secret_key, salt="duepost download link").dumps({"id": 1})),
        str(URLSafeSerializer(settings().secret_key, salt="duepost download link").dumps("0" * 32)),
        "é" * 40,
    ]


def test_every_wrong_token_gets_the_same_404(recipient, made, address, caplog):
    """attacks 1, 3"""
    pages = set()
    for token in wrong_tokens(address.removeprefix("/d/")):
        for method in ("GET", "POST"):
            answer = recipient.open(method, f"/d/{token}")
            if token == "%00":
                assert answer.status == 400
                continue
            assert (answer.status, token) == (404, token)
            pages.add(answer.data)
    assert len(pages) == 1
    assert b"This link is not valid" in pages.pop()
    assert "a download link was not valid" in caplog.text
    assert address.removeprefix("/d/") not in caplog.text
    assert used() == []


@pytest.mark.parametrize(
    ("values", "title", "outcome"),
    [
        ({"expires_at": MONDAY}, "This link has expired", "EXPIRED"),
        ({"revoked_at": MONDAY}, "This link was withdrawn", "REVOKED"),
        ({"max_downloads": 2, "downloads": 2}, "This link is used up", "USED_UP"),
    ],
)
def test_a_link_that_is_no_longer_good_says_which(recipient, made, address, values, title, outcome):
    """attack 2"""
    set_link(made, **values)
    for method in ("GET", "POST"):
        answer = recipient.open(method, address)
        assert (answer.status, answer.h1) == (410, title)
        assert CONTENT[:10] not in answer.data
    assert used() == [outcome]


def test_a_recipient_who_was_removed_gets_nothing(recipient, made, address):
    """attack 2"""
    with write_session() as session:
        session.execute(sa.delete(Destination).where(Destination.target == PRIYA))
    for method in ("GET", "POST"):
        answer = recipient.open(method, address)
        assert (answer.status, answer.h1) == (410, "This link is no longer meant for you")
    assert used() == ["REMOVED"]
    assert recipient.open("POST", f"/d/{link_token(made.links[OTTO])}").data == CONTENT


def test_a_deleted_file_says_so(recipient, made, address):
    """attack 2"""
    with write_session() as session:
        session.get_one(Artifact, made.artifact).deleted_at = MONDAY
    answer = recipient.open("POST", address)
    assert (answer.status, answer.h1) == (410, "The file is no longer kept")


def test_a_changed_file_is_neither_served_nor_counted(recipient, made, address, caplog):
    """attack 54"""
    stored_path(made.artifact).write_bytes(CONTENT[:-1] + b"!")
    answer = recipient.open("POST", address)
    assert answer.status == 409
    assert (count_of(made), used()) == (0, [])
    assert "the stored file is not the one that was made" in caplog.text


def test_the_last_download_allowed_is_the_last(recipient, made, address):
    set_link(made, max_downloads=1)
    assert recipient.open("POST", address).data == CONTENT
    assert recipient.open("POST", address).status == 410
    assert (count_of(made), used()) == (1, ["GOOD", "USED_UP"])


# ---- sign in to download


def test_a_link_that_asks_for_sign_in_leads_there_and_back(recipient, made, address):
    """D7"""
    set_link(made, sign_in_required=True)
    answer = recipient.get(address)
    assert answer.h1 == "Sign in to download"
    assert answer.find("//main//a")[0].get("href").startswith("/sign-in?next=/d/")
    assert recipient.open("POST", address).data != CONTENT
    assert count_of(made) == 0


def test_only_the_very_person_gets_it(page, made):
    """D7"""
    set_link(made, OTTO, sign_in_required=True)
    address = f"/d/{link_token(made.links[OTTO])}"
    for other in (page.ana, page.stella):
        assert other.get(address).status == 403
        assert other.open("POST", address).status == 403
    assert page.otto.get(address).status == 200
    assert page.otto.open("POST", address).data == CONTENT


def test_someone_deactivated_is_nobody(page, cast, made):
    set_link(made, OTTO, sign_in_required=True)
    with write_session() as session:
        session.get_one(User, cast.otto).active = False
    assert page.otto.open("POST", f"/d/{link_token(made.links[OTTO])}").data != CONTENT


def test_a_viewer_needs_no_further_right_for_the_own_link(page, cast, made):
    set_link(made, OTTO, sign_in_required=True)
    with write_session() as session:
        session.get_one(User, cast.otto).role = Role.AUDITOR
    assert page.otto.open("POST", f"/d/{link_token(made.links[OTTO])}").data == CONTENT


def test_guessing_is_slowed_down(recipient, address):
    statuses = [recipient.open("POST", f"/d/guess{number}").status for number in range(40)]
    assert statuses[0] == 404
    assert statuses[-1] == 429
