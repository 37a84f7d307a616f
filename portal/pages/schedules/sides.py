"""Who will see which masking: people inside the organization and outside it, and what becomes of which column."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portal.exports.columns import Column, ColumnType, Sensitivity
from portal.exports.masking import MaskingRules, Profile, Treatment, profile_for, resolve, setting_key
from portal.models import DestinationKind
from portal.pages.columns.words import PROFILE_WORDS
from portal.pages.schedules.choices import PROFILES, SIDES
from portal.people.insiders import Insiders, insiders_of
from portal.people.organization_settings import settings_of

# a destination of each side that is nobody's: what the side gets where nobody stands on it yet
_SOMEBODY = {"inside": (DestinationKind.FOLDER, ""), "outside": (DestinationKind.EMAIL, "")}


@dataclass(frozen=True)
class Part:
    """What becomes of some columns: "Left out: …"."""

    words: str
    columns: Sequence[str]


@dataclass(frozen=True)
class Side:
    """`people` are the addresses, and folders, of those who get it."""

    name: str
    label: str
    seen: str
    """ "Without names and free text"."""
    people: Sequence[str]
    parts: Sequence[Part]
    """Of the columns that are not shown as they are."""


@dataclass(frozen=True)
class Masker:
    """What the organization does as a rule, and whom it counts as inside."""

    rules: MaskingRules
    insiders: Insiders

    def choices(self) -> dict[str, list[tuple[str, str]]]:
        """By side what may be chosen, and first of all the organization's rule."""
        usual = {"inside": self.rules.inside, "outside": self.rules.outside}
        offered = [(profile.value, self._offered(profile)) for profile in Profile]
        return {side: [("", f"Our rule: {_lower(self.seen(rule))}"), *offered] for side, rule in usual.items()}

    def _offered(self, profile: Profile) -> str:
        """With the name that the settings have for it."""
        name = f" ({_lower(PROFILE_WORDS[profile])})" if self.seen(profile) in PROFILES.values() else ""
        return f"{self.seen(profile)}{name}" if profile is not Profile.NONE else self.seen(profile)

    def seen(self, profile: Profile) -> str:
        """What the profile leaves to see; only its name where the organization has made another thing of it."""
        return f"{PROFILE_WORDS[profile]}, as we chose" if self.rules.columns.get(profile) else PROFILES[profile]

    def sides(self, described: Mapping[str, Any], columns: Sequence[Column] = ()) -> list[Side]:
        """Both sides, also one without people; `described` as in `in_words`."""
        chosen = described.get("masking") or {}
        people: dict[str, list[str]] = {side: [] for side in SIDES}
        for each in described.get("destinations") or ():
            people[self.side_of(each)].append(each["target"])
        return [self._side(name, label, chosen, people[name], columns) for name, label in SIDES.items()]

    def side_of(self, destination: Mapping[str, Any]) -> str:
        folder = destination["kind"] == DestinationKind.FOLDER
        return "inside" if folder or self.insiders.hold(destination["target"]) else "outside"

    def masking(self, side: str, chosen: Mapping[str, str], columns: Iterable[Column]) -> dict[str, Any]:
        """As `ExportRequest.masking` has it."""
        return resolve(self._profile(side, chosen), columns, self.rules)

    def _profile(self, side: str, chosen: Mapping[str, str]) -> Profile:
        return profile_for(*_SOMEBODY[side], chosen, self.rules, self.insiders)

    def _side(
        self, name: str, label: str, chosen: Mapping[str, str], people: Sequence[str], columns: Sequence[Column]
    ) -> Side:
        profile = self._profile(name, chosen)
        return Side(name, label, self.seen(profile), people, _parts(columns, resolve(profile, columns, self.rules)))


def masker(organization_id: uuid.UUID, active_users: Iterable[str]) -> Masker:
    settings = settings_of(organization_id)
    return Masker(MaskingRules.of(settings), insiders_of(settings, active_users))


def _lower(words: str) -> str:
    return words[:1].lower() + words[1:]


def _parts(columns: Sequence[Column], masking: Mapping[str, Any]) -> list[Part]:
    """The columns of all investigations are told once."""
    told: dict[str, dict[str, str]] = {}
    treated = masking.get("columns", {})
    for column in columns:
        if word := treated.get(column.key):
            label = column.label if setting_key(column.key) == column.key else _of_each(column.label)
            told.setdefault(_words(Treatment(word), column), {})[setting_key(column.key)] = label
    return [Part(words, list(labels.values())) for words, labels in told.items()]


def _of_each(label: str) -> str:
    """ "Investigator Name" of "Inv 1 Investigator Name"."""
    return f"{label.split(' ', 2)[-1]} of each investigation"


def _words(treatment: Treatment, column: Column) -> str:
    if treatment is Treatment.OMIT:
        return "Left out"
    if treatment is Treatment.SMALL:
        return "Masked where fewer than five anonymous reports share it"
    if column.sensitivity in (Sensitivity.PERSON, Sensitivity.IDENTIFIER):
        return "Replaced by pseudonyms, the same in every file"
    return "Masked" if column.type is ColumnType.TEXT else "Left empty"
