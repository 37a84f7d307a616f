"""What the filters of an organization can be set to, each choice with the number of its cases.

A person is told nothing of cases that they are kept from: those are in no count, and who is only their assignee is no
choice.
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.orm import aliased

from portal.exports.register_names import Place, Tree, load_business_units, load_categories, load_locations
from portal.extensions import db
from portal.models import Case, CaseStatus, IntakeReport, Outcome, Priority, SourceChannel


@dataclass(frozen=True, slots=True)
class FilterChoice:
    """`value` is what the filter takes, `count` of all cases that the person may know of, `depth` how far down its
    tree."""

    value: str
    label: str
    count: int
    depth: int = 0


def choices(organization_id: uuid.UUID, kept_from: Collection[uuid.UUID] = ()) -> dict[str, list[FilterChoice]]:
    """By filter key: status, priority, category and business_unit (counted with their children), location, country,
    region, channel, assignee, outcome, anonymous ("true" and "false"). Five queries, two more with `kept_from`, the
    cases that the person is kept from."""
    connection = db.session.connection()
    counts = _counts(connection, organization_id)
    if kept_from:
        # a few, taken from the counts of all, which are read off indexes
        for key, withheld in _counts_of_few(connection, organization_id, kept_from).items():
            counts[key] = counts[key] - withheld
    places = load_locations(connection, organization_id)
    return {
        "status": _of_enum(CaseStatus, counts["status"]),
        "priority": _of_enum(Priority, counts["priority"]),
        "category": _of_tree(load_categories(connection, organization_id), counts["category"]),
        "business_unit": _of_tree(load_business_units(connection, organization_id), counts["business_unit"]),
        "location": _of_places(places, counts["location"], lambda place: place.name),
        "country": _of_places(places, counts["location"], lambda place: place.country),
        "region": _of_places(places, counts["location"], lambda place: place.region),
        "channel": _of_enum(SourceChannel, counts["channel"]),
        "assignee": _of_assignees(counts["assignee"]),
        "outcome": _of_enum(Outcome, counts["outcome"]),
        "anonymous": [
            FilterChoice("true", "Anonymous", counts["anonymous"][True]),
            FilterChoice("false", "Named", counts["anonymous"][False]),
        ],
    }


def _counts(connection: Connection, organization_id: uuid.UUID) -> dict[str, Counter[Any]]:
    counts: dict[str, Counter[Any]] = defaultdict(Counter)
    for kind, ident, status, priority, outcome, assignee, number in connection.execute(_of_cases(organization_id)):
        if kind == "words":
            counts["status"][status] += number
            counts["priority"][priority] += number
            counts["outcome"][outcome] += number
            counts["assignee"][assignee] += number
        elif ident is not None:
            counts[kind][ident] += number
    for channel, anonymous, number in connection.execute(_of_reports(organization_id)):
        counts["channel"][channel] += number
        counts["anonymous"][anonymous] += number
    return counts


def _of_cases(organization_id: uuid.UUID) -> sa.Executable:
    """One grouping for what few words are used in, and one for each of the ids, which have an index of their own."""
    number = sa.func.count().label("number")
    words = (Case.status, Case.priority, Case.outcome, Case.assignee_email)
    ids = {"category": Case.category_id, "business_unit": Case.business_unit_id, "location": Case.location_id}
    no_id, no_words = sa.cast(sa.null(), sa.Uuid), [sa.null()] * len(words)
    texts = [sa.cast(word, sa.String) for word in words]
    parts = [sa.select(sa.literal("words").label("kind"), no_id, *texts, number).group_by(*words)]
    parts += [sa.select(sa.literal(kind), ident, *no_words, number).group_by(ident) for kind, ident in ids.items()]
    return sa.union_all(*(part.where(Case.organization_id == organization_id) for part in parts))


def _of_reports(organization_id: uuid.UUID) -> sa.Executable:
    """Channel and anonymity of each case's earliest intake report."""
    earlier = aliased(IntakeReport)
    none_earlier = ~sa.exists().where(
        earlier.organization_id == IntakeReport.organization_id,
        earlier.case_id == IntakeReport.case_id,
        sa.tuple_(earlier.received_at, earlier.id) < sa.tuple_(IntakeReport.received_at, IntakeReport.id),
    )
    columns = (IntakeReport.source_channel, IntakeReport.is_anonymous)
    statement = sa.select(*columns, sa.func.count()).group_by(*columns)
    return statement.where(IntakeReport.organization_id == organization_id, none_earlier)


def _counts_of_few(
    connection: Connection, organization_id: uuid.UUID, case_ids: Collection[uuid.UUID]
) -> dict[str, Counter[Any]]:
    """The same of these cases, read one by one."""
    counts: dict[str, Counter[Any]] = defaultdict(Counter)
    columns = {
        "status": Case.status,
        "priority": Case.priority,
        "outcome": Case.outcome,
        "assignee": Case.assignee_email,
        "category": Case.category_id,
        "business_unit": Case.business_unit_id,
        "location": Case.location_id,
    }
    of_cases = sa.select(*columns.values()).where(Case.organization_id == organization_id, Case.id.in_(case_ids))
    for row in connection.execute(of_cases):
        for key, value in zip(columns, row, strict=True):
            counts[key][value] += 1
    of_reports = (
        sa.select(IntakeReport.case_id, IntakeReport.source_channel, IntakeReport.is_anonymous)
        .where(IntakeReport.organization_id == organization_id, IntakeReport.case_id.in_(case_ids))
        .order_by(IntakeReport.case_id, IntakeReport.received_at, IntakeReport.id)
    )
    seen: set[uuid.UUID] = set()
    for case_id, channel, anonymous in connection.execute(of_reports):
        if case_id not in seen:
            seen.add(case_id)
            counts["channel"][channel] += 1
            counts["anonymous"][anonymous] += 1
    return counts


def _of_enum(enum: type[StrEnum], counts: Counter[Any]) -> list[FilterChoice]:
    return [FilterChoice(each.value, each.value.replace("_", " ").capitalize(), counts[each.value]) for each in enum]


def _of_tree(tree: Tree, counts: Counter[Any]) -> list[FilterChoice]:
    found = []
    for depth, node in tree.walk():
        count = sum(counts[each] for each in tree.with_children([node.id]))
        found.append(FilterChoice(tree.value_of(node), node.name, count, depth))
    return found


def _of_places(places: list[Place], counts: Counter[Any], name: Callable[[Place], str | None]) -> list[FilterChoice]:
    numbers: Counter[str] = Counter()
    for place in places:
        if text := name(place):
            numbers[text] += counts[place.id]
    return [FilterChoice(text, text, numbers[text]) for text in sorted(numbers, key=str.casefold)]


def _of_assignees(counts: Counter[Any]) -> list[FilterChoice]:
    """One choice an address, however its letters are written."""
    spellings: dict[str, list[str]] = defaultdict(list)
    for address in sorted(filter(None, counts)):
        spellings[address.strip().casefold()].append(address)
    return [
        FilterChoice(each[0], each[0], sum(counts[address] for address in each))
        for _, each in sorted(spellings.items())
    ]
