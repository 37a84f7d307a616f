"""The case register, to look at: what the exports are made of."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import clock
from portal.cases import kept_list
from portal.cases.kept_list import ListError
from portal.cases.queries import OneCase, Reader, one_case, page_of_cases
from portal.extensions import db
from portal.models import CaseStatus
from portal.pages.access import current_actor, current_person, current_user, requires
from portal.pages.cases.forms import KeepFromForm
from portal.pages.cases.words import KEPT_AS
from portal.pages.errors import show_again
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
    return _page_of(_case(case_id), KeepFromForm(formdata=None))


@bp.post("/<uuid:case_id>/kept-from")
@requires(Right.MANAGE_CONFLICTS)
def keep_someone_from(case_id: uuid.UUID) -> ResponseReturnValue:
    found, form = _case(case_id), KeepFromForm()
    if not form.validate():
        return _page_of(found, form), 400
    with show_again(form, lambda: _page_of(found, form)):
        try:
            kept_list.keep_from(
                current_user.organization_id,
                case_id,
                form.address.data or "",
                by=current_person(),
                actor=current_actor(),
                now=clock.now(),
            )
        except ListError as refusal:
            form.address.errors = [str(refusal)]
            return _page_of(found, form), 400
    flash(f"{form.address.data} is kept from this case from now on.")
    return _after(case_id)


@bp.post("/<uuid:case_id>/kept-from/<uuid:entry_id>/remove")
@requires(Right.MANAGE_CONFLICTS)
def let_someone_in_again(case_id: uuid.UUID, entry_id: uuid.UUID) -> ResponseReturnValue:
    _case(case_id)
    try:
        kept_list.let_in_again(
            current_user.organization_id,
            case_id,
            entry_id,
            by=current_person(),
            actor=current_actor(),
            now=clock.now(),
        )
    except ListError as refusal:
        flash(str(refusal), "problem")
    else:
        flash("Taken off the list of people kept from this case.")
    return _after(case_id)


def _case(case_id: uuid.UUID) -> OneCase:
    """404 for a case that is not there, and for one that this person is kept from: all alike."""
    found = one_case(db.session(), _reader(), case_id)
    if found is None:
        abort(404)
    return found


def _page_of(found: OneCase, form: KeepFromForm) -> str:
    manages, case = current_user.may(Right.MANAGE_CONFLICTS), found.case
    return render_template(
        "cases/show.html",
        found=found,
        case=case,
        in_words=in_words,
        kept=kept_list.people_kept_from(db.session(), case.organization_id, case.id) if manages else None,
        kept_as=KEPT_AS,
        form=form,
    )


def _after(case_id: uuid.UUID) -> ResponseReturnValue:
    """Back to the case, or to the list for somebody who has just kept themselves from it."""
    db.session.rollback()  # this request's reading began before the change
    still_there = one_case(db.session(), _reader(), case_id) is not None
    return redirect(url_for("cases.show", case_id=case_id) if still_there else url_for("cases.list"), 303)


def in_words(value: str | None) -> str:
    """ "On hold" for ON_HOLD; "–" for nothing."""
    return value.replace("_", " ").capitalize() if value else "–"


def _reader() -> Reader:
    return Reader(current_user.organization_id, current_person())


def _place(text: str) -> tuple[datetime, str] | None:
    """None for no place and for one that does not exist: the list then begins at its newest."""
    moment, _, number = text.partition("_")
    try:
        return datetime.strptime(moment, PLACE).replace(tzinfo=UTC), number
    except ValueError:
        return None
