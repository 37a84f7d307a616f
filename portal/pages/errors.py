"""Error pages: what happened and what to do, in plain words. The stack trace goes to the log, under the request id."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from flask import Flask, Response, g, render_template, request
from flask_wtf import FlaskForm
from flask_wtf.csrf import CSRFError
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException, InternalServerError

from portal.health import SchemaError
from portal.pages.access import nobody_if_unknown
from portal.pages.request_log import request_id
from portal.pages.troubles import Words, in_one_line, words_for
from portal.plumbing.logs import log
from portal.plumbing.storage import StorageError

__all__ = ["Answer", "Words", "join", "page", "show_again"]

Answer = tuple[str, int]
Kept = Sequence[tuple[str, str]]
logger = log(__name__)


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
RETRY_SECONDS = 60


def join(app: Flask) -> None:
    app.register_error_handler(CSRFError, lambda _: page(400, FORM_TOO_OLD))
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(InternalServerError, _internal_error)
    for kind in (SQLAlchemyError, StorageError, RedisError, OSError):
        app.register_error_handler(kind, _trouble)
    app.register_error_handler(SchemaError, lambda error: page(503, Words("Duepost is being updated", str(error))))
    app.after_request(_say_when_to_try_again)
    # Flask's own line would hold the path, and so perhaps a link's token.
    app.log_exception = _log_exception  # type: ignore[method-assign]


def page(status: int, words: Words, number: str | None = None, kept: Kept = ()) -> Answer:
    """An error page. `number` is the request's id where a person may want to tell it to someone.

    `kept` is what was typed, sent again by one button.
    """
    nobody_if_unknown()
    return render_template("errors/error.html", words=words, request_number=number, kept=kept), status


@contextmanager
def show_again(form: FlaskForm, shown: Callable[[], str]) -> Iterator[None]:
    """Around a verb: should the database refuse, `shown()` is the answer, with what was typed and why it was not saved.

    Without it the answer is a plain page that keeps what was typed behind a button.
    """
    g.form_in_hand = (form, shown)
    yield
    del g.form_in_hand


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


def _internal_error(error: InternalServerError) -> Answer:
    # what is raised after a view, where no handler of its own is asked
    words = words_for(error.original_exception) if error.original_exception else None
    return page(503, words, request_id()) if words else page(500, WORDS[500], request_id())


def _trouble(error: Exception) -> Answer:
    """Something that the page needs is away; or, where it is not that, a mistake of ours."""
    words = words_for(error)
    if words is None:
        _log_exception((type(error), error, error.__traceback__))
        return page(500, WORDS[500], request_id())
    # the statement's parameters are personal data: the driver's own words are enough
    logger.error("not available", route=str(request.url_rule), trouble=words.title, error=_brief(error))
    return _form_again(words) or page(503, words, request_id(), _typed(error))


def _brief(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error)[:500]


def _form_again(words: Words) -> Answer | None:
    """The form with what was typed, as long as what stands around it can be read."""
    form, shown = g.pop("form_in_hand", (None, None))
    if form is None:
        return None
    form.form_errors.append(in_one_line(words))
    try:
        return shown(), 503
    except (SQLAlchemyError, RedisError, OSError):
        return None


def _typed(error: Exception) -> Kept:
    """What the form held, but for secrets; nothing where reading it is what failed."""
    if request.method != "POST" or isinstance(error, OSError):
        return ()
    return [
        (name, value)
        for name, value in request.form.items(multi=True)
        if name != "csrf_token" and "password" not in name
    ]


def _say_when_to_try_again(response: Response) -> Response:
    if response.status_code == 503:
        response.headers.setdefault("Retry-After", str(RETRY_SECONDS))
    return response


def _log_exception(exc_info: Any) -> None:
    logger.error("unexpected error", method=request.method, route=str(request.url_rule), exc_info=exc_info)
