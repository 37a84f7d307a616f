"""Files to people signed in and to recipients by their link, checked against their hash before a byte goes out."""

from __future__ import annotations

import uuid
from typing import IO

from flask import Blueprint, Response, abort, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue

from portal import clock
from portal.delivery import downloads
from portal.delivery.links import LinkedFile, LinkState, linked_file, read_token
from portal.delivery.stored_file import FileChanged, FileGone, NotServed
from portal.extensions import csrf, db, limiter
from portal.models import Artifact
from portal.pages.access import current_actor, current_user, current_viewer, own, public, requires
from portal.pages.errors import Words, page
from portal.pages.template_filters import page_now
from portal.people.rights import Right
from portal.plumbing.logs import log
from portal.runs.viewer import may_know

bp = Blueprint("downloads", __name__)
logger = log(__name__)

NOT_VALID = Words(
    "This link is not valid",
    "Open the link from the mail again, or copy it whole. If it still fails, ask whoever sent it for a new one.",
)
NO_LONGER = {
    LinkState.EXPIRED: Words("This link has expired", "Ask whoever sent you the report for a new link."),
    LinkState.REVOKED: Words(
        "This link was withdrawn", "The sender withdrew it. Ask them if you still need the report."
    ),
    LinkState.USED_UP: Words(
        "This link is used up", "The file was downloaded as often as the link allows. Ask the sender for a new link."
    ),
    LinkState.FILE_GONE: Words(
        "The file is no longer kept",
        "Its time was over and it was deleted. Ask the sender if you still need the report.",
    ),
    LinkState.REMOVED: Words(
        "This link is no longer meant for you",
        "You were taken off the recipients of this report. Ask the sender if that is a mistake.",
    ),
}
NOT_YOURS = Words(
    "This link is for somebody else",
    "It works only for the person it was mailed to, signed in with the address it was mailed to.",
)


@bp.get("/artifacts/<uuid:artifact_id>/download")
@requires(Right.DOWNLOAD)
def artifact(artifact_id: uuid.UUID) -> ResponseReturnValue:
    row = own(Artifact, artifact_id)
    if not may_know(db.session(), current_viewer(), row):
        abort(404)
    if request.method == "HEAD":
        return Response(content_type=row.media_type)  # nothing is handed out, so nothing is written down
    try:
        copy = downloads.open_artifact(row, actor=current_actor(), address=request.remote_addr or "", now=clock.now())
    except NotServed as refusal:
        return _not_served(refusal)
    return _file(copy, row.file_name, row.media_type, row.bytes)


@bp.get("/d/", defaults={"token": ""})
@bp.get("/d/<path:token>")
@public
@limiter.limit("120 per minute")
def link(token: str) -> ResponseReturnValue:
    """What the link is for, and one button. Mail scanners look at this; it uses nothing up."""
    link_id = read_token(token)
    file = linked_file(db.session(), link_id, page_now()) if link_id else None
    if file is None:
        return _not_valid()
    if file.state is not LinkState.GOOD:
        return _no_index(page(410, NO_LONGER[file.state]))
    if (refused := _refused_by_sign_in(file)) is not None:
        return refused
    return _no_index((render_template("downloads/link.html", file=file, address=request.path), 200))


# No CSRF token: the recipient has no session that another site could use; the link's own token is the secret.
@bp.post("/d/", defaults={"token": ""}, endpoint="use_link")
@bp.post("/d/<path:token>", endpoint="use_link")
@public
@csrf.exempt  # type: ignore[untyped-decorator]
@limiter.limit("20 per minute")
def use_link(token: str) -> ResponseReturnValue:
    link_id = read_token(token)
    before = linked_file(db.session(), link_id, page_now()) if link_id else None
    if before is None:
        return _not_valid()
    if before.state is LinkState.GOOD and (refused := _refused_by_sign_in(before)) is not None:
        return refused
    try:
        file, copy = downloads.open_linked(
            before,
            address=request.remote_addr or "",
            user_agent=request.user_agent.string,
            now=clock.now(),
        )
    except NotServed as refusal:
        return _no_index(_not_served(refusal))
    if copy is None:
        return _no_index(page(410, NO_LONGER[file.state]))
    return _no_index(_file(copy, file.file_name, file.media_type, file.bytes))


def _refused_by_sign_in(file: LinkedFile) -> ResponseReturnValue | None:
    """A link that asks for sign-in works for the very person it was mailed to."""
    if not file.sign_in_required:
        return None
    if not current_user.is_authenticated:
        back = url_for("sign_in.show", next=request.path)
        return _no_index((render_template("downloads/sign_in_first.html", file=file, address=back), 200))
    same_person = current_user.email.casefold() == file.recipient.casefold()
    if current_user.organization_id != file.organization_id or not same_person:
        logger.warning("a link was opened by another person", link_id=str(file.link_id), user_id=str(current_user.id))
        return _no_index(page(403, NOT_YOURS))
    return None


def _not_valid() -> Response:
    logger.warning("a download link was not valid", address=request.remote_addr)
    return _no_index(page(404, NOT_VALID))


def _not_served(refusal: NotServed) -> tuple[str, int]:
    if isinstance(refusal, FileGone):
        return page(410, Words("The file is no longer there", str(refusal)))
    if isinstance(refusal, FileChanged):
        return page(409, Words("The file was changed", str(refusal)))
    return page(503, Words("The file cannot be fetched now", str(refusal)))


def _file(copy: IO[bytes], name: str, media_type: str, size: int) -> Response:
    """Always to be kept, never opened by the browser in this site's name; no copy on the way."""
    response = send_file(
        copy, mimetype=media_type, as_attachment=True, download_name=name, conditional=False, etag=False
    )
    response.content_length = size
    response.headers["Cache-Control"] = "no-store, private"
    return response


def _no_index(answer: Response | tuple[str, int]) -> Response:
    response = answer if isinstance(answer, Response) else Response(*answer, content_type="text/html; charset=utf-8")
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response
