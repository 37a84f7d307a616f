"""What every answer tells the browser: nothing inline, nothing from elsewhere, nothing framed, nothing kept."""

from __future__ import annotations

from flask import Flask, Response, request

from portal.config import settings
from portal.pages.access import STATIC_ENDPOINTS

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}
A_YEAR = 365 * 24 * 3600


def policy(**changes: str) -> str:
    """The Content-Security-Policy with some directives put differently: policy(frame_src="'self'")."""
    directives = POLICY | {name.replace("_", "-"): value for name, value in changes.items()}
    return "; ".join(f"{name} {value}".strip() for name, value in directives.items())


def join(app: Flask) -> None:
    app.after_request(_add_headers)


def _add_headers(response: Response) -> Response:
    """A view that must differ sets its own header first, and it stays."""
    headers = response.headers
    headers.setdefault("Content-Security-Policy", policy())
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("X-Frame-Options", "DENY")
    # same-origin: links hold tokens, which no other site may learn; Flask-WTF needs the referrer within the site
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
    if settings().cookies_need_https:
        headers.setdefault("Strict-Transport-Security", f"max-age={A_YEAR}")
    if request.endpoint in STATIC_ENDPOINTS and response.status_code == 200:
        versioned = "v" in request.args
        headers["Cache-Control"] = f"public, max-age={A_YEAR}, immutable" if versioned else "no-cache"
    elif "Cache-Control" not in headers:
        headers["Cache-Control"] = "no-store"
    return response
