"""Error pages: what happened and what to do, in plain words. The stack trace goes to the log, under the request id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Flask, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError, OperationalError
from werkzeug.exceptions import HTTPException, InternalServerError

from portal.health import SchemaError
from portal.pages.request_log import request_id
from portal.plumbing.logs import log

Answer = tuple[str, int]
logger = log(__name__)


@dataclass(frozen=True)
class Words:
    title: str
    advice: str


WORDS = {
    400: Words("This request cannot be understood", "Go back and try again from the page you came from."),
    401: Words("You are signed out", "Sign in again, then repeat what you did."),
    403: Words("You may not do this", "Your role does not include it. An admin of your organization can change that."),
    404: Words("There is no such page", "It may have been removed, or the address is not complete."),
    405: Words("This page cannot be opened that way", "Go back and use the button on the page."),
    410: Words("This is no longer available", "Ask whoever sent you the link for a new one."),
    413: Words(
        "That is too much at once", "What was sent is larger than this page takes. Send less, or a smaller file."
    ),
    429: Words("Too many attempts", "Wait a few minutes, then try again."),
    500: Words(
        "Something went wrong here", "It is not your doing, and it has been written down. Try again in a moment."
    ),
    503: Words("Not available at the moment", "Try again in a minute."),
}
FORM_TOO_OLD = Words(
    "This page was open for too long",
    "Nothing was changed. Go back and try again: what you typed should still be there. "
    "If this page comes back, copy what is long, reload the form, and send it once more.",
)
CANNOT_SAVE = Words(
    "This cannot be saved or read now",
    "The database does not answer. Nothing was half saved. Try again in a minute.",
)


def join(app: Flask) -> None:
    app.register_error_handler(CSRFError, lambda _: page(400, FORM_TOO_OLD))
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(InternalServerError, _internal_error)
    app.register_error_handler(OperationalError, _database_error)
    app.register_error_handler(SchemaError, lambda error: page(503, Words("Duepost is being updated", str(error))))
    # Flask's own line would hold the path, and so perhaps a link's token.
    app.log_exception = _log_exception  # type: ignore[method-assign]


def page(status: int, words: Words, number: str | None = None) -> Answer:
    """An error page. `number` is the request's id where a person may want to tell it to someone."""
    return render_template("errors/error.html", words=words, request_number=number), status


def _http_error(error: HTTPException) -> Any:
    if error.response is not None:
        return error.response
    status = error.code or 500
    if 300 <= status < 400:
        return error
    words = WORDS.get(status, Words(error.name, "Go back and try again."))
    if status < 500:
        shown, _ = page(status, words)
    else:
        shown, _ = page(status, words, request_id())
    response = error.get_response()
    response.set_data(shown)
    response.content_type = "text/html; charset=utf-8"
    return response


def _internal_error(_error: InternalServerError) -> Answer:
    return page(500, WORDS[500], request_id())


def _database_error(error: DBAPIError) -> Answer:
    # the statement's parameters are personal data: the driver's own words are enough
    logger.error("database error", route=str(request.url_rule), error=str(error.orig))
    return page(503, CANNOT_SAVE, request_id())


def _log_exception(exc_info: Any) -> None:
    logger.error("unexpected error", method=request.method, route=str(request.url_rule), exc_info=exc_info)
