"""Who may open what. Every view says so: `@requires(Right.X)`, `@signed_in` or `@public`; else it is refused.

    @bp.get("/schedules/<uuid:schedule_id>")
    @requires(Right.SEE_SCHEDULES)
    def show(schedule_id): schedule = own(Schedule, schedule_id)

A page loads a row through `own()` alone, and a list by a query that begins with `current_user.organization_id`.
"""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import Flask, Request, Response, abort, current_app, g, redirect, request, url_for
from flask_login import AnonymousUserMixin, UserMixin
from flask_login import current_user as _flask_logins_user
from werkzeug.wrappers import Response as AnyResponse

from portal import audit, clock, zones
from portal.cases.kept_from import Person
from portal.config import settings
from portal.extensions import db, login
from portal.models import Role, User
from portal.models.base import Tenant
from portal.people.rights import Right, may
from portal.people.sign_in import SignedIn, user_of_token
from portal.plumbing.logs import log
from portal.runs.viewer import Viewer

View = TypeVar("View", bound=Callable[..., Any])
Row = TypeVar("Row", bound=Tenant)
RULE = "duepost_access"
PUBLIC = "public"
SIGNED_IN = "signed in"
STATIC_ENDPOINTS = frozenset({"static", "bootstrap.static"})
logger = log(__name__)


@dataclass(frozen=True, eq=False)
class CurrentUser(UserMixin):  # type: ignore[misc]  # Flask-Login ships no types
    """The signed-in person, as pages see them."""

    id: uuid.UUID
    email: str
    name: str
    role: Role
    timezone: str | None
    organization_id: uuid.UUID
    organization_name: str
    organization_timezone: str
    session_id: uuid.UUID

    @functools.cached_property
    def zone(self) -> ZoneInfo:
        """The zone of lists and dashboards: one's own, or else the organization's."""
        return zones.zone(self.timezone or self.organization_timezone)

    def may(self, right: Right) -> bool:
        return may(self, right)


current_user = cast("CurrentUser", _flask_logins_user)


def public(view: View) -> View:
    """Anyone may open this, signed in or not."""
    setattr(view, RULE, PUBLIC)
    return view


def signed_in(view: View) -> View:
    """Anyone who is signed in may open this: it concerns their own account."""
    setattr(view, RULE, SIGNED_IN)
    return view


def requires(right: Right) -> Callable[[View], View]:
    """Only people with this right may open the view."""

    def mark(view: View) -> View:
        setattr(view, RULE, right)
        return view

    return mark


def rule_of(app: Flask, endpoint: str) -> Right | str | None:
    """What the endpoint's view says about itself: a right, PUBLIC, SIGNED_IN, or None where it says nothing."""
    if endpoint in STATIC_ENDPOINTS:
        return PUBLIC
    rule: Right | str | None = getattr(app.view_functions[endpoint], RULE, None)
    return rule


def own(model: type[Row], row_id: uuid.UUID) -> Row:
    """The row of the signed-in person's organization; 404 for any other, as for one that does not exist."""
    row = db.session.execute(
        sa.select(model).where(model.organization_id == current_user.organization_id, model.id == row_id)
    ).scalar_one_or_none()
    if row is None:
        abort(404)
    return row


def current_viewer() -> Viewer:
    """The signed-in person as pages of runs have to know them."""
    return Viewer(current_user.organization_id, current_person(), current_user.may(Right.MANAGE_CONFLICTS))


def current_person() -> Person:
    """The signed-in person, whom previews, counts and reports keep from what they are kept from."""
    return Person(current_user.email, current_user.id, current_user.name)


def current_actor() -> audit.Actor:
    """The signed-in person as the audit log names them."""
    return audit.user_actor(current_user.id, current_user.email)


def loaded_user() -> CurrentUser | None:
    """The signed-in person if this request has already looked; asks no database."""
    user = g.get("_login_user")
    return user if isinstance(user, CurrentUser) else None


def nobody_if_unknown() -> None:
    """Who signed in is not looked up any more in this request: an error page must not fail over what it is about."""
    g.setdefault("_login_user", AnonymousUserMixin())


def cookie_name() -> str:
    """With https the browser itself keeps the cookie to this host and to https."""
    return "__Host-duepost" if settings().cookies_need_https else "duepost"


def set_sign_in_cookie(response: AnyResponse, token: str) -> None:
    response.set_cookie(
        cookie_name(),
        token,
        max_age=settings().session_hours * 3600,
        secure=settings().cookies_need_https,
        httponly=True,
        samesite="Lax",
        path="/",
    )


def drop_sign_in_cookie(response: AnyResponse) -> None:
    response.delete_cookie(cookie_name(), secure=settings().cookies_need_https, httponly=True, samesite="Lax", path="/")


def local_path(target: str | None) -> str | None:
    """`target` if it is a path on this site, else None: never another host, scheme, or a second header line."""
    if not target or len(target) > 2000 or not target.startswith("/") or target.startswith("//"):
        return None
    if "\\" in target or not target.isprintable() or any(ch.isspace() for ch in target):
        return None
    parts = urlsplit(target)
    return None if parts.scheme or parts.netloc else target


def home_path() -> str:
    """Where a person lands: the first page of the product that is there."""
    for endpoint in ("today.show", "schedules.list", "account.show"):
        if endpoint in current_app.view_functions:
            return url_for(endpoint)
    return "/"


def join(app: Flask) -> None:
    """Look at every request before its view."""
    login.session_protection = None  # the session is a database row; the cookie carries nothing to protect
    login.request_loader(_user_of_request)
    app.before_request(_check_access)


def _user_of_request(asked: Request) -> CurrentUser | None:
    token = asked.cookies.get(cookie_name(), "")
    found = user_of_token(token, clock.now()) if token else None
    return _current_user(found) if found else None


def _current_user(found: SignedIn) -> CurrentUser:
    user: User = found.user
    return CurrentUser(
        id=user.id,
        email=user.email,
        name=user.name,
        role=user.role,
        timezone=user.timezone,
        organization_id=user.organization_id,
        organization_name=found.organization.name,
        organization_timezone=found.organization.timezone,
        session_id=found.session_id,
    )


def _check_access() -> Response | AnyResponse | None:
    if request.endpoint is None or request.routing_exception is not None:
        return None  # Flask answers 404 or 405 next
    rule = rule_of(current_app, request.endpoint)
    if rule is None:
        logger.error("a page says nothing about who may open it", endpoint=request.endpoint)
        abort(403)
    if rule == PUBLIC:
        return None
    if not current_user.is_authenticated:
        return _to_sign_in()
    if isinstance(rule, Right) and not current_user.may(rule):
        abort(403)
    return None


def _to_sign_in() -> AnyResponse:
    if request.accept_mimetypes.best == "application/json":
        abort(401)
    next_path = local_path(request.full_path.rstrip("?")) if request.method == "GET" else None
    suffix = f"?next={quote(next_path)}" if next_path and next_path != "/" else ""
    return redirect(url_for("sign_in.show") + suffix, 303)
