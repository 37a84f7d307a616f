"""An id for each request, on every log line of it and in the answer's X-Request-Id; one line a request.

The line names the route, not the address: paths and queries may hold tokens.
"""

from __future__ import annotations

import secrets
import time
from typing import Any

import structlog
from flask import Flask, Response, g, request, request_started

from portal.pages.access import loaded_user
from portal.plumbing.logs import log

logger = log(__name__)


def join(app: Flask) -> None:
    # The signal comes before every before_request, so that refusals by CSRF and rate limit have their id too.
    request_started.connect(_begin, app)
    app.after_request(_end)


def request_id() -> str:
    """Ours; what a client sends under that name is not taken over."""
    if "request_id" not in g:
        g.request_id = secrets.token_hex(8)
    made: str = g.request_id
    return made


def _begin(_app: Flask, **_: Any) -> None:
    g.pop("request_id", None)
    g.request_began = time.monotonic()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id())


def _end(response: Response) -> Response:
    response.headers["X-Request-Id"] = request_id()
    user = loaded_user()
    logger.info(
        "request",
        method=request.method,
        route=str(request.url_rule) if request.url_rule else None,
        status=response.status_code,
        milliseconds=round((time.monotonic() - g.get("request_began", time.monotonic())) * 1000, 1),
        address=request.remote_addr,
        user_id=str(user.id) if user else None,
        organization_id=str(user.organization_id) if user else None,
    )
    return response
