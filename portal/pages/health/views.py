"""/healthz says that the process is up; /readyz whether it can do its work. Both are open and name no secret."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, current_app, jsonify, request

from portal import clock, health
from portal.health import require_current_schema
from portal.pages.access import STATIC_ENDPOINTS, public

bp = Blueprint("health", __name__)
SEEN_CURRENT = "duepost_schema_seen_current"


@bp.get("/healthz")
@public
def alive() -> Response:
    return jsonify(status="up")


@bp.get("/readyz")
@public
def ready() -> tuple[Response, int]:
    checks = health.readiness(clock.now)
    ok = all(check.ok for check in checks)
    answer = {
        "status": "ready" if ok else "not ready",
        "checks": {check.name: {"ok": check.ok, "words": check.words} for check in checks},
    }
    return jsonify(answer), 200 if ok else 503


def join(app: Flask) -> None:
    app.before_request(_refuse_other_schema)


def _refuse_other_schema() -> None:
    """Asked until the answer was yes once: a running program's database is not taken back under it."""
    if request.blueprint == bp.name or request.endpoint in STATIC_ENDPOINTS:
        return
    if current_app.extensions.get(SEEN_CURRENT):
        return
    require_current_schema()
    current_app.extensions[SEEN_CURRENT] = True
