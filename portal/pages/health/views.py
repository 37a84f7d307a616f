"""/healthz says that the process is up; /readyz whether it can do its work; /metrics gives the figures.

The first two are open and name no secret. /metrics takes a token, or answers this machine alone.
"""

from __future__ import annotations

import hmac
from ipaddress import ip_address

from flask import Blueprint, Flask, Response, current_app, jsonify, request

from portal import clock, health
from portal.config import settings
from portal.health import require_current_schema
from portal.moments import instant_text
from portal.pages.access import STATIC_ENDPOINTS, public
from portal.watchdog import Alarm, alarms_of, look, metrics

bp = Blueprint("health", __name__)
BASIC = frozenset({"database", "schema"})
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Via")
SEEN_CURRENT = "duepost_schema_seen_current"


@bp.get("/healthz")
@public
def alive() -> Response:
    return jsonify(status="up")


@bp.get("/readyz")
@public
def ready() -> tuple[Response, int]:
    checks = health.readiness(clock.now)
    # what the database cannot be asked in this version is left out: its check says why
    alarms = alarms_of(look(clock.now)) if all(check.ok for check in checks if check.name in BASIC) else []
    ok = all(check.ok for check in checks) and not alarms
    answer = {
        "status": "ready" if ok else "not ready",
        "checks": {check.name: {"ok": check.ok, "words": check.words} for check in checks},
        "alarms": [_alarm(alarm) for alarm in alarms],
    }
    return jsonify(answer), 200 if ok else 503


def _alarm(alarm: Alarm) -> dict[str, str | None]:
    since = instant_text(alarm.since) if alarm.since else None
    return {"name": alarm.name, "words": alarm.words, "since": since, "what_to_do": alarm.what_to_do}


@bp.get("/metrics")
@public
def figures() -> Response:
    if refused := _refusal():
        return Response(f"{refused}\n", 403, content_type="text/plain; charset=utf-8")
    return Response(metrics.exposition(look(clock.now)), content_type=metrics.CONTENT_TYPE)


def _refusal() -> str | None:
    """Why this request gets no figures; None: it may have them."""
    if token := settings().metrics_token:
        given = request.headers.get("Authorization", "")
        if hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            return None
        return "Send the token of DUEPOST_METRICS_TOKEN: Authorization: Bearer …"
    # a proxy on this machine asks from this machine too, but for somebody else
    forwarded = any(name in request.headers for name in FORWARDED)
    if not forwarded and _is_loopback(request.remote_addr or ""):
        return None
    return "Set DUEPOST_METRICS_TOKEN to read the figures from another machine."


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


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
