"""The board report: its figures on a page, and the report itself as a file."""

from __future__ import annotations

from datetime import date
from io import BytesIO
from typing import Any

from flask import Blueprint, Response, abort, current_app, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue

from portal.cases.kept_from import Person
from portal.exports.board_report.definitions import DEFINITIONS
from portal.exports.board_report.figures import board_figures
from portal.exports.board_report.for_person import make_for_person
from portal.exports.board_report.words import summary
from portal.exports.case_filters import FilterError
from portal.exports.errors import ExportError
from portal.exports.file_names import file_name
from portal.exports.file_types import FILE_TYPES
from portal.exports.periods import parse_period, resolve
from portal.exports.register_names import Tree, load_business_units, load_categories
from portal.exports.request import ExportRequest
from portal.exports.snapshot import snapshot
from portal.extensions import db, limiter
from portal.models import ExportFormat, ExportType
from portal.pages.access import current_actor, current_user, requires
from portal.pages.board_report.choice import Choice, neighbours, period_choices, read_choice, to_repeat
from portal.pages.board_report.drawings import drawings
from portal.pages.template_filters import page_now
from portal.people.rights import Right
from portal.zones import zone

bp = Blueprint("board_report", __name__, url_prefix="/board-report")
FILES = {"PDF": ExportFormat.PDF, "PPTX": ExportFormat.PPTX}
MOST_OFFERED = 200
"""Of more units or categories none is listed: a name is typed."""


@bp.get("")
@requires(Right.SEE_BOARD_REPORT)
def show() -> ResponseReturnValue:
    choice, status = read_choice(request.args, _today()), 200
    try:
        return _page(choice)
    except FilterError as refusal:
        choice, status = Choice(choice.period, choice.first, choice.last, problem=refusal.sentence), 400
    return _page(choice), status


def _page(choice: Choice) -> str:
    place = zone(current_user.organization_timezone)
    with snapshot() as connection:
        figures = board_figures(connection, _request(choice, ExportFormat.PDF))
    earlier, later = neighbours(choice.period, _today())
    return render_template(
        "board_report/show.html",
        figures=figures,
        sentences=summary(figures),
        drawn=drawings(figures),
        definitions=DEFINITIONS,
        choice=choice,
        periods=period_choices(_today()),
        offered=_offered(),
        earlier=url_for("board_report.show", **choice.address(earlier)) if earlier else None,
        later=url_for("board_report.show", **choice.address(later)) if later else None,
        files={name: url_for("board_report.file", format=name, **choice.address()) for name in FILES},
        schedule_url=_schedule_url(choice),
        place=place,
    )


@bp.get("/file")
@requires(Right.SEE_BOARD_REPORT)
@limiter.limit("12 per minute")
def file() -> ResponseReturnValue:
    """The report of what the page shows, as PDF or slides."""
    export_format = FILES.get(request.args.get("format", ""))
    if export_format is None:
        abort(404)
    kind = FILE_TYPES[export_format]
    if request.method == "HEAD":
        return Response(content_type=kind.media_type)  # nothing is handed out, so nothing is made or written down
    choice = read_choice(request.args, _today())
    if choice.problem:
        return _refused(choice.problem, choice)
    asked = _request(choice, export_format)
    try:
        content = make_for_person(
            asked, actor=current_actor(), address=request.remote_addr or "", now=asked.planned_for
        )
    except ExportError as refusal:
        return _refused(str(refusal), choice)
    name = file_name(asked.title, _today(), kind.extension)
    return send_file(BytesIO(content), kind.media_type, as_attachment=True, download_name=name)


def _refused(sentence: str, choice: Choice) -> ResponseReturnValue:
    flash(sentence, "problem")
    return redirect(url_for("board_report.show", **choice.address()), 303)


def _request(choice: Choice, export_format: ExportFormat) -> ExportRequest:
    place, now = zone(current_user.organization_timezone), page_now()
    resolved = resolve(parse_period(choice.period), now, place)
    return ExportRequest(
        organization_id=current_user.organization_id,
        export_type=ExportType.BOARD_REPORT,
        format=export_format,
        filters=choice.filters,
        start=resolved.start,
        end=resolved.end,
        planned_for=now,
        zone=place.key,
        title="Board report",
        seen_by=(Person(current_user.email, current_user.id, current_user.name),),
    )


def _today() -> date:
    return page_now().astimezone(zone(current_user.organization_timezone)).date()


def _offered() -> dict[str, list[tuple[str, str, int]] | None]:
    """By filter: (value, label, depth); None where there are too many to list."""
    connection, organization_id = db.session.connection(), current_user.organization_id
    return {
        "business_unit": _listed(load_business_units(connection, organization_id)),
        "category": _listed(load_categories(connection, organization_id)),
    }


def _listed(tree: Tree) -> list[tuple[str, str, int]] | None:
    if len(tree.nodes) > MOST_OFFERED:
        return None
    return [(tree.value_of(node), node.name, depth) for depth, node in tree.walk()]


def _schedule_url(choice: Choice) -> str | None:
    """Where a schedule of this report begins: the builder with its type, period and filters filled in."""
    if "schedules.new" not in current_app.view_functions or not current_user.may(Right.EDIT_SCHEDULES):
        return None
    asked: dict[str, Any] = choice.address(to_repeat(choice.period))
    return url_for("schedules.new", export_type=ExportType.BOARD_REPORT.value, **asked)
