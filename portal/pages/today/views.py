"""The first page: what is due, what needs somebody, how it went."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Blueprint, current_app, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.config import settings
from portal.delivery.by_day import deliveries_by_day
from portal.extensions import db
from portal.moments import MONTHS, WEEKDAYS
from portal.pages.access import current_user, current_viewer, requires
from portal.pages.runs.views import schedule_url
from portal.pages.template_filters import number, page_now, plural
from portal.pages.today.drawings import bars, label_of, timeline
from portal.pages.today.running import running
from portal.people.rights import Right
from portal.runs.viewer import unsent_for
from portal.schedules.outlook import due_between, needs_attention, standstill

bp = Blueprint("today", __name__)
AHEAD = timedelta(hours=24)
DAYS = 30
IN_WORDS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten")


@bp.get("/")
@requires(Right.SEE_RUNS)
def show() -> ResponseReturnValue:
    now, zone, organization_id = page_now(), current_user.zone, current_user.organization_id
    due = due_between(db.session(), organization_id, now, now + AHEAD)
    attention = needs_attention(db.session(), current_viewer(), now)
    # a file may be sent again for as long as it is kept
    unsent = unsent_for(db.session(), current_viewer(), now - timedelta(days=DAYS + settings().file_days))
    days = deliveries_by_day(db.session(), organization_id, zone, now=now, days=DAYS, without=unsent)
    return render_template(
        "today/show.html",
        heading=_heading(now.astimezone(zone)),
        lead=_lead(sum(each.count for each in due), attention.count),
        due=due,
        label_of=lambda each: label_of(each, zone),
        timeline=timeline(due, now, now + AHEAD, zone),
        attention=attention,
        days=days,
        bars=bars(days),
        schedule_url=schedule_url,
        new_schedule=_new_schedule(),
        standing=standstill(db.session(), organization_id, now),
        facts=running(db.session(), organization_id, page_now) if current_user.may(Right.SEE_HEALTH) else None,
    )


def _heading(local: datetime) -> str:
    """ "Tuesday 24 November"."""
    return f"{WEEKDAYS[local.weekday()]} {local.day} {MONTHS[local.month - 1]}"


def _lead(due: int, needing: int) -> str:
    """ "7 exports are due in the next 24 hours. Three things need you." """
    ahead = (
        f"{plural(due, 'export')} {'is' if due == 1 else 'are'} due in the next 24 hours."
        if due
        else ("Nothing is due in the next 24 hours.")
    )
    if not needing:
        return f"{ahead} Nothing needs you."
    count = IN_WORDS[needing] if needing < len(IN_WORDS) else number(needing)
    return f"{ahead} {count} {'thing needs' if needing == 1 else 'things need'} you."


def _new_schedule() -> str | None:
    there = "schedules.new" in current_app.view_functions and current_user.may(Right.EDIT_SCHEDULES)
    return url_for("schedules.new") if there else None
