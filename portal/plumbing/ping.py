"""A sign of life to somebody outside: only from there can the death of this machine be told."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any

from portal.config import VERSION, settings
from portal.plumbing.logs import log

SECONDS = 5.0
logger = log(__name__)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A ping goes where the setting says, and nowhere else."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirect)


def tell_outside() -> None:
    """A tick has done its work: GET the address that the settings name, if any, and forget the answer.

    What goes wrong is logged, without the address, which is a secret.

    Returns after five seconds at the latest: the time-out of a socket bounds neither a slow name server nor an answer
    that comes a byte at a time, so that a thread of its own is left behind where it must be.
    """
    url = settings().ping_url
    if not url:
        return
    thread = threading.Thread(target=_get, args=(url,), name="ping", daemon=True)
    thread.start()
    thread.join(SECONDS)
    if thread.is_alive():
        logger.warning("the sign of life was not answered in time", seconds=SECONDS)


def _get(url: str) -> None:
    request = urllib.request.Request(url, headers={"User-Agent": f"Duepost/{VERSION}"})  # noqa: S310  # checked at start
    try:
        with _opener.open(request, timeout=SECONDS):
            pass
    except (OSError, HTTPException, ValueError) as error:
        code = error.code if isinstance(error, urllib.error.HTTPError) else None
        logger.warning("the sign of life was not taken", error=type(error).__name__, code=code)
