"""Every page answers a person within three seconds, whatever is away: the waits of one request have one end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask

from portal import deadline

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

WAITING_SECONDS = 2
"""For all waits of a request together; the rest of the three seconds is for its own work."""


def join(app: Flask) -> None:
    answer = app.wsgi_app

    def in_time(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with deadline.within(WAITING_SECONDS):
            return answer(environ, start_response)

    app.wsgi_app = in_time  # type: ignore[method-assign]
