"""A1-A4: the published vectors, checked in four independent implementations."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest

from portal import zones
from portal.moments import instant_text
from portal.schedules.rule import next_occurrence, next_occurrences, parse_rule

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "next_run.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: vector["id"])
def test_next_moments_are_those_of_the_vector(vector):
    """A1, A3, A4: the next moment and the next three."""
    rule = parse_rule(vector["config"])
    zone = zones.zone(vector["zone"])
    now = datetime.fromisoformat(vector["now"])

    one = next_occurrence(rule, zone, now)
    three = next_occurrences(rule, zone, now, 3)

    assert one is not None
    assert instant_text(one.instant) == vector["next"]
    assert [instant_text(each.instant) for each in three] == vector["next3"]


def test_zone_data_is_the_one_the_vectors_were_made_with():
    """A2: a newer tzdata is welcome, an older one plans at the wrong hour."""
    assert VECTORS["tzdata"] <= zones.TZDATA_VERSION
