"""F1, F2: children of cases in files of their own, and what becomes of them when the files come again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from portal.models import (
    Attachment,
    Case,
    CaseRestriction,
    Disclosure,
    IntakeReport,
    Interview,
    Investigation,
    RemediationPlan,
    Subject,
)
from tests.case_import.conftest import Done, rows_of


def cases() -> dict[str, Case]:
    return {row.case_number: row for row in rows_of(Case)}


CHILDREN = """
    source = "suite"
    [case]
    files = "cases*.csv"
    key = "Case No"
    [case.fields]
    status = { constant = "OPEN" }
    created_at = "Opened"
    assignee_email = "Owner"

    [intake_reports]
    files = "reports.csv"
    case = "CaseRef"
    key = "Report"
    [intake_reports.fields]
    received_at = "When"
    source_channel = "How"
    is_anonymous = "Anon"
    [intake_reports.details]
    Language = "Lang"

    [[subjects]]
    files = "people*.csv"
    case = "case"
    when = { column = "kind", equals = "subject" }
    [subjects.fields]
    name = "Name#1"
    role = "Name#2"
    email = "#5"

    [[subjects]]
    name = "accused"
    when = { column = "Accused", blank = false }
    [subjects.fields]
    name = "Accused"

    [investigations]
    files = "inv.csv"
    case = "case"
    key = "id"
    [investigations.fields]
    type = "type"
    started_at = "from"
    completed_at = { column = "to", not_before = "started_at" }
    finding_summary = "text"

    [interviews]
    files = "talks.csv"
    investigation = "inv"
    [interviews.fields]
    interviewee = "who"
    held_at = "at"
    [interviews.responses]
    q1 = "Q1"

    [disclosures]
    files = "forms.csv"
    case = "case"
    [disclosures.fields]
    submitted_at = "on"
    kind = { constant = "Gift" }
    [disclosures.form_data]
    Amount = { column = "amount", type = "number" }

    [remediation_plans]
    files = "plans.csv"
    case = "case"
    [remediation_plans.fields]
    created_at = "made"
    status = "status"

    [attachments]
    files = "files.csv"
    case = "case"
    [attachments.fields]
    filename = "file"
    size_bytes = "bytes"

    [restrictions]
    files = "people*.csv"
    case = "case"
    when = { column = "kind", equals = "kept" }
    [restrictions.fields]
    kind = { constant = "BY_HAND" }
    name = "Name#1"
    email = "#5"
"""

TEXT = "Erste Zeile\nالسطر الثاني\n三行目 \U0001f512"


def suite() -> dict[str, str]:
    return {
        # the files stand in the wrong order on purpose
        "talks.csv": "inv,who,at,Q1\n" + "I1,Witness,2026-02-01 10:00,yes\n" * 2 + "I9,x,2026-02-01,no\n",
        "inv.csv": f'id,case,type,from,to,text\nI1,A,Audit,2026-01-05,2026-01-04,"{TEXT}"\n'
        "I1,A,second row,,,\nI2,B,Audit,,,\nI3,Z,x,,,\n",
        "reports.csv": "Report,CaseRef,When,How,Anon,Lang\n"
        "R1,A,2026-01-01T10:00:00Z,web form,1,de\nR2,A,2026-01-02,HOTLINE,no,\n",
        "people1.csv": "case,kind,Name,Name,mail\nA,subject,Kim,Clerk,kim@example.org\nB,kept,Otto,,OTTO@example.org\n",
        "forms.csv": "case,on,amount\nA,2026-03-01,10\n,2026-03-02,20\n,2026-03-02,20\n",
        "plans.csv": "case,made,status\nA,2026-04-01,Open\n",
        "files.csv": "case,file,bytes\nA,memo.pdf,1200\nA,,\n",
        "cases1.csv": "Case No,Opened,Owner,Accused\nA,2026-01-01,Ana@example.org,Lee\n",
        "cases2.csv": "Opened,Case No,Accused,Owner\n2026-01-02,B,,nobody@example.org\n",
    }


def test_children_in_files_of_their_own(bring: Any, cast: Any) -> None:
    """F1, F2: every entity, joined by a key, whatever the columns are called."""
    done: Done = bring(CHILDREN, suite())

    assert sorted((row.file, row.line, row.reason) for row in done.bad) == [
        ("inv.csv", 7, "the register and the files hold no such case"),
        ("talks.csv", 4, 'no case of these files has an investigation of this key; give the case too, with "case"'),
    ]
    found = cases()
    assert found["A"].assignee_user_id == cast.ana
    assert found["B"].assignee_user_id is None
    reports = rows_of(IntakeReport, IntakeReport.received_at)
    assert [(str(row.source_channel), row.is_anonymous, row.details) for row in reports] == [
        ("WEB_FORM", True, {"Language": "de"}),
        ("HOTLINE", False, {}),
    ]
    assert {(row.name, row.role, row.email) for row in rows_of(Subject)} == {
        ("Kim", "Clerk", "kim@example.org"),
        ("Lee", None, None),
    }
    first, _second = rows_of(Investigation, Investigation.source_key)
    assert (first.type, first.finding_summary, first.completed_at) == ("Audit", TEXT, None)
    assert done.report.warnings["[investigations] completed_at before started_at, left empty"] == 1
    talks = rows_of(Interview)
    assert [(row.investigation_id, row.interviewee, row.responses) for row in talks] == [
        (first.id, "Witness", {"q1": "yes"})
    ] * 2
    forms = rows_of(Disclosure, Disclosure.submitted_at)
    assert [(row.case_id, row.form_data) for row in forms] == [
        (found["A"].id, {"Amount": 10}),
        (None, {"Amount": 20}),
        (None, {"Amount": 20}),
    ]
    assert [(row.status, row.case_id) for row in rows_of(RemediationPlan)] == [("Open", found["A"].id)]
    assert [(row.filename, row.size_bytes) for row in rows_of(Attachment)] == [("memo.pdf", 1200)]
    (kept,) = rows_of(CaseRestriction)
    assert (kept.case_id, kept.user_id) == (found["B"].id, cast.otto)

    again: Done = bring(CHILDREN, suite())
    for name, tally in again.report.entities.items():
        assert (tally.new, tally.updated, tally.kept) == (0, 0, 0), name
        assert tally.unchanged == done.report.tally(name).new, name


def test_a_file_of_children_alone_finds_its_cases_in_the_register(bring: Any) -> None:
    """F2: later files of children, without the cases'."""
    bring(CHILDREN, suite())
    more = bring(CHILDREN, {"inv.csv": "id,case,type,from,to,text\nI7,B,Late,2026-05-01,,\nI8,Q,x,,,\n"})
    assert more.counts("investigations") == (1, 0, 0)
    assert more.counts("cases") == (0, 0, 0)
    assert [row.line for row in more.bad] == [3]


def test_what_changed_is_updated_and_what_is_gone_is_kept(bring: Any, moved_clock: Any) -> None:
    """F2: run again = update; updated_at moves only where something changed, also below the case."""
    start = moved_clock.now()
    bring(CHILDREN, suite())
    moved_clock.forward(days=1)
    files = suite()
    files["cases2.csv"] = "Opened,Case No,Accused,Owner\n2026-01-03,B,Someone,\n"
    files["inv.csv"] = "id,case,type,from,to,text\nI2,B,Audit,,,\n"
    files["people1.csv"] = (
        "case,kind,Name,Name,mail\nA,subject,Kim,Head clerk,kim@example.org\nB,kept,Otto,,OTTO@example.org\n"
    )
    del files["talks.csv"]
    done = bring(CHILDREN, files)

    assert done.counts("cases") == (0, 1, 1)
    assert done.counts("subjects") == (1, 1, 1)  # a row without an id was corrected, not doubled
    assert done.counts("investigations") == (0, 0, 1)
    assert done.report.tally("investigations").kept == 1
    assert len(rows_of(Investigation)) == 2
    assert sorted(row.role or "" for row in rows_of(Subject)) == ["", "", "Head clerk"]
    found = cases()
    assert found["B"].updated_at == found["A"].updated_at == start + timedelta(days=1)
    moved_clock.forward(days=1)
    bring(CHILDREN, files)
    assert cases()["A"].updated_at == start + timedelta(days=1)
