"""Build and edit a schedule, without JavaScript: A1-A6, A12, C4, C5, C14 (the script's part: test_schedule_browser)."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from werkzeug.datastructures import MultiDict

from portal import audit, clock
from portal.extensions import db
from portal.models import (
    AuditEvent,
    BusinessUnit,
    Case,
    CaseStatus,
    Category,
    Location,
    Schedule,
    ScheduleState,
    write_session,
)
from portal.schedules import changes
from tests.support.cast import Cast
from tests.support.pages_client import Answer, PageClient, values_of
from tests.support.schedules import make_cases, make_schedule

NEW = "/schedules/new"
OPENED = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
pytestmark = [pytest.mark.usefixtures("moved_clock"), pytest.mark.one_database]


def filled(client: PageClient, **values: Any) -> Answer:
    """The form as it comes, with these answers, sent by the button "Check your answers"."""
    usual = {"name": "Board", "recipients": "priya@example.org, t.berg@example.org"}
    return client.submit(client.get(NEW), {**usual, **values}, action=NEW)


def save(client: PageClient, checked: Answer) -> Answer:
    """Press "Save schedule" on the page that shows the answers."""
    assert checked.h1 == "Check your answers", checked.words
    [form] = [form for form in checked.find("//main//form") if form.xpath(".//button[@value='save']")]
    data = MultiDict((field.get("name"), field.get("value")) for field in form.iter("input"))
    data["step"] = "save"
    return client.open("POST", form.get("action"), data=data)


def saved(answer: Answer) -> Schedule:
    assert answer.status == 303, answer.words
    db.session.rollback()
    return db.session.scalars(sa.select(Schedule).where(Schedule.id == sa.literal(id_in(answer.location)))).one()


def id_in(location: str) -> Any:
    return uuid.UUID(location.rpartition("/")[2])


def errors(answer: Answer) -> dict[str, str]:
    """Anchor to sentence, of the summary at the top."""
    return {link.get("href").lstrip("#"): link.text for link in answer.find("//div[@class='error-summary']//a")}


def value(answer: Answer, name: str) -> str:
    [control] = answer.find(f"//main//*[@name='{name}']")
    return control.get("value") if control.tag == "input" else "".join(control.itertext()).removeprefix("\n")


def test_from_an_empty_form_to_a_schedule(page, cast: Cast) -> None:
    """A1, A2, A5, A10: built, checked and saved with three pages and no script."""
    make_cases(cast.lakeside, 7, created_at=OPENED)
    checked = filled(page.otto, name="Weekly for the board", period="year_to_date")
    assert "Every Monday at 08:00, New York time: flat file as Excel (XLSX) to 2 recipients" in checked.words
    assert checked.words.count("08:00 EST") >= 10
    assert "Rows 7" in checked.words
    schedule = saved(save(page.otto, checked))
    assert (schedule.name, schedule.state) == ("Weekly for the board", ScheduleState.ACTIVE)
    assert schedule.rule == {"freq": "weekly", "weekdays": [1], "time": "08:00"}
    assert schedule.next_local == "2026-11-02T08:00[America/New_York]"
    assert schedule.owner_id == cast.otto
    assert db.session.scalars(sa.select(AuditEvent.action)).all() == ["schedule.created"]


@pytest.mark.parametrize(
    ("answers", "rule"),
    [
        ({"repeats": "daily", "time": "23:59"}, {"freq": "daily", "time": "23:59"}),
        ({"repeats": "weekdays"}, {"freq": "weekly", "weekdays": [1, 2, 3, 4, 5], "time": "08:00"}),
        (
            {"repeats": "weekly", "weekdays": ["2", "5"], "interval": "2", "start": "2026-11-03"},
            {"freq": "weekly", "weekdays": [2, 5], "time": "08:00", "interval": 2, "start": "2026-11-03"},
        ),
        ({"repeats": "monthly", "day": "31"}, {"freq": "monthly", "day": 31, "time": "08:00"}),
        (
            {"repeats": "monthly", "day": "31", "short_month": "skip", "until": "2027-12-31"},
            {"freq": "monthly", "day": 31, "short_month": "skip", "time": "08:00", "until": "2027-12-31"},
        ),
        ({"repeats": "monthly", "monthly_by": "last_day"}, {"freq": "monthly", "day": "last", "time": "08:00"}),
        (
            {"repeats": "monthly", "monthly_by": "nth", "nth": "last", "weekday": "5"},
            {"freq": "monthly", "nth": "last", "weekday": 5, "time": "08:00"},
        ),
        (
            {"repeats": "monthly", "monthly_by": "workday", "workday": "Last"},
            {"freq": "monthly", "workday": "last", "time": "08:00"},
        ),
        ({"repeats": "once", "date": "2027-03-14"}, {"freq": "once", "date": "2027-03-14", "time": "08:00"}),
    ],
)
def test_every_kind_of_rule_comes_from_the_form_and_back_into_it(page, answers, rule) -> None:
    """A1, A3, A6, A12: what the edit form shows of a saved schedule saves to the same."""
    schedule = saved(save(page.otto, filled(page.otto, **answers)))
    assert schedule.rule == rule
    edit = f"/schedules/{schedule.id}/edit"
    again = saved(save(page.otto, page.otto.submit(page.otto.get(edit), action=edit)))
    assert (again.id, again.rule, again.revision) == (schedule.id, rule, 2)


@pytest.mark.parametrize(
    ("answers", "stored"),
    [
        ({"period": "last_days", "period_days": "14"}, "last_14_days"),
        ({"period": "between", "period_from": "2022-01-01", "period_to": "2022-03-31"}, "2022-01-01..2022-03-31"),
        ({"period": "typed", "period_typed": "2022"}, "2022"),
        ({"period": "typed", "period_typed": "2022-Q1"}, "2022-Q1"),
        ({"period": "since_last_success"}, "since_last_success"),
    ],
)
def test_every_kind_of_period(page, answers, stored) -> None:
    """C5"""
    schedule = saved(save(page.otto, filled(page.otto, **answers)))
    assert schedule.period == stored
    shown = page.otto.get(f"/schedules/{schedule.id}/edit")
    assert all(value(shown, name) == text for name, text in answers.items() if name != "period")


def test_csv_options_and_columns(page) -> None:
    """C6, C9"""
    answers = {
        "format": "CSV",
        "delimiter": ";",
        "bom": [],
        "header_labels": "y",
        "investigations": "1",
        "columns_are": "chosen",
        "columns": ["case_status", "case_number"],
        "column_order": ["case_number"],
        "column_labels": ["No."],
    }
    schedule = saved(save(page.otto, filled(page.otto, **answers)))
    assert schedule.format_options == {"delimiter": ";", "bom": False, "header_labels": True}
    assert schedule.column_config["columns"] == [{"key": "case_number", "label": "No."}, "case_status"]
    assert schedule.column_config["max_investigations"] == 1
    shown = page.otto.get(f"/schedules/{schedule.id}/edit")
    assert [each.get("value") for each in shown.find("//form//input[@name='column_order']")] == [
        "case_number",
        "case_status",
    ]
    assert "2 chosen columns: No., Status" in shown.words


CHOSEN = {"columns_are", "send_when", "repeats", "monthly_by", "format", "export_type", "period", "owner_id"}
WRONG = [
    ({"name": "  "}, "name", "Give the schedule a name."),
    ({"name": "x" * 300}, "name", "The name has 300 characters"),
    ({"name": "Board\r\nBcc: all@example.org"}, "name", "line break"),
    ({"name": "report\u202excslx"}, "name", "invisible character"),
    ({"time": "25:00"}, "time", "“25:00” is none"),
    ({"time": ""}, "time", "Write the time"),
    ({"timezone": "America/Nowhere"}, "timezone", 'There is no time zone "America/Nowhere"'),
    ({"timezone": "new york"}, "timezone", "did you mean America/New_York"),
    ({"repeats": "monthly", "day": "32"}, "day", "“32” is none"),
    ({"repeats": "monthly", "monthly_by": "workday", "workday": "21"}, "workday", "“21” is none"),
    ({"repeats": "weekly", "weekdays": []}, "weekdays-0", "at least one day"),
    ({"repeats": "daily", "interval": "2"}, "start", "Choose the first day"),
    ({"repeats": "daily", "interval": "many", "start": "2026-11-01"}, "interval", "“many” is none"),
    (
        {"repeats": "daily", "start": "2026-12-31", "until": "2026-12-01"},
        "until",
        "The last day lies before the first day",
    ),
    ({"repeats": "daily", "until": "2026-10-01"}, "until", "There is no moment left"),
    ({"repeats": "once", "date": "2026-10-31"}, "date", "This moment has passed"),
    ({"repeats": "once", "date": "14 March"}, "date", "“14 March” is none"),
    ({"repeats": "hourly"}, "repeats-0", "Choose how often"),
    ({"period": "last_days", "period_days": "many"}, "period_days", "Write the number of days"),
    ({"period": "between", "period_from": "2022-01-01", "period_to": ""}, "period_from", "Choose both dates"),
    (
        {"period": "between", "period_from": "2022-02-01", "period_to": "2022-01-01"},
        "period_from",
        "ends before it begins",
    ),
    ({"period": "typed", "period_typed": "2022-13"}, "period_typed", "2022-13"),
    ({"investigations": "11"}, "investigations", "“11” is none"),
    ({"columns_are": "chosen", "columns": ["case_numbr"]}, "columns-0", "did you mean case_number"),
    ({"columns_are": "chosen"}, "columns-0", "Tick the columns"),
    ({"export_type": "CUSTOM"}, "columns-0", "Tick the columns"),
    ({"send_when": "at_least", "send_rows": "many"}, "send_rows", "whole number of rows from 1"),
    ({"backup_address": "priya@example.org"}, "backup_address", "is a recipient already"),
    ({"backup_address": "a@example.org, b@example.org"}, "backup_address", "Name one person"),
    ({"own_rows-0-addresses": "north@example.org"}, "own_rows-0-business_unit-0", "Choose which rows they get"),
    ({"recipients": ""}, "recipients", "Name at least one recipient or a folder."),
    ({"attach": [], "link": []}, "attach", "Choose how recipients get the file"),
    ({"folders": "../../etc"}, "folders", "begins or ends with a dot"),
    ({"folders": "/etc"}, "folders", "below the export folder"),
    ({"format": "PPTX"}, "format-0", "not offered"),
    ({"export_type": "BOARD"}, "export_type-0", "Choose what to export."),
    ({"status": ["OPNE"]}, "status-0", "did you mean OPEN"),
    ({"owner_id": "nobody"}, "owner_id", "Choose an owner"),
]


@pytest.mark.parametrize(("answers", "field", "sentence"), WRONG)
def test_a_wrong_answer_is_a_sentence_at_its_field_and_all_that_was_typed_is_kept(
    page, answers, field, sentence
) -> None:
    answer = filled(page.otto, **{"description": "Kept <b>as typed</b>", **answers})
    assert answer.status == 400
    assert sentence in errors(answer)[field], errors(answer)
    assert answer.find(f"//*[@id='{field}']")
    assert value(answer, "description") == "Kept <b>as typed</b>"
    for name, typed in answers.items():
        if isinstance(typed, str) and name not in CHOSEN:
            # a line break cannot stand in a box of one line; the browser would take it out
            assert value(answer, name).split() == typed.split()
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Schedule)) == 0


def test_one_malformed_of_two_hundred_recipients_is_named_and_the_rest_kept(page) -> None:
    addresses = [f"person{number}@example.org" for number in range(199)]
    typed = "\n".join([*addresses[:120], "person120.example.org", *addresses[120:]])
    answer = filled(page.otto, recipients=typed)
    assert errors(answer) == {"recipients": "“person120.example.org” is not an address: it has no @."}
    assert value(answer, "recipients").split() == typed.split()


def test_what_a_control_character_does_is_said_at_its_field(page) -> None:
    """attack 25"""
    answer = filled(page.otto, name="Bo\x00ard", description="\x07")
    assert {"name", "description"} <= errors(answer).keys()


def test_markup_in_every_text_is_inert(page) -> None:
    """attacks 26, 27"""
    polyglot = "\"'><script>alert(1)</script>{{7*7}}${7*7}"
    answer = filled(page.otto, name=polyglot, description=polyglot)
    schedule = saved(save(page.otto, answer))
    for url in (f"/schedules/{schedule.id}", f"/schedules/{schedule.id}/edit", "/schedules"):
        shown = page.otto.get(url)
        assert not shown.find("//script[not(@src)]")
        assert polyglot in " ".join(shown.document.itertext()) or polyglot in shown.find("//input/@value")


def test_the_owner_and_the_filters_of_strangers_are_unknown_here(page, cast: Cast) -> None:
    """E1: another organization's person and category are no choice, and not told apart from what does not exist."""
    with write_session() as session:
        session.add(Category(organization_id=cast.strangers, name="Strange matters", code="STRANGE"))
    assert errors(filled(page.otto, owner_id=str(cast.stella))) == {"owner_id": "Choose an owner who can sign in."}
    stranger = errors(filled(page.otto, category=["STRANGE"]))["category-0"]
    nobody = errors(filled(page.otto, category=["STRANGO"]))["category-0"]
    assert stranger == nobody.replace("STRANGO", "STRANGE")


def test_the_filters_show_their_choices_with_counts_and_count_the_rows(page, cast: Cast) -> None:
    """C4, C14"""
    parent, child, unit = Category(), Category(), BusinessUnit()
    with write_session() as session:
        parent.organization_id = child.organization_id = unit.organization_id = cast.lakeside
        parent.name, parent.code, child.name, child.code = "Conduct", "CON", "Harassment", "HAR"
        unit.name, unit.code = "Ward 3", "W3"
        session.add_all([parent, unit])
        session.flush()
        child.parent_id = parent.id
        session.add(child)
        session.flush()
        given = {"organization_id": cast.lakeside, "created_at": OPENED, "updated_at": OPENED, "custom_fields": {}}
        session.add(Case(case_number="1", source_key="1", status=CaseStatus.OPEN, category_id=child.id, **given))
        session.add(Case(case_number="2", source_key="2", status=CaseStatus.CLOSED, business_unit_id=unit.id, **given))
    form = page.otto.get(NEW)
    [harassment] = form.find("//input[@name='category'][@value='HAR']/parent::label")
    assert re.sub(r"\s+", " ", "".join(harassment.itertext())).strip() == "Harassment 1"
    checked = filled(page.otto, category=["CON"], status=["OPEN"], period="year_to_date")
    assert "Category: Conduct, with all below" in checked.words
    assert "Rows 1 " in checked.words
    schedule = saved(save(page.otto, checked))
    assert schedule.filters == {"category": ["CON"], "status": ["OPEN"]}
    edit = page.otto.get(f"/schedules/{schedule.id}/edit")
    assert edit.find("//input[@name='category'][@value='CON'][@checked]")


def test_the_summary_is_renewed_without_judging(page) -> None:
    """A5: the button beside the summary works without a script."""
    form = page.otto.get(NEW)
    looked = page.otto.submit(form, {"step": "look", "repeats": "daily", "time": "02:30"}, action=NEW)
    assert looked.status == 200
    assert not errors(looked)
    assert "Every day at 02:30, New York time" in looked.words


def test_the_moments_say_where_the_clocks_move_them(page, moved_clock) -> None:
    """A4, A5"""
    checked = filled(page.otto, repeats="daily", time="02:30", start="2027-03-13")
    assert "moved to 03:30: 02:30 does not exist on this day" in checked.words
    assert "UTC-04:00, 07:30 UTC" in checked.words


def test_the_page_that_saves_sent_twice_makes_one_schedule(page) -> None:
    checked = filled(page.otto)
    assert save(page.otto, checked).location == save(page.otto, checked).location
    db.session.rollback()
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Schedule)) == 1
    assert db.session.scalars(sa.select(AuditEvent.action)).all() == ["schedule.created"]


def test_all_filters_at_once_stay_within_what_a_page_may_ask(page, cast: Cast) -> None:
    """C4; the client counts the statements behind every page"""
    with write_session() as session:
        where = {"organization_id": cast.lakeside}
        session.add(Category(name="Conduct", code="CON", **where))
        session.add(BusinessUnit(name="Ward 3", code="W3", **where))
        session.add(Location(name="Quay", country="US", region="North", **where))
    chosen = {
        "status": ["OPEN"],
        "priority": ["HIGH"],
        "category": ["CON"],
        "business_unit": ["W3"],
        "location": ["Quay"],
        "country": ["US"],
        "region": ["North"],
        "channel": ["HOTLINE"],
        "assignee": ["ana@example.org"],
        "outcome": ["OTHER"],
        "anonymous": "false",
        "date_field": "closed_at",
    }
    wrong = filled(page.otto, name="", overflow="y", **chosen)
    assert list(errors(wrong)) == ["name"]
    schedule = saved(save(page.otto, filled(page.otto, overflow="y", **chosen)))
    edit = f"/schedules/{schedule.id}/edit"
    again = saved(save(page.otto, page.otto.submit(page.otto.get(edit), action=edit)))
    assert again.filters == schedule.filters == {**chosen, "anonymous": False}


def test_who_is_outside_the_organization_is_said_before_saving(page) -> None:
    checked = filled(page.otto, recipients="priya@example.org; t.berg@elsewhere.example")
    assert "One recipient is outside your organization: t.berg@elsewhere.example." in checked.words
    inside = filled(page.otto)
    assert "outside your organization" not in inside.words


def test_the_answers_can_be_changed_after_the_check(page) -> None:
    checked = filled(page.otto, name="Not yet right")
    [form] = [form for form in checked.find("//main//form") if form.xpath(".//button[@value='change']")]
    data = MultiDict((field.get("name"), field.get("value")) for field in form.iter("input"))
    data["step"] = "change"
    back = page.otto.open("POST", form.get("action"), data=data)
    assert (back.status, value(back, "name")) == (200, "Not yet right")
    assert value(back, "recipients") == "priya@example.org, t.berg@example.org"


def test_the_second_of_two_editors_is_told_what_the_first_did_and_keeps_what_was_typed(page, cast: Cast) -> None:
    """A11, attack 60"""
    schedule_id = make_schedule(cast.lakeside, cast.otto, name="Both")
    edit = f"/schedules/{schedule_id}/edit"
    seen_by_otto = page.otto.get(edit)
    first = page.ana.submit(page.ana.get(edit), {"name": "Ana's name", "format": "XLSX"}, action=edit)
    assert saved(save(page.ana, first)).revision == 2
    told = page.otto.submit(seen_by_otto, {"name": "Otto's name"}, action=edit)
    assert (told.status, value(told, "name")) == (409, "Otto's name")
    assert "Somebody else changed this schedule" in told.words
    assert "ana@example.org changed it" in told.words
    assert "Name: Both Ana's name" in told.words
    again = page.otto.submit(told, {}, action=edit)
    assert saved(save(page.otto, again)).name == "Otto's name"


def test_two_who_save_at_the_check_page_are_told_too(page, cast: Cast) -> None:
    schedule_id = make_schedule(cast.lakeside, cast.otto)
    edit = f"/schedules/{schedule_id}/edit"
    checked_by_otto = page.otto.submit(page.otto.get(edit), {"name": "Otto's name"}, action=edit)
    saved(save(page.ana, page.ana.submit(page.ana.get(edit), {"name": "Ana's name"}, action=edit)))
    assert save(page.otto, checked_by_otto).status == 409
    db.session.rollback()
    assert db.session.get_one(Schedule, schedule_id).name == "Ana's name"


def test_what_was_typed_into_a_schedule_deleted_meanwhile_is_not_lost(page, cast: Cast) -> None:
    schedule_id = make_schedule(cast.lakeside, cast.otto)
    edit = f"/schedules/{schedule_id}/edit"
    seen = page.otto.get(edit)
    page.ana.post(f"/schedules/{schedule_id}/delete")
    told = page.otto.submit(seen, {"name": "Not lost"}, action=edit)
    assert "This schedule was deleted while you were writing." in told.words
    made = saved(save(page.otto, page.otto.submit(told, {}, action=NEW)))
    assert (made.name, made.state) == ("Not lost", ScheduleState.ACTIVE)


def test_the_fragment_for_the_script_is_the_same_summary(page) -> None:
    """C14: a POST with the form's own token; wrong answers hide only what depends on them."""
    client = page.otto
    token = client.csrf_token()
    assert client.http.post("/schedules/preview", data=form_values(client) | {"csrf_token": ""}).status_code == 400
    form = {**form_values(client), "csrf_token": token, "recipients": "nonsense", "time": "09:15"}
    answer = client.http.post("/schedules/preview", data=form)
    assert answer.status_code == 200
    assert "Every Monday at 09:15, New York time" in answer.text
    assert answer.text.count("<li>") >= 10
    broken = client.http.post("/schedules/preview", data={**form, "time": "25:00"})
    assert "Once the time and the zone are there" in broken.text
    assert "data-rows" in broken.text


def form_values(client: PageClient) -> dict[str, Any]:
    [form] = [form for form in client.get(NEW).find("//main//form") if form.get("id") == "builder"]
    return values_of(form)


def test_strangers_find_no_schedule_to_edit_or_preview(page, cast: Cast) -> None:
    """E1"""
    schedule_id = make_schedule(cast.lakeside, cast.otto)
    assert page.stella.get(f"/schedules/{schedule_id}/edit").status == 404
    answer = page.stella.http.post(
        f"/schedules/preview?schedule={schedule_id}",
        data={**form_values(page.stella), "csrf_token": page.stella.csrf_token()},
    )
    assert answer.status_code == 404


def test_a_deleted_schedule_is_not_edited(page, cast: Cast) -> None:
    schedule_id = make_schedule(cast.lakeside, cast.otto)
    changes.delete_schedule(
        cast.lakeside, schedule_id, actor=audit.user_actor(cast.otto, "otto@example.org"), now=clock.now()
    )
    assert page.otto.get(f"/schedules/{schedule_id}/edit").location == f"/schedules/{schedule_id}"
