"""Who is kept from which case (conflict of interest): the one rule for files, pages, counts, links and mails.

A person is kept from a case where they are its subject by their address, or where they are on its list: by address, as
a user, or, if nothing but a name is known, by their name. Addresses are compared without regard to case, and hosts in
either of their spellings.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import idna
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from portal.models import Case, CaseRestriction, RestrictionKind, Subject, User

AT_ONCE = 200
"""People whose cases are asked for by one question."""
_LISTED = sa.func.lower(CaseRestriction.email)
_SUBJECT = sa.func.lower(Subject.email)
_NAMED = sa.func.lower(CaseRestriction.name)
_ONLY_NAMED = (CaseRestriction.email.is_(None), CaseRestriction.user_id.is_(None))


@dataclass(frozen=True)
class Person:
    """Somebody who is to see something: an address, a user, or both; the name where it is known."""

    email: str
    user_id: uuid.UUID | None = None
    name: str = ""

    @property
    def key(self) -> str:
        """The same for every spelling of the address: case-folded, its host in ASCII."""
        local, at, host = self.email.strip().casefold().rpartition("@")
        return f"{local}{at}{_respelled(host, _to_ascii)}"

    def to_json(self) -> dict[str, str | None]:
        return {"email": self.email, "user_id": str(self.user_id) if self.user_id else None, "name": self.name}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(data["email"], uuid.UUID(data["user_id"]) if data["user_id"] else None, data.get("name", ""))


Kinds = frozenset[RestrictionKind]


def kept_from_any(organization_id: uuid.UUID, people: Collection[Person]) -> sa.ColumnElement[bool]:
    """True of a case that one of these people is kept from."""
    return Case.id.in_(sa.union_all(*_cases_of(organization_id, people)))


def kept_cases(connection: Connection, organization_id: uuid.UUID, person: Person) -> set[uuid.UUID]:
    """The cases that the person is kept from."""
    return set(connection.scalars(sa.union_all(*_cases_of(organization_id, [person]))))


def kept_by_person(
    connection: Connection, organization_id: uuid.UUID, people: Iterable[Person]
) -> dict[Person, dict[uuid.UUID, Kinds]]:
    """For each of them the cases they are kept from, and as what; those who are kept from none are left out."""
    asked = list(people)
    found: dict[Person, dict[uuid.UUID, Kinds]] = defaultdict(dict)
    for first in range(0, len(asked), AT_ONCE):
        meant = _Meant.of(connection, organization_id, asked[first : first + AT_ONCE])
        for row in connection.execute(sa.union_all(*meant.rows(organization_id))):
            for person in meant.people_of(row.email, row.user_id, row.name):
                found[person][row.case_id] = found[person].get(row.case_id, frozenset()) | {RestrictionKind(row.kind)}
    return dict(found)


def _cases_of(organization_id: uuid.UUID, people: Collection[Person]) -> Iterator[sa.Select[uuid.UUID]]:
    """Each way of being kept is a question of its own, so that each has its index."""
    addresses = sorted({form for person in people for form in _spellings(person.email)})
    user_ids = [person.user_id for person in people if person.user_id is not None]
    names = sorted({_name_key(person.name) for person in people} - {""})
    # an address may be a user's, and a user may be meant by their address or name
    users = (User.organization_id == organization_id, sa.or_(User.email.in_(addresses), User.id.in_(user_ids)))
    emails = sa.select(sa.func.lower(User.email)).where(*users)
    listed = sa.select(CaseRestriction.case_id).where(CaseRestriction.organization_id == organization_id)
    subjects = sa.select(Subject.case_id).where(Subject.organization_id == organization_id)
    yield listed.where(_LISTED.in_(addresses))
    yield listed.where(_LISTED.in_(emails))
    yield listed.where(CaseRestriction.user_id.in_(sa.select(User.id).where(*users)))
    yield listed.where(*_ONLY_NAMED, _NAMED.in_(names))
    yield listed.where(*_ONLY_NAMED, _NAMED.in_(sa.select(sa.func.lower(User.name)).where(*users)))
    yield subjects.where(_SUBJECT.in_(addresses))
    yield subjects.where(_SUBJECT.in_(emails))


@dataclass(frozen=True)
class _Meant:
    """Whom an address, a user or a name on a list means, of some people."""

    addresses: Mapping[str, set[Person]]
    users: Mapping[uuid.UUID, set[Person]]
    names: Mapping[str, set[Person]]
    spellings: frozenset[str]

    @classmethod
    def of(cls, connection: Connection, organization_id: uuid.UUID, people: Sequence[Person]) -> Self:
        addresses: dict[str, set[Person]] = defaultdict(set)
        users: dict[uuid.UUID, set[Person]] = defaultdict(set)
        names: dict[str, set[Person]] = defaultdict(set)
        spellings = {form for person in people for form in _spellings(person.email)}
        for person in people:
            addresses[person.key].add(person)
            names[_name_key(person.name)].add(person)
            if person.user_id is not None:
                users[person.user_id].add(person)
        either = sa.or_(User.email.in_(spellings), User.id.in_(list(users)))
        statement = sa.select(User.id, User.email, User.name).where(User.organization_id == organization_id, either)
        for user in connection.execute(statement):
            address = Person(user.email).key
            same = addresses[address] | users[user.id]
            addresses[address] |= same
            users[user.id] |= same
            names[_name_key(user.name)] |= same
            spellings |= _spellings(user.email)
        names.pop("", None)
        return cls(addresses, users, names, frozenset(spellings))

    def rows(self, organization_id: uuid.UUID) -> Iterator[sa.Select[*tuple[Any, ...]]]:
        """What there is about any of them: case, kind, address, user, name."""
        person = CaseRestriction.email, CaseRestriction.user_id, CaseRestriction.name
        as_what = sa.cast(CaseRestriction.kind, sa.String).label("kind")
        listed = sa.select(CaseRestriction.case_id, as_what, *person)
        listed = listed.where(CaseRestriction.organization_id == organization_id)
        yield listed.where(_LISTED.in_(self.spellings))
        yield listed.where(CaseRestriction.user_id.in_(list(self.users)))
        yield listed.where(*_ONLY_NAMED, _NAMED.in_(list(self.names)))
        kind = sa.literal(RestrictionKind.SUBJECT.value, sa.String).label("kind")
        nobody = sa.cast(sa.null(), sa.Uuid).label("user_id")
        of_cases = sa.select(Subject.case_id, kind, Subject.email, nobody, Subject.name)
        yield of_cases.where(Subject.organization_id == organization_id, _SUBJECT.in_(self.spellings))

    def people_of(self, email: str | None, user_id: uuid.UUID | None, name: str | None) -> set[Person]:
        people = self.addresses.get(Person(email).key, set()) if email else set()
        if user_id is not None:
            people = people | self.users.get(user_id, set())
        if not email and user_id is None:
            people = people | self.names.get(_name_key(name or ""), set())
        return people


def _name_key(name: str) -> str:
    return name.strip().lower()


def _spellings(address: str) -> set[str]:
    """What `lower` of the database may make of this address as the register spells it.

    SQLite's lowers ASCII letters alone, and of a host there are two spellings.
    """
    local, at, host = address.strip().rpartition("@")
    found = set()
    for spelt in {host, _respelled(host, _to_ascii), _respelled(host, idna.decode)}:
        whole = f"{local}{at}{spelt}"
        found |= {whole.lower(), whole.casefold(), _lower_ascii(whole), _lower_ascii(whole.upper())}
    return found


def _lower_ascii(text: str) -> str:
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)


def _to_ascii(host: str) -> str:
    return idna.encode(host, uts46=True).decode("ascii")


def _respelled(host: str, spell: Callable[[str], str]) -> str:
    try:
        return spell(host)
    except (idna.IDNAError, UnicodeError):
        return host
