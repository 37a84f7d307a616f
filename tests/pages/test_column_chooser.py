"""C6: the columns of a schedule, chosen and put in order without a script; saved sets of them."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from portal import audit
from portal.exports.case_filters import KnownNames
from portal.exports.catalogue import OFFERED
from portal.exports.tagged_fields import Tag
from portal.extensions import db
from portal.models import AuditEvent, ColumnSet, ExportType, TagDataType, TagSource, write_session
from portal.pages.schedules.in_words import facts
from portal.pages.schedules.names import Names
from portal.schedules.column_sets import save_column_set
from portal.schedules.inputs import NotAccepted
from tests.pages.test_schedule_builder import errors, save, saved
from tests.support.cast import Cast
from tests.support.pages_client import Answer, PageClient, values_of
from tests.support.schedules import make_schedule

NEW = "/schedules/new"
NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
TAG = Tag(1, TagSource.CASE, "custom_fields.amount", None, "amount", "Amount", TagDataType.NUMBER, None)
pytestmark = [pytest.mark.usefixtures("moved_clock"), pytest.mark.one_database]


def placed(answer: Answer) -> list[str]:
    return [each.get("value") for each in answer.find("//form//input[@name='column_order']")]


def ticked(answer: Answer) -> list[str]:
    return [each.get("value") for each in answer.find("//input[@name='columns'][@checked]")]


def pressed(client: PageClient, answer: Answer, step: str, **values: Any) -> Answer:
    return client.submit(answer, {**values, "step": step}, action=NEW)


def test_columns_are_chosen_and_put_in_order_with_buttons_alone_and_nothing_typed_is_lost(page) -> None:
    """C6"""
    otto = page.otto
    answer = pressed(
        otto, otto.get(NEW), "columns-arrange", name="Kept", columns=["case_number", "outcome", "case_status"]
    )
    assert placed(answer) == ["case_number", "outcome", "case_status"]
    answer = pressed(otto, answer, "column-up:case_status")
    answer = pressed(otto, answer, "column-up:case_status", column_labels=["", "State", ""])
    assert placed(answer) == ["case_status", "case_number", "outcome"]
    assert answer.find("//*[@autofocus]/@id") == ["column-down-case_status"]
    answer = pressed(otto, answer, "column-remove:outcome")
    assert placed(answer) == ["case_status", "case_number"]
    assert sorted(ticked(answer)) == ["case_number", "case_status"]
    answer = pressed(otto, answer, "column-down:nothing")
    assert answer.find("//input[@name='name']/@value") == ["Kept"]
    checked = otto.submit(answer, {"recipients": "priya@example.org"}, action=NEW)
    assert "2 chosen columns: State, Case Number" in checked.words
    assert saved(save(otto, checked)).column_config["columns"] == [
        {"key": "case_status", "label": "State"},
        "case_number",
    ]


def test_every_column_of_a_type_can_be_ticked_with_what_it_means_beside_it(page) -> None:
    answer = pressed(page.otto, page.otto.get(NEW), "columns-all", export_type="INVESTIGATIONS_ONLY")
    assert placed(answer) == [each.key for each in OFFERED[ExportType.INVESTIGATIONS_ONLY].choosable()]
    assert "How many interviews were held for it." in answer.words
    assert placed(pressed(page.otto, answer, "columns-none")) == []


def test_a_column_that_other_contents_do_not_have_says_so_and_can_be_removed(page) -> None:
    answer = pressed(page.otto, page.otto.get(NEW), "columns-arrange", columns=["case_number", "outcome"])
    answer = pressed(page.otto, answer, "columns-arrange", export_type="INVESTIGATIONS_ONLY")
    assert "Not a column of these contents: remove it." in answer.words
    refused = page.otto.submit(answer, {"name": "B", "recipients": "a@example.org"}, action=NEW)
    assert 'There is no column "outcome"' in errors(refused)["columns-0"]
    assert placed(pressed(page.otto, refused, "column-remove:outcome")) == ["case_number"]


def test_columns_are_told_as_the_file_will_head_them() -> None:
    """A heading of one's own is nothing where the file has keys, which BI tools read by."""
    config = {"columns": [{"key": "case_number", "label": "No."}, "outcome"]}
    heads = {
        "JSON_LINES": "case_number, outcome",
        "PARQUET": "case_number, outcome",
        "CSV": "case_number, outcome",
        "XLSX": "No., Outcome",
    }
    names = Names({}, KnownNames(uuid.uuid4(), tags=[TAG]))
    for name, heading in heads.items():
        described = {"export_type": "CUSTOM", "format": name, "column_config": config}
        assert facts(described, names)["Columns"] == f"2 chosen columns: {heading}"
    with_words = {
        "export_type": "CUSTOM",
        "format": "CSV",
        "format_options": {"header_labels": True},
        "column_config": config,
    }
    assert facts(with_words, names)["Columns"] == "2 chosen columns: No., Outcome"


def test_saved_sets_are_kept_used_replaced_and_deleted(page, cast: Cast) -> None:
    """C6; each change is written down, and a schedule keeps the columns it has."""
    otto = page.otto
    answer = pressed(otto, otto.get(NEW), "set-save", columns=["case_number", "outcome"], column_set_name="Short")
    assert "The set is saved" in answer.words
    assert not errors(answer)
    assert the_set().columns == ["case_number", "outcome"]
    set_id = str(the_set().id)
    answer = pressed(otto, otto.get(NEW), "set-use", column_set=set_id)
    assert placed(answer) == ["case_number", "outcome"]
    taken = pressed(otto, answer, "set-save", columns=["case_number"], column_set_name="Short")
    assert (taken.status, "There is a set named “Short”" in errors(taken)["column_set_name"]) == (400, True)
    pressed(otto, answer, "set-replace", columns=["outcome"], column_set=set_id)
    assert the_set().columns == ["outcome"]
    gone = pressed(otto, answer, "set-delete", column_set=set_id)
    assert "is deleted" in gone.words
    assert the_set() is None
    again = pressed(otto, answer, "set-use", column_set=set_id)
    assert errors(again) == {"column_set": "Choose one of the saved sets."}
    actions = db.session.scalars(sa.select(AuditEvent.action).order_by(AuditEvent.sequence)).all()
    assert actions == ["column_set.saved", "column_set.replaced", "column_set.deleted"]


def the_set() -> ColumnSet | None:
    db.session.rollback()
    return db.session.scalars(sa.select(ColumnSet)).one_or_none()


def test_the_sets_of_strangers_are_neither_offered_nor_changed(page, cast: Cast) -> None:
    """E1"""
    theirs = uuid.uuid4()
    with write_session() as session:
        session.add(
            ColumnSet(
                id=theirs,
                organization_id=cast.strangers,
                name="Theirs",
                columns=["outcome"],
                created_at=NOW,
                updated_at=NOW,
            )
        )
    form = page.otto.get(NEW)
    assert "Theirs" not in form.words
    for step in ("set-use", "set-replace", "set-delete"):
        data = {**values_of(the_builder(form)), "step": step, "columns": ["case_number"], "column_set": str(theirs)}
        answer = page.otto.http.post(NEW, data=data)
        assert (answer.status_code, "Choose one of the saved sets." in answer.text) == (400, True), step
    assert the_set().columns == ["outcome"]


def test_a_set_needs_a_name_that_can_be_read_and_columns(app, cast: Cast) -> None:
    actor = audit.user_actor(cast.otto, "otto@example.org")
    wrong = [("", ["outcome"]), ("x" * 121, ["outcome"]), ("re\u202eport", ["outcome"]), ("None", [])]
    for name, columns in wrong:
        with pytest.raises(NotAccepted):
            save_column_set(cast.lakeside, name, columns, actor=actor, now=NOW)
    assert the_set() is None


def test_the_steps_work_on_the_page_that_edits_too(page, cast: Cast) -> None:
    edit = f"/schedules/{make_schedule(cast.lakeside, cast.otto)}/edit"
    answer = page.otto.submit(page.otto.get(edit), {"step": "columns-arrange", "columns": ["outcome"]}, action=edit)
    assert values_of(the_builder(answer))["column_order"] == ["outcome"]


def the_builder(answer: Answer) -> Any:
    [form] = [form for form in answer.find("//main//form") if form.get("id") == "builder"]
    return form
