"""What templates may call: times with their zone, sizes, numbers, plurals, states, navigation, versioned addresses.

{{ run.planned_for | moment(schedule.timezone) }}   Mon 2 Nov 2026, 08:00 EST, with UTC in the title
{{ run.planned_for | moment_and_relative }}         the same in the reader's own zone, and "3 hours ago" beside it
{{ blackout.day | day }}                            Fri 25 Dec 2026
{{ instant | relative }}  {{ bytes | size }}  {{ rows | number }}  {{ count | plural("row") }}
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

import humanize
from flask import Flask, current_app, g, request
from markupsafe import Markup
from wtforms import FieldList, Form, FormField

from portal import clock, zones
from portal.config import VERSION
from portal.exports.writers import FORMATS
from portal.moments import instant_text, moment_in_words, short_day_in_words
from portal.pages.access import loaded_user
from portal.pages.navigation import nav_entries
from portal.pages.states import mark_of
from portal.people.rights import ROLE_WORDS, Right

THEMES = ("light", "dark")


def join(app: Flask) -> None:
    """Give the templates their filters and functions."""
    app.jinja_env.filters.update(
        moment=moment,
        moment_and_relative=moment_and_relative,
        relative=relative,
        size=size,
        number=number,
        plural=plural,
        day=short_day_in_words,
    )
    app.jinja_env.globals.update(
        FORMATS=FORMATS,
        Right=Right,
        ROLE_WORDS=ROLE_WORDS,
        VERSION=VERSION,
        asset=asset,
        bootstrap_css=bootstrap_css,
        chosen_theme=chosen_theme,
        field_errors=field_errors,
        mark_of=mark_of,
        nav_entries=nav_entries,
        signed_in_person=loaded_user,
    )
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True


def page_now() -> datetime:
    """One present instant for the whole page, so that its relative times agree."""
    if "page_now" not in g:
        g.page_now = clock.now()
    now: datetime = g.page_now
    return now


def moment(instant: datetime | None, zone: tzinfo | str | None = None) -> Markup:
    """A <time> in words in `zone` (its name or itself; unless told, the reader's), UTC in its title; "–" for None."""
    if instant is None:
        return Markup("–")
    words = moment_in_words(instant, _zone(zone))
    utc = instant.astimezone(UTC)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        instant_text(instant), f"{utc:%Y-%m-%d %H:%M:%S} UTC", words
    )


def moment_and_relative(instant: datetime | None, zone: tzinfo | str | None = None) -> Markup:
    """`moment`, and how far away it is beside it."""
    if instant is None:
        return Markup("–")
    return Markup('{} <span class="relative muted small">{}</span>').format(moment(instant, zone), relative(instant))


def relative(instant: datetime) -> str:
    """ "3 hours ago", "in 2 days", "now"."""
    distance = instant - page_now()
    words = humanize.naturaldelta(distance)
    if words == "a moment":
        return "now"
    return f"{words} ago" if distance.total_seconds() < 0 else f"in {words}"


def size(count: int) -> str:
    """Bytes for people: "184.2 kB"."""
    return humanize.naturalsize(count, format="%.1f").replace(".0 ", " ")


def number(count: int) -> str:
    """ "8,114"."""
    return humanize.intcomma(count)


def plural(count: int, one: str, many: str | None = None) -> str:
    """ "1 row", "8,114 rows"."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def asset(name: str) -> str:
    """Address of a file in static/, with its content's version, so that browsers may keep it for ever.

    Not by url_for: error pages of requests for an unknown host need it too.
    """
    return f"{current_app.static_url_path}/{name}?v={_version(Path(current_app.static_folder or '') / name)}"


def bootstrap_css() -> str:
    """Address of Bootstrap-Flask's own copy of Bootstrap's style sheet, versioned as above."""
    bootstrap: Any = current_app.jinja_env.globals["bootstrap"]
    folder = f"/bootstrap{current_app.static_url_path}/css"
    return f"{folder}/{bootstrap.bootstrap_css_filename}?v={bootstrap.bootstrap_version}"


def chosen_theme() -> str | None:
    """ "light" or "dark" where the reader has chosen one; None: as their system is."""
    theme = request.cookies.get("theme")
    return theme if theme in THEMES else None


def field_errors(form: Form) -> list[tuple[str, str]]:
    """(id of the field's control, sentence) of every error, in the form's order, forms within the form included."""
    return list(_errors_of(form))


def _errors_of(fields: Any) -> Iterator[tuple[str, str]]:
    for field in fields:
        if isinstance(field, FormField):
            yield from _errors_of(field.form)
        elif isinstance(field, FieldList):
            yield from _errors_of(field.entries)
            yield from ((field.id, text) for text in field.errors if isinstance(text, str))
        else:
            grouped = field.type in {"RadioField", "CheckboxesField"}
            yield from ((f"{field.id}-0" if grouped else field.id, text) for text in field.errors)


def _zone(zone: tzinfo | str | None) -> tzinfo:
    if isinstance(zone, str):
        return zones.zone(zone)
    if zone is not None:
        return zone
    reader = loaded_user()
    return reader.zone if reader else UTC


@functools.cache
def _version(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
