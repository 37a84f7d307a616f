"""What an admin does to the organization's field tags: promote a field to a slot, change the tag, clear the slot."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal import audit
from portal.exports.catalogue import OFFERED
from portal.exports.columns import Sensitivity
from portal.exports.register_columns import CHANGE
from portal.exports.tag_rules import PatternError, rule_of
from portal.exports.tagged_fields import LONGEST_PATH, WITH_TEMPLATES, PathError, Tag, path_keys, path_of
from portal.models import FieldTag, TagDataType, TagSource, write_session
from portal.models.field_tag import SLOTS

LONGEST_NAME = 64
LONGEST_LABEL = 200
SENSITIVITIES = (Sensitivity.OPEN, Sensitivity.PERSON, Sensitivity.PLACE, Sensitivity.FREE_TEXT)
_NAME = re.compile(f"[a-z][a-z0-9_]{{0,{LONGEST_NAME - 1}}}")
_TAKEN = frozenset(column.key for each in OFFERED.values() for column in each.choosable()) | {CHANGE.key}


@dataclass(frozen=True)
class TagProblem:
    """What is wrong: the answer at fault ("" for none of them), and one sentence that says what to do."""

    field: str
    sentence: str


class TagNotAccepted(Exception):  # noqa: N818  # named for what was met
    """The tag cannot be kept as it was given."""

    def __init__(self, problems: Sequence[TagProblem]) -> None:
        super().__init__(" ".join(problem.sentence for problem in problems))
        self.problems = problems


def check_tag(slot: int, answers: Mapping[str, str], others: Sequence[Tag]) -> Tag:
    """The tag that the answers describe; `others` are those of the other slots.

    Answers are texts by the names of Tag's fields; what is not there is empty. Raises TagNotAccepted with all problems.
    """
    given = {key: (answers.get(key) or "").strip() for key in Tag.__dataclass_fields__}
    problems: list[TagProblem] = []

    def refuse(field: str, sentence: str) -> None:
        problems.append(TagProblem(field, sentence))

    if not 1 <= slot <= SLOTS:
        refuse("", f"There are {SLOTS} slots.")
    source = _one_of(TagSource, given["source"])
    if source is None:
        refuse("source", "Choose where the field stands.")
    else:
        try:
            given["field_path"] = path_of(source, path_keys(source, given["field_path"]))
        except PathError as problem:
            refuse("field_path", str(problem))
        if len(given["field_path"]) > LONGEST_PATH:
            refuse("field_path", f"At most {LONGEST_PATH} characters fit.")
    if given["template"] and source is not None and source not in WITH_TEMPLATES:
        refuse("template", "Only interviews and disclosures have templates: leave it empty.")
    _check_line(refuse, "template", given["template"], LONGEST_LABEL)
    _check_name(refuse, given["column_name"], others)
    if not given["label"]:
        refuse("label", "Give the column a heading that people read.")
    _check_line(refuse, "label", given["label"], LONGEST_LABEL)
    data_type = _one_of(TagDataType, given["data_type"])
    if data_type is None:
        refuse("data_type", "Choose the type.")
    else:
        try:
            rule_of(data_type, given["format_pattern"])
        except PatternError as problem:
            refuse("format_pattern", str(problem))
    sensitivity = _one_of(Sensitivity, given["sensitivity"])
    if sensitivity not in SENSITIVITIES:
        refuse("sensitivity", "Choose what the values may tell.")
    if problems or source is None or data_type is None or sensitivity is None:
        raise TagNotAccepted(problems)
    return Tag(
        slot,
        source,
        given["field_path"],
        given["template"] or None,
        given["column_name"],
        given["label"],
        data_type,
        given["format_pattern"] or None,
        sensitivity,
    )


def _one_of(kind: Any, text: str) -> Any:
    return kind(text) if text in tuple(kind) else None


def _check_line(refuse: Any, field: str, text: str, longest: int) -> None:
    if len(text) > longest or not text.isprintable():
        refuse(field, f"Write one line of at most {longest} characters, without hidden ones.")


def _check_name(refuse: Any, name: str, others: Sequence[Tag]) -> None:
    if not _NAME.fullmatch(name):
        refuse(
            "column_name",
            f"Write 1 to {LONGEST_NAME} small letters, digits and _, a letter first, such as amount_at_stake.",
        )
    elif name in _TAKEN or name.startswith("inv_"):
        refuse("column_name", f"“{name}” is, or may become, the key of another column: choose another.")
    elif taken := next((tag for tag in others if tag.column_name == name), None):
        refuse("column_name", f"Slot {taken.slot} has that key already: choose another.")


def save_tag(organization_id: uuid.UUID, tag: Tag, *, seen: datetime | None, actor: audit.Actor, now: datetime) -> None:
    """Promote the field to its slot, or put this tag in the place of the slot's.

    `seen` is when the slot was last changed, as the person saw it; None where it was empty. Raises TagNotAccepted.
    """
    try:
        with write_session() as db:
            row = _locked(db, organization_id, tag.slot)
            _meanwhile(row, seen)
            before = None if row is None else Tag.of(row)
            if row is None:
                row = FieldTag(organization_id=organization_id, slot=tag.slot)
                db.add(row)
            for field in ("source", "field_path", "template", "column_name", "label", "data_type", "format_pattern"):
                setattr(row, field, getattr(tag, field))
            row.sensitivity, row.updated_at = tag.sensitivity.value, now
            db.flush()
            if before != tag:
                _record(db, organization_id, tag.slot, before, tag, actor, now)
    except IntegrityError as error:
        sentence = (
            f"Somebody gave the key “{tag.column_name}” or slot {tag.slot} away meanwhile: look at the list again."
        )
        raise TagNotAccepted([TagProblem("", sentence)]) from error


def clear_tag(
    organization_id: uuid.UUID, slot: int, *, seen: datetime | None, actor: audit.Actor, now: datetime
) -> Tag | None:
    """Empty the slot; what was in it. Files that were made stay as they are. Raises TagNotAccepted."""
    with write_session() as db:
        row = _locked(db, organization_id, slot)
        if row is None:
            return None
        _meanwhile(row, seen)
        before = Tag.of(row)
        db.delete(row)
        _record(db, organization_id, slot, before, None, actor, now)
    return before


def _locked(db: Session, organization_id: uuid.UUID, slot: int) -> FieldTag | None:
    found = sa.select(FieldTag).where(FieldTag.organization_id == organization_id, FieldTag.slot == slot)
    return db.scalar(found.with_for_update())


def _meanwhile(row: FieldTag | None, seen: datetime | None) -> None:
    """The second of two people who change a slot is told."""
    if (row.updated_at if row else None) != seen:
        sentence = "Somebody else changed this slot meanwhile. This is what it holds now; make your change again."
        raise TagNotAccepted([TagProblem("", sentence)])


def _record(
    db: Session,
    organization_id: uuid.UUID,
    slot: int,
    before: Tag | None,
    after: Tag | None,
    actor: audit.Actor,
    now: datetime,
) -> None:
    action = "promoted" if before is None else "cleared" if after is None else "changed"
    audit.record(
        db,
        organization_id=organization_id,
        at=now,
        actor=actor,
        action=f"field_tag.{action}",
        subject=("field_tag", str(slot)),
        body={"before": before and before.to_json(), "after": after and after.to_json()},
    )
