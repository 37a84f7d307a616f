"""A register of the worst text: each of it in every text that a case and what hangs on it can have."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from portal.models import (
    BusinessUnit,
    Case,
    CaseStatus,
    Category,
    Disclosure,
    IntakeReport,
    Interview,
    Investigation,
    Location,
    RemediationPlan,
    Subject,
    write_session,
)
from tests.exports.small_register import FIRST

LIVE = (
    "=cmd|' /C calc'!A0", "@SUM(1+1)", "-2+3", "+1+1", "\t=1", "\r=1", "\n=1", '=1+2";=1+2', "＝1＋2", "＋1", "－1",
    "＠x", '=HYPERLINK("http://127.0.0.1/","x")', "=1", "-", "+",
)  # fmt: skip
"""What a spreadsheet would run."""

LOOKALIKES = (
    "+1", "-5", "1e5", "00123", "1234567890123456", "3-4", "1/2", "#N/A", "TRUE", "NULL", "None", "NaN", "\\N", "0x1F",
    "1,5", "$5", "45%", "2026-11-02", "2026-11-02T08:00:00Z", ";=1", " =1", "a;=1", 'a";=1+2;"', "a\t=1+2", "x,=1+2",
    "x\n=1+2", "'=1",
)  # fmt: skip
"""What looks like another type, or like another cell."""

MARKUP = (
    "<script>alert(1)</script>", "</t></is></c></row>", "<![CDATA[x]]>", "_x000D_", "&#13;&lt;", "{{7*7}}", "${7*7}",
    "{% x %}", "%s %d %(x)s %%", "<img src=file:///etc/passwd>", "http://169.254.169.254/", "@import url(x)",
    '<font color="[[[..]]]">x</font>', "<pdf:nextpage/>", "<svg onload=x>", "\\\"'`", "a\\(b)\\",
)  # fmt: skip

SHAPES = (
    "a\r\nb\rc\nd", "  before and after  ", '"', '""', ",", ";;", "¦", "line\u2028end\u2029", "del\x7f nel\x85",
    "w" * 3_000, "long " * 8_000, "z" + "\u0301" * 1_000,
)  # fmt: skip

SCRIPTS = (
    "İstanbul ß ﬁ Łódź", "Дмитро Ελένη", "فاطمة الزهراء", "שלום עולם", "王小明 山田太郎 김영희", "🙂 👩‍👩‍👧", "नमस्ते",
    "\u202egnp.exe", "zero\u200bwidth\ufeff", "a\u0301",
)  # fmt: skip

UNWRITABLE = ("nul\0in it", "vertical\x0btab", "bell\x07", "no\ufffecharacter\uffff", "=1\0")
"""What no file can hold; the database could be talked into it."""

WORST = (*LIVE, *LOOKALIKES, *MARKUP, *SHAPES, *SCRIPTS, *UNWRITABLE)
LABELS = tuple(text for text in WORST if text.strip() and text.isprintable() and len(text) < 200)
"""What can be a label of a column."""


def fill_hostile(organization_id: uuid.UUID) -> None:
    """A case for each of WORST, with everything that hangs on it."""
    rows: dict[Any, list[dict[str, Any]]] = {}
    children: list[dict[str, Any]] = []

    def add(table: Any, **values: Any) -> uuid.UUID:
        ident = uuid.uuid4()
        rows.setdefault(table, []).append({"id": ident, "organization_id": organization_id, **values})
        return ident

    for number, text in enumerate(WORST):
        created = FIRST + timedelta(hours=number)
        children.append({"id": uuid.uuid4(), "organization_id": organization_id, "name": text})
        children[-1]["parent_id"] = add(Category, name=text, code=text)
        case_id = add(
            Case,
            case_number=text,
            status=CaseStatus.OPEN,
            title=text,
            description=text,
            category_id=children[-1]["id"],
            business_unit_id=add(BusinessUnit, name=text, code=text),
            location_id=add(Location, name=text, country=text, region=text),
            assignee_name=text,
            assignee_email=text,
            created_at=created,
            updated_at=created,
            closed_at=datetime(9999, 12, 30, tzinfo=UTC) if number == 1 else None,
            outcome_reason=text,
            custom_fields={"note": text, text: [text, {text: None}]},
        )
        add(IntakeReport, case_id=case_id, received_at=created, reporter_relationship=text, details={text: text})
        add(Subject, case_id=case_id, name=text, email=text, role=text, custom_fields={text: text})
        add(RemediationPlan, case_id=case_id, status=text, created_at=created)
        inquiry = add(
            Investigation,
            case_id=case_id,
            type=text,
            status=text,
            started_at=datetime(1, 1, 3, tzinfo=UTC) if number == 1 else created,
            investigator_name=text,
            finding_summary=text,
        )
        add(Interview, investigation_id=inquiry, template=text, responses={text: text})
        add(Disclosure, case_id=case_id, kind=text, template=text, submitted_at=created, form_data={text: text})
    with write_session() as session:
        for table in (Category, BusinessUnit, Location):
            session.execute(sa.insert(table), rows.pop(table))
        session.execute(sa.insert(Category), children)
        for table, made in rows.items():
            session.execute(sa.insert(table), made)
