"""A2: time zones by their IANA names, from the pinned data alone."""

from __future__ import annotations

import subprocess
import sys
import zoneinfo
from importlib import resources

import pytest

from portal import zones
from portal.zones import ZoneError, zone, zone_choices, zone_words


def test_the_systems_own_zone_files_are_never_read(tmp_path):
    """A2: even a folder named by the environment, whose New York is on Tokyo time, changes nothing."""
    tokyo = resources.files("tzdata.zoneinfo").joinpath("Asia/Tokyo").read_bytes()
    (tmp_path / "America").mkdir()
    (tmp_path / "America" / "New_York").write_bytes(tokyo)
    program = """
import zoneinfo
from datetime import datetime
before = zoneinfo.ZoneInfo("America/New_York")
from portal.zones import zone
for each in (before, zone("America/New_York")):
    print(datetime(2026, 1, 1, tzinfo=each).tzname())
"""
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONTZPATH": str(tmp_path)}, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["JST", "EST"]
    assert zoneinfo.TZPATH == ()


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "Name a time zone, such as America/New_York or UTC."),
        ("  ", "Name a time zone, such as America/New_York or UTC."),
        ("../x", 'There is no time zone "../x"; name one such as America/New_York or UTC.'),
        ("/etc/passwd", 'There is no time zone "/etc/passwd"; name one such as America/New_York or UTC.'),
        ("localtime", 'There is no time zone "localtime"; name one such as America/New_York or UTC.'),
        ("Factory", 'There is no time zone "Factory"; name one such as America/New_York or UTC.'),
        ("America", 'There is no time zone "America"; name one such as America/New_York or UTC.'),
        ("america/new_york", 'There is no time zone "america/new_york"; did you mean America/New_York?'),
        ("utc", 'There is no time zone "utc"; did you mean UTC?'),
        ("New York", 'There is no time zone "New York"; did you mean America/New_York?'),
        ("Amerca/New_York", 'There is no time zone "Amerca/New_York"; did you mean America/New_York?'),
        ("UTC\x00", "That is not a time zone; name one such as America/New_York or UTC."),
        ("UTC\n", "That is not a time zone; name one such as America/New_York or UTC."),
        ("A" * 10_000, "That is not a time zone; name one such as America/New_York or UTC."),
    ],
)
def test_an_unknown_zone_is_refused_in_a_sentence(name, sentence):
    """A2: path tricks, other case, the city alone."""
    with pytest.raises(ZoneError) as refused:
        zone(name)
    assert str(refused.value) == sentence


def test_old_names_are_understood_but_not_offered():
    """A2: what was saved years ago still works."""
    assert zone("US/Eastern").key == "US/Eastern"
    offered = zone_choices()
    assert {"America/New_York", "Europe/Oslo", "Asia/Kolkata", "UTC"} <= set(offered)
    assert not [name for name in offered if name.startswith(("Etc/", "US/")) or ("/" not in name and name != "UTC")]
    assert list(offered) == sorted(set(offered))
    assert all(zone(name).key == name for name in offered)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("America/New_York", "New York time"),
        ("America/Indiana/Knox", "Knox, Indiana time"),
        ("Africa/Porto-Novo", "Porto-Novo time"),
        ("UTC", "UTC"),
        ("Etc/UTC", "UTC"),
        ("GMT", "GMT"),
        ("Etc/GMT+5", "UTC-05:00"),
        ("Etc/GMT-14", "UTC+14:00"),
        ("Japan", "Japan time"),
    ],
)
def test_a_zone_is_read_aloud(name, words):
    """A10."""
    assert zone_words(name) == words


def test_no_two_zones_on_offer_are_read_aloud_alike():
    """A2: the zone named on a page is one zone."""
    words = [zone_words(name) for name in zone_choices()]
    assert len(set(words)) == len(words)
    assert zones.TZDATA_VERSION
