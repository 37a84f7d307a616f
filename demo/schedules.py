"""Schedules that the demo begins with, made by the verbs that a person's form goes through; three are run at once.

What the runs come to is not written here: the workers make them, the mail sink answers, the ledger says so.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from portal import audit
from portal.extensions import db
from portal.models import ExportFormat, ExportType, OnBlackout, Schedule, User
from portal.schedules.blackouts import add_days
from portal.schedules.changes import create_schedule, pause_schedule
from portal.schedules.inputs import check
from portal.schedules.public_holidays import holidays_of, source_words
from portal.schedules.run_now import run_now
from portal.zones import zone

ZONE = "America/New_York"
COUNTRY = "US"
WEEKDAYS = [1, 2, 3, 4, 5]


@dataclass(frozen=True)
class Sample:
    """One schedule: `answers` are those of the builder's form that are not the usual ones."""

    name: str
    owner: str
    answers: Mapping[str, Any]
    pause_reason: str | None = None
    run_at_once: bool = False
    usual: Mapping[str, Any] = field(
        default_factory=lambda: {
            "export_type": ExportType.FLAT_FILE,
            "format": ExportFormat.XLSX,
            "timezone": ZONE,
            "attach": True,
            "link": True,
        }
    )

    def id_in(self, organization_id: uuid.UUID) -> uuid.UUID:
        """The same at every start: what is there already is not made again."""
        return uuid.uuid5(organization_id, self.name)


def samples(today: date) -> Iterator[Sample]:
    """Six schedules of several kinds; nobody of these names has these addresses."""
    yield Sample(
        "Weekly case file for the board",
        "otto",
        {
            "description": "What was opened in the last complete week, for the secretary of the board.",
            "period": "previous_week",
            "column_config": {"include_tagged_fields": True},
            "rule": {"freq": "weekly", "weekdays": [1], "time": "08:00"},
            "on_blackout": OnBlackout.MOVE,
            "recipients": "Priya Raman <priya@board.example.org>, tomas@board.example.org, refused@board.example.org",
        },
        run_at_once=True,
    )
    yield Sample(
        "Audit committee, closed cases",
        "otto",
        {
            "description": "What was closed in the last complete month, by link only.",
            "period": "previous_month",
            "filters": {"status": ["CLOSED"], "date_field": "closed_at"},
            "rule": {"freq": "monthly", "nth": 1, "weekday": 1, "time": "09:30"},
            "recipients": "audit-committee@board.example.org",
            "attach": False,
        },
        run_at_once=True,
    )
    yield Sample(
        "Open cases for the dashboard",
        "ana",
        {
            "format": ExportFormat.CSV,
            "period": "all",
            "filters": {"status": ["NEW", "OPEN", "ON_HOLD"]},
            "rule": {"freq": "weekly", "weekdays": WEEKDAYS, "time": "06:00"},
            "on_blackout": OnBlackout.SKIP,
            "folders": "dashboard/{year}",
            "recipients": "busy@analytics.example.org",
        },
        run_at_once=True,
    )
    yield Sample(
        "Quarterly return to the regulator",
        "ana",
        {
            "format": ExportFormat.CSV,
            "format_options": {"delimiter": ";", "bom": True},
            "period": "previous_quarter",
            "column_config": {"max_investigations": 5},
            "rule": {
                "freq": "monthly",
                "interval": 3,
                "start": f"{today.year}-01-01",
                "workday": 5,
                "time": "12:00",
            },
            "recipients": "filings@regulator.example.org",
            "folders": "regulator/{year}",
        },
    )
    yield Sample(
        "Billing cases for outside counsel",
        "otto",
        {
            "period": "last_90_days",
            "filters": {"category": ["Billing and Coding"], "priority": ["HIGH", "CRITICAL"]},
            "rule": {"freq": "weekly", "weekdays": [4], "interval": 2, "start": f"{today.year}-01-01", "time": "17:00"},
            "recipients": "counsel@lawfirm.example.org",
            "attach": False,
        },
        pause_reason="The engagement letter is being renewed.",
    )
    yield Sample(
        "Handover to the new ombudsperson",
        "otto",
        {
            "period": "year_to_date",
            "rule": {"freq": "once", "date": (today + timedelta(days=9)).isoformat(), "time": "08:00"},
            "recipients": "ombudsperson@lakeside.example.org",
        },
    )


def make_samples(organization_id: uuid.UUID, now: datetime) -> int:
    """Makes those that are not there yet, pauses one, and asks for three runs; how many were made."""
    owners = {
        email.partition("@")[0]: user_id
        for user_id, email in db.session.execute(
            sa.select(User.id, User.email).where(User.organization_id == organization_id)
        )
    }
    there = set(db.session.scalars(sa.select(Schedule.id).where(Schedule.organization_id == organization_id)))
    if not there:
        _make_calendar(organization_id, now)
    made = 0
    for sample in samples(now.astimezone(zone(ZONE)).date()):
        if sample.id_in(organization_id) not in there:
            _make(organization_id, sample, owners[sample.owner], now)
            made += 1
    db.session.rollback()
    return made


def _make_calendar(organization_id: uuid.UUID, now: datetime) -> None:
    """The public holidays of this year and the next, for the schedules that heed them."""
    days = holidays_of(COUNTRY, "", [now.year, now.year + 1])
    add_days(organization_id, days, source=source_words(COUNTRY, ""), actor=audit.operator, now=now)


def _make(organization_id: uuid.UUID, sample: Sample, owner_id: uuid.UUID, now: datetime) -> None:
    answers = {**sample.usual, "name": sample.name, "owner_id": owner_id, **sample.answers}
    given = check(answers, organization_id=organization_id, now=now)
    schedule_id = sample.id_in(organization_id)
    create_schedule(organization_id, given, actor=audit.operator, now=now, schedule_id=schedule_id)
    if sample.pause_reason:
        pause_schedule(
            organization_id, schedule_id, reason=sample.pause_reason, resume_at=None, actor=audit.operator, now=now
        )
    if sample.run_at_once:
        key = str(uuid.uuid5(schedule_id, "first run"))
        run_now(organization_id, schedule_id, idempotency_key=key, actor=audit.operator, now=now)
