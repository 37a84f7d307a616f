"""C3: promoting, changing and clearing field tags: what they show of real cases, and what they touch, before anything
is saved."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from portal import audit, clock
from portal.exports.rows import open_rows
from portal.exports.tagged_fields import Tag, load_tags
from portal.extensions import db
from portal.models import AuditEvent, Case, CaseRestriction, RestrictionKind, write_session
from portal.schedules.column_sets import save_column_set
from tests.exports.tagged_register import fill_tagged, promote, tag
from tests.exports.test_tagged_fields import request_of
from tests.support.cast import Cast
from tests.support.schedules import make_schedule

pytestmark = pytest.mark.usefixtures("moved_clock")

AMOUNT = {
    "source": "CASE",
    "field_path": "custom_fields.amount",
    "template": "",
    "column_name": "amount",
    "label": "Amount at stake",
    "data_type": "CURRENCY",
    "format_pattern": "#,##0.00",
    "sensitivity": "OPEN",
    "revision": "",
}


def tags(cast: Cast) -> list[Tag]:
    db.session.rollback()
    return list(load_tags(db.session.connection(), cast.lakeside))


def hidden_of(answer: Any) -> dict[str, str]:
    """What the check page sends when its button is pressed."""
    form = next(each for each in answer.find("//main//form") if each.get("method") == "post")
    return {each.get("name"): each.get("value") for each in form.findall(".//input[@type='hidden']")}


def test_a_field_that_was_found_is_promoted_after_a_look_and_a_check(page, cast: Cast) -> None:
    """C3"""
    fill_tagged(cast.lakeside)
    schedule_id = make_schedule(
        cast.lakeside, cast.otto, name="With tags", column_config={"include_tagged_fields": True}
    )
    assert "Promote a field" in page.ana.get("/field-tags").words
    found = page.ana.get("/field-tags/2?source=CASE")
    [link] = found.find("//a[text()='amount']/@href")
    begun = page.ana.get(str(link))
    assert begun.find("//input[@id='column_name']/@value") == ["amount"]
    looked = page.ana.post("/field-tags/2", {**AMOUNT, "action": "look"})
    assert looked.status == 200
    assert "do not fit the type" in looked.words
    assert "Does not fit: left empty" in looked.words
    checked = page.ana.post("/field-tags/2", {**AMOUNT, "action": "check"})
    assert "Nothing is saved yet." in checked.words
    assert "Its files get the new column." in checked.words
    assert checked.find("//main//ul//a/@href") == [f"/schedules/{schedule_id}"]
    assert tags(cast) == []
    assert page.ana.post("/field-tags/2", {**hidden_of(checked), "action": "save"}).status == 303
    [saved] = tags(cast)
    assert (saved.slot, saved.column_name, saved.format_pattern) == (2, "amount", "#,##0.00")
    with open_rows(request_of(cast.lakeside, tags=(saved.to_json(),))) as stream:
        assert "amount" in {column.key for column in stream.columns}
    event = db.session.scalars(sa.select(AuditEvent).order_by(AuditEvent.sequence.desc())).first()
    assert event.action == "field_tag.promoted"


WRONG: list[tuple[dict[str, str], str]] = [
    ({"column_name": "case_id"}, "the key of another column"),
    ({"column_name": "inv_1_amount"}, "the key of another column"),
    ({"column_name": "hours"}, "Slot 1 has that key already"),
    ({"column_name": "Amount!"}, "small letters, digits and _"),
    ({"column_name": "a" * 65}, "small letters, digits and _"),
    ({"field_path": "amount"}, "begins with custom_fields."),
    ({"field_path": "custom_fields.\u202ea"}, "A path is one line"),
    ({"label": ""}, "Give the column a heading"),
    ({"label": "two\nlines"}, "one line"),
    ({"template": "Gifts"}, "Only interviews and disclosures have templates"),
    ({"format_pattern": "x"}, "no pattern of a number"),
    ({"data_type": "MONEY"}, "Choose the type"),
    ({"source": "EVERYWHERE"}, "Choose where the field stands"),
    ({"sensitivity": "EVERYTHING"}, "Choose what the values may tell"),
    ({"revision": "yesterday"}, "open the slot again"),
    ({"label": "a\x00b"}, "hidden character"),
]


def test_what_cannot_be_kept_ends_in_a_sentence(page, cast: Cast) -> None:
    """C3"""
    promote(cast.lakeside, (tag(1, "INVESTIGATION", "custom_fields.x", "hours", "NUMBER"),))
    for more, sentence in WRONG:
        answer = page.ana.post("/field-tags/2", {**AMOUNT, **more, "action": "save"})
        assert (answer.status, more) == (400, more)
        assert sentence in answer.words, more
    assert len(tags(cast)) == 1


def test_clearing_says_what_breaks_and_the_second_editor_is_told(page, cast: Cast, moved_clock: Any) -> None:
    """C3, attack 60"""
    page.ana.post("/field-tags/3", {**AMOUNT, "action": "save"})
    make_schedule(cast.lakeside, cast.otto, name="Chosen", column_config={"columns": ["case_id", "amount"]})
    make_schedule(cast.lakeside, cast.otto, name="Filtered", filters={"tags": {"amount": {"min": 5}}})
    make_schedule(cast.lakeside, cast.otto, name="Untouched")
    save_column_set(cast.lakeside, "Money", ["amount"], actor=audit.operator, now=clock.now())
    asked = page.ana.get("/field-tags/3/clear")
    assert "It has chosen this column, and its runs fail until that is changed there." in asked.words
    assert "It filters by this field, and cannot be run until that is changed there." in asked.words
    assert "Saved set of columns “Money” It has chosen this column, and it cannot be used" in asked.words
    assert "Untouched" not in asked.words
    moved_clock.forward(minutes=1)
    first = hidden_of(page.ana.get("/field-tags/3/clear"))
    changed = {**AMOUNT, "label": "Sum", "revision": first["revision"], "action": "save"}
    assert page.ana.post("/field-tags/3", changed).status == 303
    assert page.ana.post("/field-tags/3/clear", first).status == 303
    assert "Somebody else changed this slot meanwhile." in page.ana.get("/field-tags/3/clear").words
    assert [each.label for each in tags(cast)] == ["Sum"]
    page.ana.post("/field-tags/3/clear", hidden_of(page.ana.get("/field-tags/3/clear")))
    assert tags(cast) == []
    assert page.ana.post("/field-tags/3/clear", first).status == 303


def test_nothing_is_told_of_cases_that_one_is_kept_from(page, cast: Cast) -> None:
    """C18"""
    fill_tagged(cast.lakeside)
    with write_session() as session:
        session.execute(sa.delete(CaseRestriction))
        for case_id in session.scalars(sa.select(Case.id).where(Case.case_number != "T-005")).all():
            session.add(
                CaseRestriction(
                    organization_id=cast.lakeside,
                    case_id=case_id,
                    kind=RestrictionKind.BY_HAND,
                    email="Ana@example.org",
                    source="test",
                )
            )
    answer = page.ana.post("/field-tags/1", {**AMOUNT, "data_type": "TEXT", "format_pattern": "", "action": "look"})
    assert "1 case, 1 has a value" in " ".join(answer.words.split()).replace("all ", "")
    assert "T-005" in answer.words
    assert "T-006" not in answer.words


def test_slots_that_are_none_and_other_people(page, cast: Cast) -> None:
    """E1, E2"""
    promote(cast.lakeside, (tag(1, "CASE", "custom_fields.x", "secret_key", "NUMBER"),))
    assert page.ana.get("/field-tags/0").status == 404
    assert page.ana.post("/field-tags/21", AMOUNT).status == 404
    assert page.otto.get("/field-tags").status == 403
    assert "secret_key" in page.ana.get("/field-tags").words
    assert "secret_key" not in page.stella.get("/field-tags").words
    assert "secret_key" not in page.stella.get("/field-tags/1").words
