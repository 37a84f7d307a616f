"""Masking: which columns of an export are shown, masked or left out for whom.

A profile says it by a column's sensitivity; an organization may say otherwise for single columns. What was resolved is
frozen with the run: {"profile": "EXTERNAL", "columns": {key: "MASK"}, "untold": ["assignee"]}.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from portal.exports.columns import Column, Sensitivity
from portal.exports.register_columns import CORE
from portal.models import DestinationKind
from portal.people.insiders import Insiders

SETTING = "masking"


class Profile(StrEnum):
    """How much is masked, from nothing to most."""

    NONE = "NONE"
    INTERNAL = "INTERNAL"
    EXTERNAL = "EXTERNAL"

    def hides_less_than(self, other: Profile) -> bool:
        return list(Profile).index(self) < list(Profile).index(other)


class Treatment(StrEnum):
    """What becomes of a column."""

    SHOW = "SHOW"
    SMALL = "SMALL"
    """Masked for anonymous reports of which fewer than five share it."""
    MASK = "MASK"
    OMIT = "OMIT"


_WITHOUT_NAMES: Mapping[Sensitivity, Treatment] = {
    Sensitivity.OPEN: Treatment.SHOW,
    Sensitivity.IDENTIFIER: Treatment.SHOW,
    Sensitivity.PERSON: Treatment.MASK,
    Sensitivity.PLACE: Treatment.SMALL,
    Sensitivity.FREE_TEXT: Treatment.MASK,
    Sensitivity.EVERYTHING: Treatment.OMIT,
}
DEFAULTS: Mapping[Profile, Mapping[Sensitivity, Treatment]] = {
    Profile.NONE: dict.fromkeys(Sensitivity, Treatment.SHOW),
    Profile.INTERNAL: _WITHOUT_NAMES,
    Profile.EXTERNAL: {**_WITHOUT_NAMES, Sensitivity.IDENTIFIER: Treatment.MASK},
}

FILTER_COLUMNS: Mapping[str, str] = {
    "status": "case_status",
    "priority": "case_priority",
    "category": "category_name",
    "business_unit": "business_unit_name",
    "location": "location_name",
    "country": "location_country",
    "region": "location_region",
    "channel": "source_channel",
    "assignee": "assigned_to_email",
    "outcome": "outcome",
    "anonymous": "is_anonymous",
}
"""Which column a filter tells the value of."""
UNTOLD_TAGS = "tags"
"""Stands for all filters on tagged fields, whose values are told to nobody who gets masked files."""
_BY_KEY = {column.key: column for column in CORE}
_NUMBERED = re.compile(r"inv_[0-9]+_")


def treatments_of(column: Column) -> tuple[Treatment, ...]:
    """What may be chosen for a column, its mildest first."""
    if column.sensitivity is Sensitivity.PLACE:
        return tuple(Treatment)
    if column.sensitivity is Sensitivity.EVERYTHING:
        return Treatment.SHOW, Treatment.OMIT
    return Treatment.SHOW, Treatment.MASK, Treatment.OMIT


def setting_key(column_key: str) -> str:
    """The key under which a column is set: inv_1_type, inv_2_type, … and inv_type are one."""
    return _NUMBERED.sub("inv_", column_key)


@dataclass(frozen=True)
class MaskingRules:
    """What an organization does as a rule."""

    inside: Profile = Profile.NONE
    """For people inside, folders too."""
    outside: Profile = Profile.EXTERNAL
    columns: Mapping[Profile, Mapping[str, Treatment]] = field(default_factory=dict)
    """Per profile the columns, by `setting_key`, that it treats in another way than their sensitivity says."""

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """Of an organization's settings; what is not there, or is no rule, is as it is by default."""
        data = settings.get(SETTING) or {}
        columns = {
            profile: {key: Treatment(word) for key, word in chosen.items() if word in set(Treatment)}
            for profile in (Profile.INTERNAL, Profile.EXTERNAL)
            if (chosen := data.get("columns", {}).get(profile.value))
        }
        return cls(_profile(data.get("inside"), Profile.NONE), _profile(data.get("outside"), Profile.EXTERNAL), columns)

    def to_json(self) -> dict[str, Any]:
        """What stands in the organization's settings under `SETTING`."""
        columns = {
            profile.value: {key: word.value for key, word in chosen.items()}
            for profile, chosen in self.columns.items()
            if chosen
        }
        return {"inside": self.inside.value, "outside": self.outside.value, "columns": columns}

    def treatment(self, profile: Profile, column: Column) -> Treatment:
        """What the profile does with the column."""
        chosen = self.columns.get(profile, {}).get(setting_key(column.key))
        if chosen is not None and chosen in treatments_of(column):
            return chosen
        return DEFAULTS[profile][column.sensitivity]


def resolve(profile: str, columns: Iterable[Column], rules: MaskingRules) -> dict[str, Any]:
    """What is frozen in `ExportRequest.masking` for these columns; empty where nothing is masked."""
    which = Profile(profile)
    if which is Profile.NONE:
        return {}
    treated = {column.key: rules.treatment(which, column) for column in columns}
    return {
        "profile": which.value,
        "columns": {key: each.value for key, each in treated.items() if each is not Treatment.SHOW},
        "untold": [*(name for name in FILTER_COLUMNS if not _told(name, which, rules)), UNTOLD_TAGS],
    }


def untold_of(masking: Mapping[str, Any]) -> tuple[str, ...]:
    """The filters whose values a file with this frozen masking must not tell."""
    return tuple(masking.get("untold", ()))


def masking_in_words(masking: Mapping[str, Any]) -> Iterator[str]:
    """One sentence for each way in which columns of a file with this frozen masking are treated."""
    treated = masking.get("columns", {}).values()
    if Treatment.MASK in treated:
        yield (
            "Masked: an id, a name or an address is told as a pseudonym, always the same for the same one; other text "
            "stands as [masked]; what is no text is empty."
        )
    if Treatment.SMALL in treated:
        yield "Where it was, and who reported, is masked for anonymous reports of which fewer than five share it."
    if Treatment.OMIT in treated:
        yield "Some columns are left out."


def profile_for(
    kind: DestinationKind, target: str, schedule_masking: Mapping[str, str], rules: MaskingRules, insiders: Insiders
) -> Profile:
    """The profile of a destination: the schedule's choice for its side, else the organization's rule.

    Who is inside is told by `insiders`; folders are.
    """
    if kind is DestinationKind.FOLDER or insiders.hold(target):
        return _profile(schedule_masking.get("inside"), rules.inside)
    return _profile(schedule_masking.get("outside"), rules.outside)


def _told(filter_name: str, profile: Profile, rules: MaskingRules) -> bool:
    """Whether a reader may know the values of that filter."""
    return rules.treatment(profile, _BY_KEY[FILTER_COLUMNS[filter_name]]) is Treatment.SHOW


def _profile(word: object, usual: Profile) -> Profile:
    return Profile(word) if isinstance(word, str) and word in set(Profile) else usual
