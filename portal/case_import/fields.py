"""What can be filled: the register's entities and their fields, read off the tables so that the two cannot differ."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import sqlalchemy as sa

from portal import models
from portal.models import Base, UtcDateTime


class Kind(Enum):
    """How a text becomes a value of a field."""

    TEXT = auto()
    MOMENT = auto()
    DAY = auto()  # custom fields only: a date without a time
    WORD = auto()
    YES_NO = auto()
    WHOLE = auto()
    NUMBER = auto()  # custom fields only
    PATH = auto()
    PLACE = auto()


@dataclass(frozen=True)
class Field:
    """`longest` counts characters; `words` are the only values allowed."""

    name: str
    kind: Kind
    required: bool = False
    longest: int | None = None
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entity:
    """`name` is the section of the mapping; `bag` the JSON column that takes fields of any name."""

    name: str
    model: type[Base]
    fields: dict[str, Field]
    bag: str | None

    @property
    def table(self) -> sa.Table:
        table = self.model.__table__
        assert isinstance(table, sa.Table)
        return table


# Filled by the import itself: identity, organization, references, and where a row came from.
_OWN = {"id", "organization_id", "source", "source_key", "source_hash"}
LONGEST_NAME = 200
TREES = ("category", "business_unit")


def _field(column: sa.Column[Any]) -> Field:
    kind, longest = Kind.TEXT, None
    words: tuple[str, ...] = ()
    if isinstance(column.type, UtcDateTime):
        kind = Kind.MOMENT
    elif isinstance(column.type, sa.Enum):
        kind, words = Kind.WORD, tuple(column.type.enums)
    elif isinstance(column.type, sa.Boolean):
        kind = Kind.YES_NO
    elif isinstance(column.type, sa.Integer):
        kind = Kind.WHOLE
    elif isinstance(column.type, sa.String):
        longest = column.type.length
    return Field(column.name, kind, not column.nullable, longest, words)


def _entity(name: str, model: type[Base]) -> Entity:
    table = model.__table__
    assert isinstance(table, sa.Table)
    columns = [each for each in table.columns if each.name not in _OWN and not each.name.endswith("_id")]
    bag = next((each.name for each in columns if isinstance(each.type, sa.JSON)), None)
    return Entity(name, model, {each.name: _field(each) for each in columns if each.name != bag}, bag)


def _case() -> Entity:
    entity = _entity("case", models.Case)
    optional = {"case_number", "updated_at"}  # from the key, and from the import itself
    fields = {
        name: Field(name, each.kind, each.required and name not in optional, each.longest, each.words)
        for name, each in entity.fields.items()
    }
    fields |= {name: Field(name, Kind.PATH, longest=LONGEST_NAME) for name in TREES}
    fields["location"] = Field("location", Kind.PLACE, longest=LONGEST_NAME)
    return Entity(entity.name, entity.model, fields, entity.bag)


CASE = _case()
INVESTIGATIONS = _entity("investigations", models.Investigation)
INTERVIEWS = _entity("interviews", models.Interview)
DISCLOSURES = _entity("disclosures", models.Disclosure)
CHILDREN: dict[str, Entity] = {
    each.name: each
    for each in (
        _entity("intake_reports", models.IntakeReport),
        _entity("subjects", models.Subject),
        INVESTIGATIONS,
        INTERVIEWS,  # after the investigations that they belong to
        DISCLOSURES,
        _entity("remediation_plans", models.RemediationPlan),
        _entity("attachments", models.Attachment),
        _entity("restrictions", models.CaseRestriction),
    )
}
