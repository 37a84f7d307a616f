"""The same rows by the ways others take: an ORM with its relations loaded in batches, and one query with windows.

Both give the flat file's 59 columns of every case in its order; dates are UTC's, which spares them the zone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, registry, relationship, selectinload

from bench.registers import FLAT, ORGANIZATION

INVESTIGATIONS = 3
_DAYS = {
    "sqlite": "CAST(julianday(date({until})) - julianday(date({since})) AS INTEGER)",
    "postgresql": "({until})::date - ({since})::date",
}
_OF_INVESTIGATION = (
    ("id", "id"),
    ("type", "type"),
    ("status", "status"),
    ("outcome", "outcome"),
    ("started_at", "started_at"),
    ("completed_at", "completed_at"),
    ("days_to_complete", "days"),
    ("investigator_name", "investigator_name"),
    ("interview_count", "interviews"),
    ("finding_summary", "finding_summary"),
)


def window_query(dialect: str) -> str:
    """One statement for all of it, as a report's author would write it."""
    days = _DAYS[dialect]
    now = "'2026-11-02 05:00:00'"
    ident = "CAST(id AS VARCHAR(36))"
    numbered = ", ".join(
        f"max(CASE WHEN n = {n} THEN {source} END) AS inv_{n}_{key}"
        for n in range(1, INVESTIGATIONS + 1)
        for key, source in _OF_INVESTIGATION
    )
    names = ", ".join(f"i.inv_{n}_{key}" for n in range(1, INVESTIGATIONS + 1) for key, _ in _OF_INVESTIGATION)
    mine = f"organization_id = '{ORGANIZATION.hex}'"
    until = f"CASE WHEN c.status = 'CLOSED' THEN c.closed_at ELSE {now} END"
    return f"""
    WITH interviewed AS (
        SELECT investigation_id, count(*) AS interviews FROM interviews WHERE {mine} GROUP BY investigation_id
    ), investigated AS (
        SELECT case_id, {ident} AS id, type, status, outcome, started_at, completed_at, investigator_name,
            finding_summary, coalesce(interviews, 0) AS interviews,
            {days.format(until="completed_at", since="started_at")} AS days,
            row_number() OVER (PARTITION BY case_id ORDER BY started_at IS NULL, started_at, id) AS n
        FROM investigations LEFT JOIN interviewed ON investigation_id = investigations.id WHERE {mine}
    ), wide AS (
        SELECT case_id, count(*) AS investigations, {numbered} FROM investigated GROUP BY case_id
    ), reported AS (
        SELECT case_id, source_channel, is_anonymous, reporter_relationship,
            row_number() OVER (PARTITION BY case_id ORDER BY received_at, id) AS n,
            count(*) OVER (PARTITION BY case_id) AS reports
        FROM intake_reports WHERE {mine}
    ), planned AS (
        SELECT case_id, status, row_number() OVER (PARTITION BY case_id ORDER BY created_at DESC, id DESC) AS n
        FROM remediation_plans WHERE {mine}
    ), named AS (
        SELECT case_id, count(*) AS subjects FROM subjects WHERE {mine} GROUP BY case_id
    ), attached AS (
        SELECT case_id, count(*) AS attachments FROM attachments WHERE {mine} GROUP BY case_id
    )
    SELECT CAST(c.id AS VARCHAR(36)) AS case_id, c.case_number, c.status, c.priority, c.created_at, c.closed_at,
        {days.format(until=until, since="c.created_at")} AS days_open,
        c.due_at < {until} AS sla_breached,
        coalesce(p.name, k.name) AS category, coalesce(p.code, k.code) AS category_code,
        CASE WHEN p.id IS NULL THEN NULL ELSE k.name END AS subcategory,
        r.source_channel, r.is_anonymous, r.reporter_relationship, c.assignee_name, c.assignee_email,
        b.name AS unit, b.code AS unit_code, l.name AS location, l.country, l.region, c.outcome, c.outcome_reason,
        m.case_id IS NOT NULL AS has_plan, m.status AS plan_status, coalesce(r.reports, 0) AS reports,
        coalesce(i.investigations, 0) AS investigations, coalesce(s.subjects, 0) AS subjects,
        coalesce(a.attachments, 0) AS attachments, {names}
    FROM cases c
    LEFT JOIN categories k ON k.id = c.category_id LEFT JOIN categories p ON p.id = k.parent_id
    LEFT JOIN business_units b ON b.id = c.business_unit_id LEFT JOIN locations l ON l.id = c.location_id
    LEFT JOIN reported r ON r.case_id = c.id AND r.n = 1 LEFT JOIN planned m ON m.case_id = c.id AND m.n = 1
    LEFT JOIN wide i ON i.case_id = c.id LEFT JOIN named s ON s.case_id = c.id LEFT JOIN attached a ON a.case_id = c.id
    WHERE c.{mine} ORDER BY c.created_at, c.case_number"""


def flat_query() -> str:
    """The rows as they lie in the table made flat beforehand."""
    from portal.exports.catalogue import flat_file_columns

    names = ", ".join(column.key for column in flat_file_columns(INVESTIGATIONS, overflow=False))
    return f"SELECT {names} FROM {FLAT} ORDER BY position"


def orm_rows(engine: sa.Engine, most: int) -> Iterator[tuple[Any, ...]]:
    """Rows of the first `most` cases by objects and their attributes."""
    case = _mapped()
    statement = sa.select(case).where(case.organization_id == ORGANIZATION)
    statement = statement.order_by(case.created_at, case.case_number).limit(most)
    statement = statement.options(
        *(selectinload(getattr(case, name)) for name in ("reports", "plans", "subjects", "attachments")),
        *(selectinload(getattr(case, name)) for name in ("unit", "location")),
        selectinload(case.category).selectinload(case.category.property.mapper.class_.parent),
        selectinload(case.investigations).selectinload(case.investigations.property.mapper.class_.interviews),
    )
    with Session(engine) as session:
        for each in session.scalars(statement.execution_options(yield_per=1_000)):
            yield _row(each)


def _mapped() -> Any:
    """The register's tables with relations, which our own models do without."""
    from portal import models

    mapped = registry()
    made: dict[str, Any] = {}

    def add(name: str, model: Any, **relations: Any) -> None:
        made[name] = type(name, (), {})
        mapped.map_imperatively(made[name], model.__table__, properties=relations)

    def many(name: str, key: str, order: tuple[str, ...] = ()) -> Any:
        table = getattr(models, name).__table__
        sort: Any = [table.c[each] for each in order] or False
        joined = models.Case.__table__.c.id == table.c[key]
        return relationship(made[name], primaryjoin=joined, foreign_keys=table.c[key], viewonly=True, order_by=sort)

    def one(name: str, key: str) -> Any:
        column = models.Case.__table__.c[key]
        table = getattr(models, name).__table__
        return relationship(made[name], primaryjoin=column == table.c.id, foreign_keys=column, viewonly=True)

    for name in ("IntakeReport", "RemediationPlan", "Subject", "Attachment", "Interview", "BusinessUnit", "Location"):
        add(name, getattr(models, name))
    of_interview = models.Interview.__table__.c.investigation_id
    add(
        "Investigation",
        models.Investigation,
        interviews=relationship(
            made["Interview"],
            primaryjoin=models.Investigation.__table__.c.id == of_interview,
            foreign_keys=of_interview,
            viewonly=True,
        ),
    )
    category = models.Category.__table__
    add(
        "Category",
        models.Category,
        parent=relationship(
            lambda: made["Category"],
            primaryjoin=category.c.parent_id == category.c.id,
            foreign_keys=[category.c.parent_id],
            remote_side=[category.c.id],
            viewonly=True,
        ),
    )
    add(
        "Case",
        models.Case,
        reports=many("IntakeReport", "case_id", ("received_at", "id")),
        plans=many("RemediationPlan", "case_id", ("created_at", "id")),
        subjects=many("Subject", "case_id"),
        attachments=many("Attachment", "case_id"),
        investigations=many("Investigation", "case_id", ("started_at", "id")),
        category=one("Category", "category_id"),
        unit=one("BusinessUnit", "business_unit_id"),
        location=one("Location", "location_id"),
    )
    return made["Case"]


def _row(case: Any) -> tuple[Any, ...]:
    from datetime import UTC, datetime

    over = case.closed_at if case.status == "CLOSED" else datetime(2026, 11, 2, 5, tzinfo=UTC)
    report = case.reports[0] if case.reports else None
    top = (case.category.parent or case.category) if case.category else None
    cells: list[Any] = [
        str(case.id), case.case_number, case.status, case.priority, case.created_at, case.closed_at,
        (over.date() - case.created_at.date()).days if over else None,
        case.due_at < over if case.due_at and over else None,
        top.name if top else None, top.code if top else None,
        case.category.name if case.category and case.category is not top else None,
        report.source_channel if report else None, report.is_anonymous if report else None,
        report.reporter_relationship if report else None, case.assignee_name, case.assignee_email,
        case.unit.name if case.unit else None, case.unit.code if case.unit else None,
        *((case.location.name, case.location.country, case.location.region) if case.location else (None,) * 3),
        case.outcome, case.outcome_reason, bool(case.plans), case.plans[-1].status if case.plans else None,
        len(case.reports), len(case.investigations), len(case.subjects), len(case.attachments),
    ]  # fmt: skip
    for each in case.investigations[:INVESTIGATIONS]:
        spent = (each.completed_at - each.started_at).days if each.completed_at and each.started_at else None
        cells += (
            str(each.id), each.type, each.status, each.outcome, each.started_at, each.completed_at, spent,
            each.investigator_name, len(each.interviews), each.finding_summary,
        )  # fmt: skip
    return tuple(cells) + (None,) * (29 + 10 * INVESTIGATIONS - len(cells))
