"""The places whose way to write dates, times and numbers an organization can choose.

Babel, which knows them, is loaded where it is asked: most processes never do.
"""

from __future__ import annotations

import functools
import re
from datetime import UTC, date, datetime

SETTING = "locale"
"""Its key in the organization's settings."""

_LETTER_PAPER = {"US", "CA", "MX", "PH", "CL", "CO", "CR", "GT", "PA", "PR", "SV", "VE", "DO", "NI"}
_OF_A_PLACE = re.compile("[a-z]{2}_[A-Z]{2}")
_SAMPLE = datetime(2026, 11, 2, 15, 5, 9, tzinfo=UTC)


def known_locale(name: object) -> str:
    """The name of a locale if it is one, else nothing."""
    if not isinstance(name, str):
        return ""
    from babel import Locale, UnknownLocaleError  # noqa: PLC0415

    try:
        return str(Locale.parse(name))
    except (ValueError, UnknownLocaleError):
        return ""


def prints_on_letter(locale: str) -> bool:
    """Whether paper there is Letter and not A4; without a place it is A4."""
    if not locale:
        return False
    from babel import Locale  # noqa: PLC0415

    return Locale.parse(locale).territory in _LETTER_PAPER


@functools.cache
def locale_choices() -> tuple[tuple[str, str], ...]:
    """(name, "German (Germany)") of every language in a place, by what it is called."""
    from babel import Locale  # noqa: PLC0415
    from babel.localedata import locale_identifiers  # noqa: PLC0415

    names = filter(_OF_A_PLACE.fullmatch, locale_identifiers())
    return tuple(sorted(((name, str(Locale.parse(name).get_display_name("en"))) for name in names), key=_by_words))


def sample(locale: str) -> str:
    """How a day, an hour, a number and a share look there."""
    if not locale:
        return "2026-11-02 15:05:09"
    from babel.dates import format_skeleton, format_time  # noqa: PLC0415
    from babel.numbers import format_decimal, format_percent  # noqa: PLC0415

    day: date = _SAMPLE.date()
    shown = (
        format_skeleton("yMd", day, locale=locale),
        format_time(_SAMPLE.timetz(), "medium", locale=locale),
        format_decimal(1234.5, locale=locale),
        format_percent(0.25, locale=locale),
    )
    return " · ".join(re.sub("[\u200e\u200f]", "", each) for each in shown)


def _by_words(choice: tuple[str, str]) -> str:
    return choice[1]
