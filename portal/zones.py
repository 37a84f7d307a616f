"""Time zones by their IANA names, read from the tzdata package alone.

The system's own copy is never used: it differs from host to host, and one that is behind plans at the wrong hour.
"""

from __future__ import annotations

import difflib
import functools
import re
import zoneinfo
from importlib import resources
from zoneinfo import ZoneInfo

import tzdata  # type: ignore[import-untyped]

TZDATA_VERSION: str = tzdata.IANA_VERSION
"""Of the time zone data in use, such as "2026f"."""

# Zones made before this line may come from the system's files, so the cache goes too.
zoneinfo.reset_tzpath(to=())
ZoneInfo.clear_cache()

# "Factory" is the database's own word for "not set".
_NOT_FOR_USE = frozenset({"Factory"})
_UTC_NAMES = frozenset({"UTC", "UCT", "Universal", "Zulu", "Etc/UTC", "Etc/UCT", "Etc/Universal", "Etc/Zulu"})
_GMT_NAMES = frozenset({"GMT", "GMT0", "GMT+0", "GMT-0", "Greenwich", "Etc/GMT", "Etc/GMT0", "Etc/Greenwich"})
_FIXED = re.compile(r"Etc/GMT([+-])(\d{1,2})")
_LONGEST_NAME = 64


class ZoneError(ValueError):
    """No such time zone. The text is one sentence for the person who typed the name."""


def zone(name: str) -> ZoneInfo:
    """The zone of that exact IANA name, old names ("US/Eastern") included. Raises ZoneError."""
    if name in _known_names():
        return ZoneInfo(name)
    raise ZoneError(_refusal(name))


@functools.cache
def zone_choices() -> tuple[str, ...]:
    """Names to offer, sorted: one for each place of the IANA list by country, and UTC. Old names are left out."""
    table = resources.files("tzdata.zoneinfo").joinpath("zone.tab").read_text(encoding="utf-8")
    places = [line.split("\t")[2] for line in table.splitlines() if line and not line.startswith("#")]
    return tuple(sorted([*places, "UTC"]))


def zone_words(name: str) -> str:
    """The zone as it is read aloud: "New York time", "Knox, Indiana time", "UTC", "UTC-05:00"."""
    if name in _UTC_NAMES:
        return "UTC"
    if name in _GMT_NAMES:
        return "GMT"
    if fixed := _FIXED.fullmatch(name):
        # These names carry the sign of POSIX, which is the opposite of everyone else's.
        sign = "-" if fixed[1] == "+" else "+"
        return f"UTC{sign}{int(fixed[2]):02d}:00"
    _, *places = name.replace("_", " ").split("/")
    return f"{', '.join(reversed(places)) or name} time"


@functools.cache
def _known_names() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones() - _NOT_FOR_USE)


def _refusal(name: str) -> str:
    if not name.strip():
        return "Name a time zone, such as America/New_York or UTC."
    if len(name) > _LONGEST_NAME or not name.isprintable():
        return "That is not a time zone; name one such as America/New_York or UTC."
    likely = _likely(name)
    advice = f"did you mean {likely}?" if likely else "name one such as America/New_York or UTC."
    return f'There is no time zone "{name}"; {advice}'


def _likely(name: str) -> str | None:
    """The zone that was probably meant: other case, blanks for underscores, the city alone, a slip of the keyboard."""
    wanted = name.strip().replace(" ", "_").casefold()
    whole = {known.casefold(): known for known in sorted(_known_names())}
    cities = {choice.rpartition("/")[2].casefold(): choice for choice in zone_choices()}
    exact = whole.get(wanted) or cities.get(wanted)
    if exact:
        return exact
    near = difflib.get_close_matches(wanted, whole, n=1, cutoff=0.8)
    return whole[near[0]] if near else None
