"""The forms of the calendar: a day or a span of days, and a calendar file."""

from __future__ import annotations

from datetime import date

from flask_wtf.file import FileField
from wtforms import StringField

from portal.moments import MomentError, parse_day
from portal.pages.hostile_input import PlainForm
from portal.pages.schedules.fields import day_picker
from portal.schedules.blackouts import CalendarError, Entry, span


class DayForm(PlainForm):
    first = day_picker("Day")
    last = day_picker("Last day", description="For several days in a row; this day included.")
    name = StringField("Name", description="Such as Company holiday.", render_kw={"autocomplete": "off"})

    def entries(self) -> list[Entry] | None:
        """The days that were typed; None with the problem at its field."""
        if not self.validate():
            return None
        days: dict[str, date | None] = {}
        for field in (self.first, self.last):
            try:
                text = (field.data or "").strip()
                days[field.name] = parse_day(text) if text or field is self.first else None
            except MomentError as problem:
                field.errors = [str(problem)]
        first = days.get("first")
        if first is None or "last" not in days:
            return None
        try:
            return span(first, days["last"], self.name.data or "")
        except CalendarError as refusal:
            at = self.last if "last day" in str(refusal) or "at once" in str(refusal) else self.name
            at.errors = [str(refusal)]
            return None


class FileForm(PlainForm):
    file = FileField(
        "Calendar file",
        description="An iCalendar file (.ics) of days off, up to 1 MB. Yearly ones come back for ten years.",
        render_kw={"accept": ".ics,text/calendar"},
    )
