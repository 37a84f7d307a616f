"""Every address of the product, walked by a stranger, by someone without the right, and by nobody."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from werkzeug.routing import Rule

from portal.extensions import db
from portal.models import Base, Role, User, write_session
from portal.pages.access import PUBLIC, rule_of
from portal.people.rights import RIGHTS, Right
from tests.pages.rows import MAKERS

# Arguments that are no row of an organization: any value will do.
PLAIN_VALUES = {"number": "1", "slot": "1", "mail_id": "0000000000000-00000000"}


@pytest.fixture
def app_settings(tmp_path):
    (tmp_path / "outbox").mkdir()
    return {"DUEPOST_OUTBOX_FOLDER": str(tmp_path / "outbox")}


def rules(app) -> Iterator[tuple[Rule, object]]:
    for rule in app.url_map.iter_rules():
        yield rule, rule_of(app, rule.endpoint)


def methods_of(rule: Rule) -> list[str]:
    return sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})


def address(rule: Rule, values: dict[str, object]) -> str:
    """The rule with its arguments filled in."""
    adapter_values = {}
    for name in rule.arguments:
        if name not in values:
            pytest.fail(
                f"{rule} has the new argument {name}: name its row maker in tests/pages/rows.py (MAKERS), "
                "or, if it is no row of an organization, a value in PLAIN_VALUES here"
            )
        adapter_values[name] = values[name]
    built = rule.build(adapter_values)
    assert built is not None
    return built[1]


def everything(app) -> dict[str, int]:
    """Rows of every table but sign-ins and counters of reading: to see that nothing was changed."""
    quiet = {"sign_in_sessions"}
    return {
        table.name: db.session.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
        for table in Base.metadata.sorted_tables
        if table.name not in quiet
    }


def test_every_view_says_who_may_open_it(app):
    """E2"""
    silent = [str(rule) for rule, access in rules(app) if access is None]
    assert not silent, f"decorate these with @requires(Right…), @signed_in or @public: {silent}"


def test_a_stranger_gets_the_same_404_as_for_a_row_that_does_not_exist(app, page, cast):
    """E1, attack 6"""
    theirs = {**PLAIN_VALUES, **{name: make(cast) for name, make in MAKERS.items()}}
    nowhere = {**PLAIN_VALUES, **{name: uuid.uuid4() for name in MAKERS}}
    before = everything(app)
    walked = 0
    for rule, access in rules(app):
        if access == PUBLIC or not (rule.arguments & set(MAKERS)):
            continue
        for method in methods_of(rule):
            send = page.stella.get if method == "GET" else page.stella.post
            at_theirs, at_none = send(address(rule, theirs)), send(address(rule, nowhere))
            assert (at_theirs.status, method, str(rule)) == (404, method, str(rule))
            assert at_theirs.data == at_none.data
            walked += 1
    assert walked
    db.session.rollback()
    assert everything(app) == before


def test_nobody_is_sent_to_sign_in(app, page, cast):
    """E3, attack 14"""
    values = {**PLAIN_VALUES, **{name: make(cast) for name, make in MAKERS.items()}}
    visitor = page.nobody()
    for rule, access in rules(app):
        if access == PUBLIC:
            continue
        for method in methods_of(rule):
            send = visitor.get if method == "GET" else visitor.post
            answer = send(address(rule, values))
            assert (answer.status, method, str(rule)) == (303, method, str(rule))
            assert answer.location.startswith("/sign-in")


@pytest.mark.parametrize("role", list(Role))
def test_a_role_opens_only_what_the_table_of_rights_gives_it(app, page, cast, role):
    """E2, attack 7"""
    with write_session() as session:
        session.get_one(User, cast.otto).role = role
    values = {**PLAIN_VALUES, **{name: make(cast) for name, make in MAKERS.items()}}
    for rule, access in rules(app):
        if not isinstance(access, Right) or access in RIGHTS[role]:
            continue
        for method in methods_of(rule):
            send = page.otto.get if method == "GET" else page.otto.post
            assert (send(address(rule, values)).status, method, str(rule)) == (403, method, str(rule))


def test_a_post_without_its_token_changes_nothing(app, page, cast):
    """attack 15"""
    values = {**PLAIN_VALUES, **{name: make(cast) for name, make in MAKERS.items()}}
    page.ana.get("/account")
    before = everything(app)
    for rule, access in rules(app):
        if access == PUBLIC or "POST" not in (rule.methods or set()):
            continue
        without = page.ana.open("POST", address(rule, values))
        strangers = page.ana.open("POST", address(rule, values), data={"csrf_token": page.stella.csrf_token()})
        assert (without.status, strangers.status, str(rule)) == (400, 400, str(rule))
    db.session.rollback()
    assert everything(app) == before
