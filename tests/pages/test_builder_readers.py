"""Who gets what, in the builder without JavaScript: C14-C19, and what a new form that is sent again comes to."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from portal.extensions import db
from portal.models import (
    Case,
    CaseRestriction,
    FieldTag,
    Location,
    NoRows,
    RestrictionKind,
    Schedule,
    TagDataType,
    TagSource,
    write_session,
)
from tests.pages.test_schedule_builder import NEW, OPENED, errors, filled, save, saved, value
from tests.support.cast import Cast
from tests.support.schedules import make_cases

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("moved_clock")


def seen(page: Any, **answers: Any) -> Any:
    return filled(page.otto, **{"recipients": "otto@example.org; t.berg@elsewhere.example", **answers})


def test_the_check_page_says_what_people_outside_will_see_and_what_not(page, cast: Cast) -> None:
    """C17: by the organization's rule, and by the schedule's own choice."""
    make_cases(cast.lakeside, 1, created_at=OPENED)
    usual = seen(page, period="all", format="CSV")
    assert "They see it without names, free text, case numbers, as is said below." in usual.words
    assert "Replaced by pseudonyms, the same in every file: Case ID, Case Number, Assigned To" in usual.words
    assert "Inside your organization (otto@example.org) Every column as it is in the register." in usual.words
    assert "C-00001" in usual.words
    shown = seen(page, masking_outside="NONE")
    assert "Nothing is masked: they see what you see." in shown.words
    schedule = saved(save(page.otto, shown))
    assert schedule.masking == {"outside": "NONE"}
    again = page.otto.submit(page.otto.get(f"/schedules/{schedule.id}/edit"), action=f"/schedules/{schedule.id}/edit")
    assert "Outside your organization: everything" in again.words


def test_the_rows_are_shown_as_those_see_them_who_get_them(page, cast: Cast) -> None:
    """C14, C17: nobody inside gets it, so the first rows are masked."""
    make_cases(cast.lakeside, 1, created_at=OPENED)
    outside = filled(page.otto, recipients="t.berg@elsewhere.example", period="all")
    assert "as people outside would see them now" in outside.words
    assert "C-00001" not in outside.words
    both = page.otto.submit(
        page.otto.get(NEW),
        {"step": "look", "recipients": "a@example.org, b@elsewhere.example", "period": "all", "look_as": "outside"},
        action=NEW,
    )
    assert both.find("//input[@name='look_as'][@value='outside'][@checked]")
    assert "C-00001" not in both.words


def test_who_is_kept_from_a_case_counts_and_sees_the_others(page, cast: Cast) -> None:
    """C18: the preview is per viewer, and nothing in it tells that there is one more."""
    make_cases(cast.lakeside, 3, created_at=OPENED)
    with write_session() as session:
        case_id = session.scalar(sa.select(Case.id).where(Case.case_number == "C-00002"))
        session.add(
            CaseRestriction(
                organization_id=cast.lakeside,
                case_id=case_id,
                kind=RestrictionKind.BY_HAND,
                email="otto@example.org",
                source="test",
                source_key="1",
            )
        )
    asked = {"step": "look", "period": "all", "status": ["OPEN"]}
    otto = page.otto.submit(page.otto.get(NEW), asked, action=NEW)
    ana = page.ana.submit(page.ana.get(NEW), asked, action=NEW)
    assert ("Rows 2 " in otto.words, "Rows 3 " in ana.words) == (True, True)
    assert "C-00002" not in otto.words
    assert re.search(r"Open 2 ", otto.words)
    hunter = "zebra.hunter@example.org"
    with write_session() as session:
        session.execute(sa.update(Case).where(Case.id == case_id).values(assignee_email=hunter))
    for asked_for in (hunter, "zebra.huntr@example.org"):
        for step in ("look", "check"):
            answer = page.otto.submit(page.otto.get(NEW), {**asked, "step": step, "assignee": [asked_for]}, action=NEW)
            assert "There is no assignee" in answer.words, (
                "whether the name is in a case of which nothing is told or not"
            )
            assert hunter not in answer.text.replace(asked_for, "")


def test_groups_get_rows_of_their_own(page, cast: Cast) -> None:
    """C19: added, filled and removed by buttons alone; kept, shown again and copied."""
    with write_session() as session:
        session.add_all(
            Location(organization_id=cast.lakeside, name=name, region=name, country="US") for name in ("North", "South")
        )
    otto = page.otto
    first = otto.submit(otto.get(NEW), {"name": "Regions", "step": "own-rows-add"}, action=NEW)
    assert first.find("//*[@autofocus]/@id") == ["own_rows-0-addresses"]
    second = otto.submit(
        first,
        {"own_rows-0-addresses": "n@example.org", "own_rows-0-region": ["North"], "step": "own-rows-add"},
        action=NEW,
    )
    third = otto.submit(second, {"step": "own-rows-add"}, action=NEW)
    fewer = otto.submit(third, {"step": "own-rows-remove:1"}, action=NEW)
    answers = {
        "recipients": "all@example.org",
        "own_rows-1-addresses": "S <s@example.org>",
        "own_rows-1-region": ["South"],
    }
    twice = otto.submit(fewer, {**answers, "own_rows-1-addresses": "n@example.org"}, action=NEW)
    assert "stands in another group too" in errors(twice)["own_rows-1-addresses"]
    checked = otto.submit(fewer, answers, action=NEW)
    assert "n@example.org only: Region: North; s@example.org only: Region: South" in checked.words
    schedule = saved(save(otto, checked))
    kept = {each.target: each.own_filters for each in schedule.destinations}
    assert kept == {
        "all@example.org": None,
        "n@example.org": {"region": ["North"]},
        "s@example.org": {"region": ["South"]},
    }
    edit = otto.get(f"/schedules/{schedule.id}/edit")
    assert value(edit, "recipients") == "all@example.org"
    assert value(edit, "own_rows-1-addresses") == "S <s@example.org>"
    assert edit.find("//input[@name='own_rows-1-region'][@value='South'][@checked]")
    copy = otto.post(f"/schedules/{schedule.id}/duplicate")
    db.session.rollback()
    copied = db.session.scalars(sa.select(Schedule).where(Schedule.id != schedule.id)).one()
    assert copy.status == 303
    assert {each.target: each.own_filters for each in copied.destinations} == kept


def test_all_other_choices_are_kept_told_and_copied(page, cast: Cast) -> None:
    """C15, C16, C18, C10"""
    answers = {
        "only_changes": "y",
        "no_rows": "SEND_NOTICE",
        "send_when": "at_least",
        "send_rows": "5",
        "backup_address": "backup@example.org",
        "zip": "y",
        "masking_inside": "INTERNAL",
    }
    schedule = saved(save(page.otto, filled(page.otto, **answers)))
    edit = f"/schedules/{schedule.id}/edit"
    page.otto.post(f"/schedules/{schedule.id}/duplicate")
    same = saved(save(page.otto, page.otto.submit(page.otto.get(edit), action=edit)))
    db.session.rollback()
    copy = db.session.scalars(sa.select(Schedule).where(Schedule.id != schedule.id)).one()
    for each in (same, copy):
        assert each.only_changes
        assert each.no_rows is NoRows.SEND_NOTICE
        assert each.send_condition == {"kind": "ROWS", "at_least": 5}
        assert each.backup_address == "backup@example.org"
        assert each.format_options == {"zip": True}
        assert each.masking == {"inside": "INTERNAL"}
    changed = page.otto.submit(
        page.otto.get(edit), {"send_when": "changed", "no_rows": "SEND_NOTHING", "only_changes": []}, action=edit
    )
    told = page.otto.get(saved(save(page.otto, changed)) and f"/schedules/{schedule.id}").words
    assert "Only if there are at least 5 rows Only if something changed since the last time" in told
    assert "Send a notice: a short mail without a file Send nothing" in told
    assert "Of these: Only those that are new or changed since the last time (none)" in told


def test_a_board_report_has_no_columns_and_comes_in_its_own_formats(page) -> None:
    checked = filled(page.otto, export_type="BOARD_REPORT", format="PDF", columns_are="chosen", only_changes="y")
    schedule = saved(save(page.otto, checked))
    assert (schedule.column_config, schedule.only_changes) == ({}, False)
    assert "format-0" in errors(filled(page.otto, export_type="BOARD_REPORT", format="XLSX"))


def test_what_cannot_be_made_is_said_beside_the_form_with_what_to_do(page) -> None:
    """C12, C14"""
    looked = page.otto.submit(page.otto.get(NEW), {"step": "look", "format": "PDF"}, action=NEW)
    assert "Rows Cannot be made" in looked.words
    assert "choose the columns that matter, or choose Excel or CSV" in looked.words


def test_tagged_fields_are_filtered_and_chosen_as_columns(page, cast: Cast) -> None:
    """C3, C4"""
    with write_session() as session:
        for slot, (name, kind) in enumerate([("amount", TagDataType.NUMBER), ("seen", TagDataType.BOOLEAN)], 1):
            session.add(
                FieldTag(
                    organization_id=cast.lakeside,
                    slot=slot,
                    source=TagSource.CASE,
                    field_path=f"custom_fields.{name}",
                    column_name=name,
                    label=name.title(),
                    data_type=kind,
                )
            )
    answers = {
        "tag_filters-0-least": "100",
        "tag_filters-1-yes_no": "true",
        "columns_are": "chosen",
        "columns": ["amount"],
    }
    checked = filled(page.otto, **answers)
    assert "Amount: from 100. Seen: yes" in checked.words
    assert "1 chosen column: Amount" in checked.words
    schedule = saved(save(page.otto, checked))
    assert schedule.filters == {"tags": {"amount": {"min": 100}, "seen": True}}
    edit = f"/schedules/{schedule.id}/edit"
    again = saved(save(page.otto, page.otto.submit(page.otto.get(edit), action=edit)))
    assert again.filters == schedule.filters
    wrong = errors(filled(page.otto, **{"tag_filters-0-least": "many"}))
    assert "is no number" in wrong["tag_filters-0-least"]


def test_back_after_saving_and_saving_again_makes_no_second_schedule(page) -> None:
    """The form carries the id of what it makes: sent again as it was it leads there, changed it asks first."""
    form = page.otto.get(NEW)
    answers = {"name": "Once", "recipients": "priya@example.org"}
    made = saved(save(page.otto, page.otto.submit(form, answers, action=NEW)))
    back = page.otto.submit(form, {**answers, "name": "Twice"}, action=NEW)
    assert (back.status, value(back, "name")) == (409, "Twice")
    assert "You saved this form already, as “Once”." in back.words
    edit = f"/schedules/{made.id}/edit"
    changed = saved(save(page.otto, page.otto.submit(back, action=edit)))
    assert (changed.id, changed.name) == (made.id, "Twice")
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Schedule)) == 1
