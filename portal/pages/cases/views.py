"""The case register, to look at: what the exports are made of."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.cases.queries import Reader, one_case, page_of_cases
from portal.extensions import db
from portal.models import CaseStatus
from portal.pages.access import current_user, requires
from portal.people.rights import Right

bp = Blueprint("cases", __name__, url_prefix="/cases")
PLACE = "%Y%m%dT%H%M%S.%f"


@bp.get("", endpoint="list")
@requires(Right.SEE_CASES)
def list_cases() -> ResponseReturnValue:
    search = request.args.get("search", "").strip()[:200]
    status = request.args.get("status", "")
    page = page_of_cases(
        db.session(),
        _reader(),
        search=search,
        status=CaseStatus(status) if status in set(CaseStatus) else None,
        older_than=_place(request.args.get("older_than", "")),
    )
    older = f"{page.older[0].astimezone(UTC).strftime(PLACE)}_{page.older[1]}" if page.older else None
    narrowed: dict[str, Any] = {name: value for name, value in (("search", search), ("status", status)) if value}
    return render_template(
        "cases/list.html",
        page=page,
        search=search,
        status=status,
        statuses=[(each.value, in_words(each.value)) for each in CaseStatus],
        in_words=in_words,
        narrowed=bool(narrowed),
        newest=url_for("cases.list", **narrowed) if request.args.get("older_than") else None,
        older=url_for("cases.list", **narrowed, older_than=older) if older else None,
    )


@bp.get("/<uuid:case_id>")
@requires(Right.SEE_CASES)
def show(case_id: uuid.UUID) -> ResponseReturnValue:
    found = one_case(db.session(), _reader(), case_id)
    if found is None:
        abort(404)
    return render_template("cases/show.html", found=found, case=found.case, in_words=in_words)


def in_words(value: str | None) -> str:
    """ "On hold" for ON_HOLD; "–" for nothing."""
    return value.replace("_", " ").capitalize() if value else "–"


def _reader() -> Reader:
    return Reader(current_user.organization_id, current_user.id, current_user.email)


def _place(text: str) -> tuple[datetime, str] | None:
    """None for no place and for one that does not exist: the list then begins at its newest."""
    moment, _, number = text.partition("_")
    try:
        return datetime.strptime(moment, PLACE).replace(tzinfo=UTC), number
    except ValueError:
        return None
