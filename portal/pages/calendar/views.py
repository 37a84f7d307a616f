"""The blackout calendar: the year, what is in it and what heeds it; days are put in and taken out."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import date

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from portal import clock
from portal.pages.access import current_actor, current_user, requires
from portal.pages.calendar.forms import DayForm, FileForm
from portal.pages.calendar.year import FIRST_YEAR, LAST_YEAR, months_of
from portal.pages.schedules.in_words import when_of
from portal.pages.template_filters import page_now, plural
from portal.people.rights import Right
from portal.plumbing.mail_text import one_line
from portal.schedules import blackouts
from portal.schedules.blackouts import TYPED, CalendarError, Changed, Entry
from portal.schedules.calendar_file import MOST_BYTES, read_calendar
from portal.schedules.public_holidays import countries, holidays_of, regions, source_words
from portal.zones import zone

bp = Blueprint("calendar", __name__, url_prefix="/calendar")
YEARS_OFFERED = 6


@bp.get("")
@requires(Right.SEE_SCHEDULES)
def show() -> ResponseReturnValue:
    return _page(DayForm(formdata=None), FileForm(formdata=None))


def _page(day_form: DayForm, file_form: FileForm) -> str:
    organization_id, today = current_user.organization_id, _today()
    year = min(max(request.args.get("year", today.year, int), FIRST_YEAR), LAST_YEAR)
    days = blackouts.days_between(organization_id, date(year, 1, 1), date(year, 12, 31))
    return render_template(
        "calendar/show.html",
        year=year,
        years=(FIRST_YEAR, LAST_YEAR),
        months=months_of(year, {each.day: each.name for each in days}, today),
        days=days,
        today=today,
        heeding=blackouts.heeding(organization_id),
        when_of=when_of,
        day_form=day_form,
        file_form=file_form,
    )


def _today() -> date:
    return page_now().astimezone(zone(current_user.organization_timezone)).date()


@bp.post("/days")
@requires(Right.EDIT_SCHEDULES)
def add_days() -> ResponseReturnValue:
    form = DayForm()
    entries = form.entries()
    if entries is None:
        return _page(form, FileForm(formdata=None)), 400
    return _add(entries, TYPED)


@bp.post("/file")
@requires(Right.EDIT_SCHEDULES)
def add_file() -> ResponseReturnValue:
    form = FileForm()
    file = request.files.get(form.file.name)
    try:
        if file is None or not file.filename:
            raise CalendarError("Choose a calendar file (.ics) first.")
        place = zone(current_user.organization_timezone)
        read = read_calendar(file.stream.read(MOST_BYTES + 1), place=place, today=_today())
    except CalendarError as refusal:
        form.file.errors = [str(refusal)]
        return _page(DayForm(formdata=None), form), 400
    if read.left_out:
        flash(f"{plural(read.left_out, 'event')} of the file could not be read and left out.", "problem")
    return _add(read.entries, f"Calendar file {one_line(file.filename, 80)}")


@bp.get("/holidays")
@requires(Right.EDIT_SCHEDULES)
def holidays() -> ResponseReturnValue:
    """Choose a country, its region and the years, and see what would be added."""
    country, region = request.args.get("country", ""), request.args.get("region", "")
    this_year = _today().year
    years = _years(request.args.getlist("year")) or [this_year, this_year + 1]
    entries: list[Entry] = []
    regions_there: tuple[tuple[str, str], ...] = ()
    problem = None
    try:
        if country:
            regions_there = regions(country)
            region = region if region in dict(regions_there) else ""
            entries = holidays_of(country, region, years)
    except CalendarError as refusal:
        problem = str(refusal)
    return render_template(
        "calendar/holidays.html",
        countries=countries(),
        regions=regions_there,
        years=sorted({*range(this_year, this_year + YEARS_OFFERED), *years}),
        country=country,
        region=region,
        chosen_years=years,
        entries=entries,
        already=blackouts.already_in(current_user.organization_id, [each.day for each in entries]),
        problem=problem,
    ), (400 if problem else 200)


@bp.post("/holidays")
@requires(Right.EDIT_SCHEDULES)
def add_holidays() -> ResponseReturnValue:
    country, region = request.form.get("country", ""), request.form.get("region", "")
    try:
        entries = holidays_of(country, region, _years(request.form.getlist("year")))
        if not entries:
            raise CalendarError("No public holidays are known of that country and those years: choose others.")
    except CalendarError as refusal:
        flash(str(refusal), "problem")
        return redirect(url_for("calendar.holidays"), 303)
    return _add(entries, source_words(country, region))


@bp.post("/remove")
@requires(Right.EDIT_SCHEDULES)
def remove() -> ResponseReturnValue:
    ids = [found for text in request.form.getlist("ids") if (found := _id(text)) is not None]
    if not ids:
        flash("Choose the days first, by the boxes before them.", "problem")
        return _back()
    changed = blackouts.remove_days(current_user.organization_id, ids, actor=current_actor(), now=clock.now())
    flash(f"{plural(changed.days, 'day')} taken out.{_anew(changed)}")
    return _back()


def _add(entries: list[Entry], source: str) -> ResponseReturnValue:
    try:
        changed = blackouts.add_days(
            current_user.organization_id, entries, source=source, actor=current_actor(), now=clock.now()
        )
    except CalendarError as refusal:
        flash(str(refusal), "problem")
        return _back()
    already = f" {plural(changed.already, 'day was', 'days were')} in it already." if changed.already else ""
    flash(f"{plural(changed.days, 'day')} added.{already}{_anew(changed)}")
    return redirect(url_for("calendar.show", year=entries[0].day.year), 303)


def _anew(changed: Changed) -> str:
    if not changed.replanned:
        return ""
    return f" {plural(changed.replanned, 'schedule has', 'schedules have')} another next moment."


def _back() -> Response:
    return redirect(url_for("calendar.show", year=request.args.get("year", type=int)), 303)


def _years(texts: Iterable[str]) -> list[int]:
    return sorted({int(text) for text in texts if text.isascii() and text.isdecimal() and len(text) == 4})


def _id(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
