"""From a text to a value that JSON can hold: moments as ISO 8601 in UTC, days as ISO dates, numbers, yes and no.

Every converter raises ValueError with a reason that a person can act on.
"""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from portal.case_import.errors import did_you_mean
from portal.case_import.fields import Field, Kind
from portal.case_import.value_spec import fold
from portal.moments import FIRST_DAY

Converter = Callable[[str], object]

# A slip of the keyboard (3019 for 2019) is the source's own and kept; the very last year would overflow between zones.
LAST_DAY = date(9998, 12, 31)
REMEMBERED = 10_000  # dates repeat; a converter keeps as many answers
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OWN_FORMATS = {"iso": "2026-01-31, 2026-01-31T09:30 or with an offset", "unix": "seconds since 1970", "unix_ms": ""}
_SHORT_OFFSET = re.compile(r"[+-]\d{2}$")
_DATE_PARTS = re.compile(r"%[yYmdbBjU]|%[cxGgVuw]")
_YES = frozenset({"true", "yes", "y", "t", "1", "x"})
_NO = frozenset({"false", "no", "n", "f", "0"})
_WHOLE = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)?(\.\d+)?([eE][+-]?\d{1,3})?", re.ASCII)
LARGEST_WHOLE = 2**63 - 1


def check_format(pattern: str) -> str | None:
    """What is wrong with a date format, or None."""
    if pattern in _OWN_FORMATS:
        return None
    try:
        shown = datetime(2016, 1, 4, 5, 6, 7, tzinfo=UTC).strftime(pattern)
        _strptime(shown, pattern)
    except (ValueError, re.error) as problem:
        return str(problem)
    if not {"%d", "%j"} & set(re.findall("%.", pattern)) and not re.search("%[cx]", pattern):
        return "it holds no day (%d)"
    return None


def converter(field: Field, formats: tuple[str, ...], zone: ZoneInfo, decimal: str = ".") -> Converter:
    """The function that turns a text of that field, which is not blank, into its value. `decimal` is the sign of
    numbers, "." or ","."""
    match field.kind:
        case Kind.MOMENT:
            return _moments(formats or ("iso",), zone)
        case Kind.DAY:
            return functools.lru_cache(REMEMBERED)(functools.partial(_day, formats=formats or ("iso",), zone=zone))
        case Kind.WORD:
            return functools.lru_cache(REMEMBERED)(functools.partial(_word, words=field.words))
        case Kind.YES_NO:
            return _yes_no
        case Kind.WHOLE:
            return _whole
        case Kind.NUMBER:
            return _number if decimal == "." else _number_with_comma
        case _:
            return functools.partial(limited, longest=field.longest) if field.longest else _as_it_is


@functools.lru_cache(64)
def _moments(formats: tuple[str, ...], zone: ZoneInfo) -> Converter:
    """One for all fields that read alike: a case and its report often bear the same moment."""
    return functools.lru_cache(REMEMBERED)(functools.partial(_moment, formats=formats, zone=zone))


def limited(text: str, longest: int) -> str:
    if len(text) > longest:
        raise ValueError(f"has {len(text):,} characters; {longest} are the most that this field holds")
    return text


def _as_it_is(text: str) -> str:
    return text


def local_day(value: str, zone: ZoneInfo) -> str:
    """The day of a moment or a day, as ISO text, in the zone."""
    if len(value) == len("2016-01-04"):
        return value
    return datetime.fromisoformat(value).astimezone(zone).date().isoformat()


def _read(text: str, formats: tuple[str, ...]) -> datetime:
    for pattern in formats:
        try:
            if pattern == "iso":
                return datetime.fromisoformat(text)
            if pattern in {"unix", "unix_ms"}:
                return _EPOCH + timedelta(**{"seconds" if pattern == "unix" else "milliseconds": float(text)})
            return _strptime(text, pattern)
        except (ValueError, OverflowError):
            continue
    words = " or ".join(f'"{each}"' for each in formats)
    raise ValueError(f"is not a date as {words}")


def _strptime(text: str, pattern: str) -> datetime:
    if pattern.endswith("%z") and _SHORT_OFFSET.search(text):
        text += "00"  # strptime knows +0000 only, databases write +00
    return datetime.strptime(text, pattern)  # noqa: DTZ007  # the zone is put on by the caller


def _in_range(day: date) -> None:
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError(f"is not between the years {FIRST_DAY.year} and {LAST_DAY.year}")


def _moment(text: str, *, formats: tuple[str, ...], zone: ZoneInfo) -> str:
    moment = _read(text, formats)
    _in_range(moment.date())
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _day(text: str, *, formats: tuple[str, ...], zone: ZoneInfo) -> str:
    moment = _read(text, formats)
    _in_range(moment.date())
    return (moment.astimezone(zone) if moment.tzinfo else moment).date().isoformat()


def _word(text: str, *, words: tuple[str, ...]) -> str:
    word = fold(text).replace(" ", "_").replace("-", "_").upper()
    if word not in words:
        raise ValueError(f"is none of {', '.join(words)}{did_you_mean(word, words).rstrip('.')}")
    return word


def _yes_no(text: str) -> bool:
    word = fold(text)
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise ValueError("is neither yes nor no (true, yes, y, 1; false, no, n, 0)")


def _whole(text: str) -> int:
    if not _WHOLE.fullmatch(text) or abs(int(text)) > LARGEST_WHOLE:
        raise ValueError("is not a whole number")
    return int(text)


def _number(text: str) -> int | float:
    if not _NUMBER.fullmatch(text) or not any(each.isdigit() for each in text):
        raise ValueError('is not a number (type = "number" takes 1,234.50; with decimal = "," also 1.234,50)')
    plain = text.replace(",", "")
    if _WHOLE.fullmatch(plain):
        return int(plain)
    number = float(plain)
    if not math.isfinite(number):
        raise ValueError("is too large a number")
    return number


_SWAPPED = str.maketrans(",.", ".,", " \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}")


def _number_with_comma(text: str) -> int | float:
    """1.234,50 or 1 234,50."""
    return _number(text.translate(_SWAPPED))


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


def canonical(value: object) -> str:
    """As JSON; the same text for the same value."""
    return _encode(value)
