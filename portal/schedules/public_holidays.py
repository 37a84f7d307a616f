"""The public holidays of countries and their regions, by the holidays library, which is loaded where it is asked."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from portal.schedules.blackouts import CalendarError, Entry

if TYPE_CHECKING:
    from holidays import HolidayBase

MOST_YEARS = 10
FIRST_YEAR, LAST_YEAR = 2000, 2100
_ENGLISH = "en_US"
_SMALL_WORDS = {"Of", "And", "The"}


@functools.cache
def countries() -> tuple[tuple[str, str], ...]:
    """(code of two letters, name) of every country, by name."""
    from holidays.registry import COUNTRIES  # noqa: PLC0415

    return tuple(sorted(((code, _name(words)) for words, code, *_ in COUNTRIES.values()), key=lambda each: each[1]))


def regions(country: str) -> tuple[tuple[str, str], ...]:
    """(code, name) of the country's regions that have holidays of their own, by name. Raises CalendarError."""
    found = _country(country)
    names = {code: name for name, code in getattr(found, "subdivisions_aliases", {}).items()}
    pairs = [(code, names.get(code, code)) for code in found.subdivisions]
    return tuple(sorted(pairs, key=lambda each: each[1]))


def holidays_of(country: str, region: str, years: Sequence[int]) -> list[Entry]:
    """The public holidays of the years, in order; `region` may be empty. Raises CalendarError."""
    import holidays  # noqa: PLC0415

    found = _country(country)
    if region and region not in found.subdivisions:
        raise CalendarError("Choose a region from the list, or none.")
    if not years or len(years) > MOST_YEARS or any(not FIRST_YEAR <= year <= LAST_YEAR for year in years):
        raise CalendarError(f"Choose 1 to {MOST_YEARS} years from the list.")
    language = _ENGLISH if _ENGLISH in found.supported_languages else found.default_language
    made = holidays.country_holidays(country, subdiv=region or None, years=list(years), language=language)
    return sorted(Entry(day, name) for day, name in made.items() if day.year in years)


def source_words(country: str, region: str) -> str:
    """ "Holidays of Germany, Bayern"."""
    name = dict(countries())[country]
    return f"Holidays of {name}, {dict(regions(country))[region]}" if region else f"Holidays of {name}"


def _country(code: str) -> type[HolidayBase]:
    import holidays  # noqa: PLC0415

    if code not in dict(countries()):
        raise CalendarError("Choose a country from the list.")
    found: type[HolidayBase] = type(holidays.country_holidays(code))
    return found


def _name(camel_case: str) -> str:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", camel_case).split(" ")
    return " ".join(word.lower() if word in _SMALL_WORDS and number else word for number, word in enumerate(words))
