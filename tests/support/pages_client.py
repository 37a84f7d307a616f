"""Fixture `page`: browsers without a screen, one per person, that check every page they fetch.

    def test_the_list_shows_the_schedule(page):
        answer = page.ana.get("/schedules")                     # follows no redirect
        assert "Open cases" in answer.text
        saved = page.ana.post("/schedules/new", {"name": "…"})   # with the CSRF token of Ana's session
        assert saved.location == "/schedules"
        again = page.ana.submit(answer, {"name": "…"}, action="/people/invite")   # fills in a form of the page

`page.ana`, `page.otto` (Lakeside Health), `page.stella` (Strangers Ltd) are signed in by a real session row;
`page.nobody()` is a new visitor, `page.of(user_id)` anyone else. Every HTML answer must be valid HTML5 with one h1, a
title, unique ids, labelled controls, CSRF tokens in forms that post, nothing inline, at most 20 SQL statements.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import html5lib
import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import etree
from sqlalchemy import event
from werkzeug.datastructures import Headers

from portal import clock
from portal.extensions import db
from portal.models import SignInSession, User, write_session
from portal.people import tokens
from tests.support.cast import Cast

__all__ = ["page"]

MOST_STATEMENTS = 20
COOKIE = "duepost"
Values = Mapping[str, str | Sequence[str]]


@dataclass
class Answer:
    """What came back. `document` is the parsed page of an HTML answer."""

    status: int
    headers: Headers
    data: bytes
    url: str
    statements: list[str] = field(repr=False)
    document: Any = None

    @property
    def text(self) -> str:
        return self.data.decode("utf-8", "replace")

    @property
    def location(self) -> str:
        return self.headers.get("Location", "")

    @property
    def words(self) -> str:
        """All text of the page, white space folded."""
        return " ".join(" ".join(self.document.itertext()).split())

    @property
    def h1(self) -> str:
        return " ".join("".join(self.document.find(".//h1").itertext()).split())

    def find(self, xpath: str) -> list[Any]:
        found: list[Any] = self.document.xpath(xpath)
        return found


class PageClient:
    """One person's browser."""

    def __init__(self, app: Flask, session_token: str | None = None) -> None:
        self.app = app
        self.http: FlaskClient = app.test_client()
        self._csrf: str | None = None
        if session_token is not None:
            self.http.set_cookie(COOKIE, session_token, domain="localhost")

    def get(self, url: str, **more: Any) -> Answer:
        return self.open("GET", url, **more)

    def post(self, url: str, data: Values | None = None, **more: Any) -> Answer:
        return self.open("POST", url, data={**(data or {}), "csrf_token": self.csrf_token()}, **more)

    def submit(self, answer: Answer, values: Values | None = None, *, action: str | None = None) -> Answer:
        """Send a form of the page: the one that posts to `action`, or the only one in <main>, its own values kept."""
        forms = [form for form in answer.find("//main//form") if action in (None, form.get("action") or answer.url)]
        assert len(forms) == 1, f"{len(forms)} forms fit; name one by action: {[f.get('action') for f in forms]}"
        form = forms[0]
        data = {**values_of(form), **(values or {})}
        return self.open(form.get("method", "get").upper(), form.get("action") or answer.url, data=data)

    def csrf_token(self) -> str:
        if self._csrf is None:
            inputs: list[Any] = []
            for path in ("/account", "/sign-in"):
                answer = self.open("GET", path)
                if answer.status == 200:
                    inputs = answer.find("//input[@name='csrf_token']")
                    break
            self._csrf = str(inputs[0].get("value"))
        return self._csrf

    def open(self, method: str, url: str, **more: Any) -> Answer:
        with counted_statements() as statements:
            response = self.http.open(url, method=method, **more)
        answer = Answer(response.status_code, response.headers, response.data, urlsplit(url).path, statements)
        check(answer)
        return answer


class Pages:
    """Everyone's browsers, made when first asked for."""

    def __init__(self, app: Flask, cast: Cast) -> None:
        self.app, self.cast = app, cast
        self._made: dict[uuid.UUID, PageClient] = {}

    @property
    def ana(self) -> PageClient:
        return self.of(self.cast.ana)

    @property
    def otto(self) -> PageClient:
        return self.of(self.cast.otto)

    @property
    def stella(self) -> PageClient:
        return self.of(self.cast.stella)

    def of(self, user_id: uuid.UUID) -> PageClient:
        if user_id not in self._made:
            self._made[user_id] = PageClient(self.app, session_for(user_id))
        return self._made[user_id]

    def nobody(self) -> PageClient:
        return PageClient(self.app)


@pytest.fixture
def page(app: Flask, cast: Cast) -> Pages:
    return Pages(app, cast)


def session_for(user_id: uuid.UUID) -> str:
    """The token of a new sign-in session of that person."""
    token, now = tokens.new_token(), clock.now()
    with write_session() as session:
        user = session.get_one(User, user_id)
        session.add(
            SignInSession(
                organization_id=user.organization_id,
                user_id=user.id,
                token_hash=tokens.hash_of(token),
                created_at=now,
                expires_at=now + timedelta(days=365),
            )
        )
    return token


@contextmanager
def counted_statements() -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            seen.append(statement)

    engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def check(answer: Answer) -> None:
    """What holds for every answer; parses the page into `answer.document`."""
    assert answer.status < 500 or answer.status == 503, f"{answer.url} answered {answer.status}"
    policy = answer.headers.get("Content-Security-Policy", "")
    assert "default-src 'none'" in policy
    assert answer.headers.get("X-Request-Id")
    if not answer.headers.get("Content-Type", "").startswith("text/html") or policy.startswith("sandbox"):
        return
    if 300 <= answer.status < 400:
        return
    answer.document = parsed(answer)
    problems = list(problems_of(answer.document))
    assert not problems, f"{answer.url}: " + "; ".join(problems)
    count = len(answer.statements)
    assert count <= MOST_STATEMENTS, f"{answer.url} asked {count} times:\n" + "\n".join(answer.statements)


def parsed(answer: Answer) -> Any:
    parser = html5lib.HTMLParser(tree=html5lib.getTreeBuilder("lxml"), strict=False, namespaceHTMLElements=False)
    tree = parser.parse(answer.text)
    errors = [(position, code) for position, code, _ in parser.errors]
    assert not errors, f"{answer.url} is not valid HTML: {errors[:5]}"
    return tree.getroot()


def problems_of(root: Any) -> Iterator[str]:
    if len(root.findall(".//h1")) != 1:
        yield f"{len(root.findall('.//h1'))} h1"
    if not (root.findtext(".//title") or "").removesuffix("· Duepost").strip():
        yield "no title"
    ids = [element.get("id") for element in root.iter(etree.Element) if element.get("id")]
    yield from (f"id {each} twice" for each in {each for each in ids if ids.count(each) > 1})
    for element in root.iter(etree.Element):
        yield from _inline(element)
        for name in ("aria-labelledby", "aria-describedby", "for"):
            yield from (f"{name} names no id: {each}" for each in element.get(name, "").split() if each not in ids)
    labelled = {label.get("for") for label in root.iter("label")}
    for control in root.iter("input", "select", "textarea"):
        if not _labelled(control, labelled):
            yield f"no label: {control.get('name')}"
    for button in root.iter("button"):
        if not "".join(button.itertext()).strip() and not button.get("aria-label"):
            yield "a button without words"
    for form in root.iter("form"):
        if form.get("action", "").startswith("/d/"):
            continue  # a recipient has no session to protect; the address itself is the secret
        if form.get("method", "").lower() == "post" and not form.xpath(".//input[@name='csrf_token']"):
            yield f"a form without CSRF token: {form.get('action')}"


def _inline(element: Any) -> Iterator[str]:
    if element.tag == "style" or (element.tag == "script" and not element.get("src")):
        yield f"inline {element.tag}"
    for name in element.attrib:
        if name == "style" or name.startswith("on"):
            yield f"attribute {name} on {element.tag}"


def _labelled(control: Any, labelled: set[str | None]) -> bool:
    if control.get("type") in {"hidden", "submit"} or control.get("aria-label") or control.get("aria-labelledby"):
        return True
    return control.get("id") in labelled or any(parent.tag == "label" for parent in control.iterancestors())


def values_of(form: Any) -> dict[str, Any]:
    """What a browser would send for the form as it stands."""
    values: dict[str, Any] = {}
    for control in form.iter("input", "select", "textarea"):
        name = control.get("name")
        if not name or control.get("disabled") is not None:
            continue
        for value in _values_of_control(control):
            values.setdefault(name, []).append(value)
    return values


def _values_of_control(control: Any) -> list[str]:
    if control.tag == "textarea":
        return ["".join(control.itertext()).removeprefix("\n")]
    if control.tag == "select":
        options = list(control.iter("option"))
        chosen = [option for option in options if option.get("selected") is not None]
        if not chosen and control.get("multiple") is None:
            chosen = options[:1]
        return [option.get("value", "".join(option.itertext())) for option in chosen]
    kind = control.get("type", "text")
    if kind in {"submit", "button", "file"} or (kind in {"checkbox", "radio"} and control.get("checked") is None):
        return []
    return [control.get("value", "on" if kind == "checkbox" else "")]
