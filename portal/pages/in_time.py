"""Every page answers a person within three seconds, whatever is away: the waits of one request have one end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
            parts: Iterable[bytes] = answer(environ, start_response)
        by_the_server = isinstance(parts, environ.get("wsgi.file_wrapper", ()))  # it sends the file without us
        return parts if by_the_server else _each_in_time(parts)

    app.wsgi_app = in_time  # type: ignore[method-assign]


def _each_in_time(parts: Iterable[bytes]) -> Iterator[bytes]:
    """A list that is sent while it is read waits anew for each part."""
    iterator = iter(parts)
    try:
        while True:
            with deadline.within(WAITING_SECONDS):
                part = next(iterator, None)
            if part is None:
                return
            yield part
    finally:
        if (close := getattr(parts, "close", None)) is not None:
            close()
