"""Cases whose fields and answers hold all that people write into forms, and tags over them."""

from __future__ import annotations

import itertools
import uuid
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from portal.exports.tagged_fields import Tag
from portal.models import (
    Case,
    CaseStatus,
    Disclosure,
    FieldTag,
    IntakeReport,
    Interview,
    Investigation,
    TagDataType,
    TagSource,
    write_session,
)
from tests.exports.small_register import FIRST

RAW: tuple[Any, ...] = (
    None, "", "  \u00a0", [], {}, 0, 1, -1, 2, 12.5, -0.0, 0.1, 1e-7, 5.0, 45, 1e300, 10**14, 10**15, 10**20, 1e16,
    True, False, "1,234.50", "€ 1.200,00", "1.234", "1,234", "1.234.567", "1 234,5", "1'234", "USD 5", "5 kr", "-5",
    "−7", "(5.00)", "5-", "$-3", "Fr.5", "12.5", "0.125", ".5", "1234567890123456", "123456789012345", "00123", "1e5",
    "45%", "45 %", "4,5 %", "٣", "²", "0x10", "NaN", "Infinity", "2026-11-02", "2026-11-02T03:04:05.678Z",
    "2026-02-29", "2024-2-29", "0000-01-01", "02.11.2026", "11/02/2026", "31.12.2026 08:15", "Nov 2, 2026",
    "November 2, 2026 8:15 pm", "20261102", 20261102, 20261102.0, "yes", " YES ", "No", "t", "Ja", "nein", "maybe",
    ["a", "b"], ["a", None, 1.50, True], [{"x": 1}], [None], {"x": {"y": 1}}, "=1+1", "two\r\nlines", "İstanbul", "ß",
    '"quoted"', "{braces}", "%s :x", "\\",
)  # fmt: skip


def tag(slot: int, source: str, path: str, name: str, data_type: str, pattern: str | None = None, **more: Any) -> Tag:
    return Tag(
        slot, TagSource(source), path, more.pop("template", None), name, name.replace("_", " ").capitalize(),
        TagDataType(data_type), pattern, **more,
    )  # fmt: skip


TAGS: tuple[Tag, ...] = (
    tag(1, "CASE", "custom_fields.amount", "amount", "CURRENCY"),
    tag(2, "CASE", "custom_fields.amount", "amount_eur", "CURRENCY", "€ #.##0,00"),
    tag(3, "CASE", 'custom_fields."a.b".c', "number", "NUMBER"),
    tag(4, "CASE", "custom_fields.amount", "english", "NUMBER", "#,##0.00"),
    tag(5, "CASE", "custom_fields.amount", "share", "PERCENTAGE"),
    tag(6, "CASE", "custom_fields.amount", "points", "PERCENTAGE", "0.0"),
    tag(7, "CASE", "custom_fields.amount", "day", "DATE"),
    tag(8, "CASE", "custom_fields.amount", "german_day", "DATE", "dd.mm.yyyy"),
    tag(9, "CASE", "custom_fields.amount", "named_day", "DATE", "mmm d, yyyy"),
    tag(10, "CASE", "custom_fields.amount", "digits_day", "DATE", "yyyymmdd"),
    tag(11, "CASE", "custom_fields.amount", "flag", "BOOLEAN"),
    tag(12, "CASE", "custom_fields.amount", "ja_nein", "BOOLEAN", "Ja/Nein"),
    tag(13, "CASE", "custom_fields.amount", "words", "TEXT"),
    tag(14, "CASE", "custom_fields.list.1", "second", "TEXT"),
    tag(15, "INTAKE", "details.x", "reported", "NUMBER"),
    tag(16, "INVESTIGATION", "custom_fields.x", "hours", "NUMBER"),
    tag(17, "INTERVIEW", "responses.x", "answer", "TEXT"),
    tag(18, "INTERVIEW", "responses.x", "witness_answer", "BOOLEAN", template="Witness"),
    tag(19, "DISCLOSURE", "form_data.x", "value", "CURRENCY"),
    tag(20, "DISCLOSURE", "form_data.x", "gift_day", "DATE", template="Gifts"),
)  # fmt: skip


def fill_tagged(organization_id: uuid.UUID) -> None:
    """One case for each raw value, and around it rows that come before and after in every order."""
    ids = (uuid.UUID(int=number, version=4) for number in itertools.count(10**30, 7919))
    rows: dict[Any, list[dict[str, Any]]] = {
        table: [] for table in (Case, IntakeReport, Investigation, Interview, Disclosure)
    }

    def add(table: Any, **values: Any) -> uuid.UUID:
        ident = next(ids)
        rows[table].append({"id": ident, "organization_id": organization_id, **values})
        return ident

    def later(moment: datetime, hours: int) -> datetime:
        return moment + timedelta(hours=hours)

    for number, raw in enumerate(RAW):
        other, opened = RAW[-number], later(FIRST, number)
        case_id = add(
            Case,
            case_number=f"T-{number:03}",
            status=CaseStatus.OPEN,
            created_at=opened,
            updated_at=opened,
            custom_fields={"amount": raw, "a.b": {"c": raw}, "list": ["first", raw]},
        )
        add(IntakeReport, case_id=case_id, received_at=later(opened, 2), details={"x": other})
        add(IntakeReport, case_id=case_id, received_at=later(opened, 1), details={"x": raw})
        add(IntakeReport, case_id=case_id, received_at=opened, details={"y": 1})
        add(Investigation, case_id=case_id, started_at=None, custom_fields={"x": other})
        first = add(Investigation, case_id=case_id, started_at=opened, custom_fields={"x": raw})
        second = add(Investigation, case_id=case_id, started_at=later(opened, 5), custom_fields={"x": other})
        for where, held, template, answer in (
            (second, opened, "Subject", raw),
            (first, later(opened, 1), "Witness", other),
            (first, None, None, raw),
            (second, later(opened, 1), "Witness", raw),
        ):
            add(Interview, investigation_id=where, held_at=held, template=template, responses={"x": answer})
        for template, value in (("Gifts", raw), ("Other", other)):
            add(Disclosure, case_id=case_id, submitted_at=opened, template=template, form_data={"x": value})
    with write_session() as db:
        for table, made in rows.items():
            db.execute(sa.insert(table), made)


def promote(organization_id: uuid.UUID, tags: tuple[Tag, ...] = TAGS) -> None:
    """Writes the tags down as the organization's."""
    with write_session() as db:
        db.add_all(
            FieldTag(
                organization_id=organization_id,
                slot=each.slot,
                source=each.source,
                field_path=each.field_path,
                template=each.template,
                column_name=each.column_name,
                label=each.label,
                data_type=each.data_type,
                format_pattern=each.format_pattern,
                sensitivity=each.sensitivity.value,
            )
            for each in tags
        )
