"""Which files a run makes: one for each set of people that may see the same.

Recipients fall into sets by how their file is masked, by what rows of their own they get, and by which cases in the
run's scope they are kept from. For people who may see the run and are kept from something in it, files are made that
nobody is sent; so nothing on their pages tells that there is more.
"""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from portal.cases.kept_from import Kinds, Person, kept_by_person
from portal.exports import masking
from portal.exports.masking import MaskingRules, Profile
from portal.exports.request import ExportRequest
from portal.exports.scope import scope_of
from portal.models import Case, DestinationKind, ExportType, Organization, User
from portal.people.insiders import Insiders, load_insiders
from portal.people.rights import Right, may

MOST_TO_SEE = 6
"""So many files are made for people who only look; where more were needed, they share one without all of it."""
AT_ONCE = 500
Cases = frozenset[uuid.UUID]
Kept = Mapping[Person, Mapping[uuid.UUID, Kinds]]


@dataclass(frozen=True)
class Recipient:
    """A destination as it was frozen, at its place in the schedule's list."""

    position: int
    frozen: Mapping[str, Any]
    backup: bool = False

    @property
    def person(self) -> Person | None:
        """None for a folder."""
        if self.frozen["kind"] != DestinationKind.EMAIL:
            return None
        user_id = self.frozen["user_id"]
        return Person(self.frozen["target"], uuid.UUID(user_id) if user_id else None, self.frozen["name"])


@dataclass(frozen=True)
class Restricted:
    """A case in scope that somebody is kept from, who is a recipient or a user: in the file, or withheld from it."""

    case_id: uuid.UUID
    withheld: bool
    reasons: tuple[Mapping[str, Any], ...]
    """For whom of this file's readers it was withheld, and as what they are kept from it."""


@dataclass(frozen=True)
class Variant:
    """One file to be made."""

    name: str
    """Says nothing, not even how many there are."""
    request: ExportRequest
    profile: Profile
    recipients: tuple[Recipient, ...]
    only_to_see: bool
    restricted: tuple[Restricted, ...]


@dataclass(frozen=True)
class Plan:
    """The files of a run."""

    variants: tuple[Variant, ...]
    kept_from: Mapping[str, list[str]]
    """Whom the plan looked at that is kept from anything: cases by the address of the person."""
    withheld_from_all: Cases
    """What no recipient by mail gets, and the backup recipient neither."""
    told: tuple[ExportRequest, ...]
    """Whose rows are told while files are made: one request for each masking and own filter, without whatever anybody
    is kept from, so that the number tells nobody anything."""

    @property
    def discreet(self) -> bool:
        """Whether something of the run is not for everybody."""
        return any(each.withheld for variant in self.variants for each in variant.restricted)


@dataclass(frozen=True)
class _Group:
    """Recipients that are to get the same but for what they are kept from."""

    profile: Profile
    request: ExportRequest
    recipients: tuple[Recipient, ...]
    in_scope: Cases
    """Cases of its scope that a recipient of the run or a user is kept from."""


def plan(connection: Connection, request: ExportRequest, configuration: Mapping[str, Any]) -> Plan:
    """What is to be made of a run's frozen configuration, by the register as the connection sees it.

    Raises CatalogueError or FilterError where the request cannot be had.
    """
    planner = _Planner(connection, request, configuration)
    return planner.plan()


class _Planner:
    def __init__(self, connection: Connection, request: ExportRequest, configuration: Mapping[str, Any]) -> None:
        self._connection = connection
        self._request = request
        self._masking: Mapping[str, str] = configuration.get("masking", {})
        self._backup: str | None = configuration.get("backup_address")
        self._recipients = [Recipient(*each) for each in enumerate(configuration["destinations"])]
        self._rules, self._insiders = _rules(connection, request.organization_id)
        self._users = _users(connection, request.organization_id)
        self._kept = kept_by_person(connection, request.organization_id, self._everybody())

    def plan(self) -> Plan:
        groups = [self._group(*key, recipients) for key, recipients in self._sorted().items()]
        backup, withheld_from_all = self._backup_group(groups)
        variants = [each for group in groups for each in self._variants(group)]
        if backup is not None:
            variants += self._of_recipients(backup)
        readers = tuple(self._kept)
        return Plan(
            variants=tuple(variants),
            kept_from={
                person.key: sorted({str(case_id) for same in self._same(person) for case_id in self._kept[same]})
                for person in readers
            },
            withheld_from_all=withheld_from_all,
            told=tuple(replace(group.request, seen_by=readers) for group in groups),
        )

    def _same(self, person: Person) -> Iterator[Person]:
        """A recipient and a user of one address."""
        return (each for each in self._kept if each.key == person.key)

    def _everybody(self) -> Iterator[Person]:
        yield from (person for each in self._recipients if (person := each.person) is not None)
        yield from (person for person, _ in self._users)
        if self._backup:
            yield Person(self._backup)

    def _sorted(self) -> dict[tuple[Profile, str], list[Recipient]]:
        """Recipients by their masking and own filters; one set without anybody where the run has no recipient."""
        found: dict[tuple[Profile, str], list[Recipient]] = {}
        for each in self._recipients:
            own = each.frozen.get("own_filters")
            key = self._profile(each.frozen["kind"], each.frozen["target"]), json.dumps(own or None, sort_keys=True)
            found.setdefault(key, []).append(each)
        return found or {(Profile.NONE, "null"): []}

    def _profile(self, kind: str, target: str) -> Profile:
        return masking.profile_for(DestinationKind(kind), target, self._masking, self._rules, self._insiders)

    def _group(self, profile: Profile, own_filters: str, recipients: Sequence[Recipient]) -> _Group:
        request = replace(self._request, own_filters=json.loads(own_filters))
        request = replace(request, masking=masking.resolve(profile, request.columns(), self._rules))
        return _Group(profile, request, tuple(recipients), self._in_scope(request))

    def _in_scope(self, request: ExportRequest) -> Cases:
        """Of the cases that anybody is kept from those that a file of the request would tell of.

        A board report looks back to before its period.
        """
        candidates = sorted({case_id for cases in self._kept.values() for case_id in cases})
        if not candidates:
            return frozenset()
        scope = scope_of(request, self._connection, with_period=request.export_type != ExportType.BOARD_REPORT)
        found: set[uuid.UUID] = set()
        for first in range(0, len(candidates), AT_ONCE):
            some = candidates[first : first + AT_ONCE]
            found.update(self._connection.scalars(sa.select(Case.id).where(Case.id.in_(some), *scope.conditions)))
        return frozenset(found)

    def _withheld(self, person: Person | None, group: _Group) -> Cases:
        return group.in_scope & frozenset(self._kept.get(person, {})) if person is not None else frozenset()

    def _variants(self, group: _Group) -> list[Variant]:
        variants = self._of_recipients(group)
        looking = self._looking(group, {_withheld_of(each) for each in variants})
        if len(looking) > MOST_TO_SEE:
            looking = {frozenset().union(*looking): {person for people in looking.values() for person in people}}
        to_see = sorted(looking.items(), key=lambda each: sorted(each[0]))
        return variants + [self._variant(group, *each) for each in to_see]

    def _looking(self, group: _Group, made: Collection[Cases]) -> dict[Cases, set[Person]]:
        """Files that nobody gets, and whose readers they are made from.

        To somebody who is kept from a case the run is as if there were no such case: in the place of each file that is
        sent they see one that lacks it too.
        """
        found: dict[Cases, set[Person]] = {}
        recipients = {person for each in group.recipients if (person := each.person) is not None}
        for looker, sees_runs in self._users:
            theirs = self._withheld(looker, group) if sees_runs else frozenset()
            for withheld in made if theirs else ():
                wanted = withheld | theirs
                if wanted not in made:
                    same = {each for each in recipients if self._withheld(each, group) == withheld and withheld}
                    found.setdefault(wanted, set()).update({looker}, same)
        return found

    def _of_recipients(self, group: _Group) -> list[Variant]:
        sets: dict[Cases, list[Recipient]] = {}
        for each in group.recipients:
            sets.setdefault(self._withheld(each.person, group), []).append(each)
        found = []
        for withheld, recipients in (sets or {frozenset(): []}).items():
            people = [person for each in recipients if (person := each.person) is not None]
            found.append(self._variant(group, withheld, people, recipients=recipients))
        return found

    def _variant(
        self,
        group: _Group,
        withheld: Cases,
        people: Collection[Person],
        *,
        recipients: Sequence[Recipient] | None = None,
    ) -> Variant:
        return Variant(
            name=secrets.token_hex(4),
            request=replace(group.request, seen_by=tuple(sorted(people, key=lambda each: each.key))),
            profile=group.profile,
            recipients=tuple(recipients or ()),
            only_to_see=recipients is None,
            restricted=tuple(
                Restricted(case_id, case_id in withheld, tuple(self._reasons(case_id, people)))
                for case_id in sorted(group.in_scope)
            ),
        )

    def _reasons(self, case_id: uuid.UUID, people: Collection[Person]) -> Iterator[Mapping[str, Any]]:
        for person in people:
            if kinds := self._kept.get(person, {}).get(case_id):
                yield {**person.to_json(), "as": sorted(kind.value for kind in kinds)}

    def _backup_group(self, groups: Collection[_Group]) -> tuple[_Group | None, Cases]:
        """The backup recipient, where there is something that only they get; and what not even they get."""
        unreached = frozenset().union(*(self._unreached(group) for group in groups))
        reached = frozenset().union(*(self._reached(group) for group in groups))
        missing = unreached - reached
        if not missing or not self._backup:
            return None, missing
        frozen = {"kind": DestinationKind.EMAIL.value, "target": self._backup, "name": "", "user_id": None}
        recipient = Recipient(len(self._recipients), frozen, backup=True)
        already = {person.key for each in self._recipients if (person := each.person) is not None}
        left = missing & frozenset(self._kept.get(Person(self._backup), {}))
        if left == missing or Person(self._backup).key in already:
            return None, missing
        return self._group(self._profile(DestinationKind.EMAIL, self._backup), "null", [recipient]), left

    def _unreached(self, group: _Group) -> Cases:
        """What is withheld from each of the group's recipients by mail."""
        people = [person for each in group.recipients if (person := each.person) is not None]
        if not people:
            return frozenset()
        return frozenset.intersection(*(self._withheld(person, group) for person in people))

    def _reached(self, group: _Group) -> Cases:
        people = [person for each in group.recipients if (person := each.person) is not None]
        return group.in_scope - self._unreached(group) if people else frozenset()


def _withheld_of(variant: Variant) -> Cases:
    return frozenset(each.case_id for each in variant.restricted if each.withheld)


def _rules(connection: Connection, organization_id: uuid.UUID) -> tuple[MaskingRules, Insiders]:
    with Session(connection) as session:
        settings = session.scalars(sa.select(Organization.settings).where(Organization.id == organization_id)).one()
        return MaskingRules.of(settings), load_insiders(session, organization_id)


def _users(connection: Connection, organization_id: uuid.UUID) -> list[tuple[Person, bool]]:
    """All of the organization, and whether they may see runs now; one who is not active may be so again."""
    columns = User.id, User.email, User.name, User.role, User.active
    rows = connection.execute(sa.select(*columns).where(User.organization_id == organization_id).order_by(User.email))
    return [(Person(row.email, row.id, row.name), row.active and may(row, Right.SEE_RUNS)) for row in rows]
