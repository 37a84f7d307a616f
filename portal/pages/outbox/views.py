"""The mails that the demo's mail sink kept, as they came: envelope, headers, parts. Only there where the sink is."""

from __future__ import annotations

import io
from pathlib import Path

from flask import Blueprint, Response, abort, make_response, render_template, send_file
from flask.typing import ResponseReturnValue

from portal.config import settings
from portal.extensions import db
from portal.pages.access import current_viewer, requires
from portal.pages.security_headers import policy
from portal.people.rights import Right
from portal.plumbing import outbox
from portal.plumbing.mail_text import one_line
from portal.plumbing.outbox import Mail, NoSuchMailError
from portal.runs.mails_seen import MailsSeen

bp = Blueprint("outbox", __name__, url_prefix="/outbox")
FRAME_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; base-uri 'none'"
)


@bp.get("", endpoint="list")
@requires(Right.SEE_RUNS)
def list_mails() -> ResponseReturnValue:
    folder, seen = _folder(), MailsSeen(db.session(), current_viewer())
    mails = [each for each in outbox.list_messages(folder) if seen.are_to_them(each.rcpt_tos)]
    hidden = seen.hidden([each.message_id for each in mails])
    return render_template(
        "outbox/list.html",
        mails=[each for each in mails if each.message_id not in hidden],
        refusals=[each for each in outbox.list_refusals(folder) if seen.are_to_them([each.rcpt_to])],
    )


@bp.get("/<mail_id>")
@requires(Right.SEE_RUNS)
def show(mail_id: str) -> ResponseReturnValue:
    response = make_response(render_template("outbox/mail.html", mail=_mail(mail_id)))
    response.headers["Content-Security-Policy"] = policy(frame_src="'self'")
    return response


@bp.get("/<mail_id>/html")
@requires(Right.SEE_RUNS)
def html_body(mail_id: str) -> ResponseReturnValue:
    """The mail's own HTML, in a sandbox: it is hostile, may load nothing and run nothing."""
    mail = _mail(mail_id)
    if mail.html is None:
        abort(404)
    response = Response(mail.html, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = FRAME_POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response


@bp.get("/<mail_id>/parts/<int:number>")
@requires(Right.SEE_RUNS)
def part(mail_id: str, number: int) -> ResponseReturnValue:
    _mail(mail_id)
    try:
        described, content = outbox.read_part(_folder(), mail_id, number)
    except NoSuchMailError:
        abort(404)
    # whatever the mail calls it, the browser is to keep it, not to open it here
    response = send_file(
        io.BytesIO(content),
        mimetype="application/octet-stream",
        as_attachment=True,
        download_name=one_line(described.file_name or f"part-{number}", 150).replace("/", "-") or f"part-{number}",
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def _folder() -> Path:
    return Path(settings().outbox_folder)


def _mail(mail_id: str) -> Mail:
    """The mail; 404 also where the viewer may not know of it."""
    try:
        mail = outbox.read_message(_folder(), mail_id)
    except NoSuchMailError:
        abort(404)
    seen = MailsSeen(db.session(), current_viewer())
    if not seen.are_to_them(mail.entry.rcpt_tos) or seen.hidden([mail.entry.message_id]):
        abort(404)
    return mail
