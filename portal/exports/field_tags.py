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
    check = _Check(answers)
    if not 1 <= slot <= SLOTS:
        check.refuse("", f"There are {SLOTS} slots.")
    source = check.one_of("source", TagSource, "Choose where the field stands.")
    path = check.path(source)
    template = check.line("template")
    if template and source is not None and source not in WITH_TEMPLATES:
        check.refuse("template", "Only interviews and disclosures have templates: leave it empty.")
    name = check.name(others)
    label = check.line("label", "Give the column a heading that people read.")
    data_type = check.one_of("data_type", TagDataType, "Choose the type.")
    pattern = check.pattern(data_type)
    tells = check.one_of("sensitivity", Sensitivity, "Choose what the values may tell.", among=SENSITIVITIES)
    if check.problems:
        raise TagNotAccepted(check.problems)
    return Tag(slot, source, path, template or None, name, label, data_type, pattern or None, tells)


class _Check:
    """Reads answers one by one and collects what is wrong with them."""

    def __init__(self, answers: Mapping[str, str]) -> None:
        self.problems: list[TagProblem] = []
        self._answers = answers

    def refuse(self, field: str, sentence: str) -> None:
        self.problems.append(TagProblem(field, sentence))

    def _text(self, field: str) -> str:
        return (self._answers.get(field) or "").strip()

    def one_of(self, field: str, kind: Any, sentence: str, *, among: Sequence[Any] | None = None) -> Any:
        """The member of the enum; None with the sentence where it is none."""
        text = self._text(field)
        if text in tuple(among or kind):
            return kind(text)
        self.refuse(field, sentence)
        return None

    def line(self, field: str, needed: str = "") -> str:
        """One line; `needed` is the sentence where it is empty."""
        text = self._text(field)
        if not text and needed:
            self.refuse(field, needed)
        elif len(text) > LONGEST_LABEL or not text.isprintable():
            self.refuse(field, f"Write one line of at most {LONGEST_LABEL} characters, without hidden ones.")
        return text

    def path(self, source: TagSource | None) -> str:
        """In the one way to write it."""
        text = self._text("field_path")
        if source is None:
            return text
        try:
            text = path_of(source, path_keys(source, text))
        except PathError as problem:
            self.refuse("field_path", str(problem))
        else:
            if len(text) > LONGEST_PATH:
                self.refuse("field_path", f"At most {LONGEST_PATH} characters fit.")
        return text

    def pattern(self, data_type: TagDataType | None) -> str:
        text = self._text("format_pattern")
        if data_type is not None:
            try:
                rule_of(data_type, text)
            except PatternError as problem:
                self.refuse("format_pattern", str(problem))
        return text

    def name(self, others: Sequence[Tag]) -> str:
        """The column's key: a fine one, and no other column's."""
        name = self._text("column_name")
        if not _NAME.fullmatch(name):
            self.refuse(
                "column_name",
                f"Write 1 to {LONGEST_NAME} small letters, digits and _, a letter first, such as amount_at_stake.",
            )
        elif name in _TAKEN or name.startswith("inv_"):
            self.refuse("column_name", f"“{name}” is, or may become, the key of another column: choose another.")
        elif taken := next((tag for tag in others if tag.column_name == name), None):
            self.refuse("column_name", f"Slot {taken.slot} has that key already: choose another.")
        return name


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
