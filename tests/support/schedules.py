"""Schedules and small registers for tests, written straight into the tables."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from portal import clock
from portal.models import (
    Case,
    CaseStatus,
    Destination,
    DestinationKind,
    ExportFormat,
    ExportType,
    OnBlackout,
    Schedule,
    ScheduleState,
    write_session,
)
from portal.schedules.planning import plan_from

EVERY_MONDAY = {"freq": "weekly", "weekdays": [1], "time": "08:00"}


def make_schedule(organization_id: uuid.UUID, owner_id: uuid.UUID | None, **given: Any) -> uuid.UUID:
    """An active schedule, every Monday at 08:00 in New York, CSV of the last 30 days to one address.

    `recipients` and `folders` are lists; `now` is when it was made (a week before the moved clock unless told).
    """
    now = given.pop("now", datetime(2026, 10, 26, 12, 30, tzinfo=UTC))
    targets = [(DestinationKind.EMAIL, each) for each in given.pop("recipients", ["priya@example.org"])]
    targets += [(DestinationKind.FOLDER, each) for each in given.pop("folders", [])]
    schedule = Schedule(
        **{
            "id": uuid.uuid4(),
            "organization_id": organization_id,
            "name": "Open cases",
            "description": "",
            "export_type": ExportType.FLAT_FILE,
            "format": ExportFormat.CSV,
            "format_options": {},
            "filters": {},
            "period": "last_30_days",
            "column_config": {},
            "masking": {},
            "rule": EVERY_MONDAY,
            "timezone": "America/New_York",
            "delivery_config": {"attach": True, "link": True},
            "on_blackout": OnBlackout.RUN,
            "state": ScheduleState.ACTIVE,
            "owner_id": owner_id,
            "created_at": now,
            "updated_at": now,
            "revision": 1,
            **given,
        }
    )
    schedule.destinations = [
        Destination(id=uuid.uuid4(), organization_id=organization_id, position=position, kind=kind, target=target)
        for position, (kind, target) in enumerate(targets)
    ]
    with write_session() as db:
        if "next_run_at" not in given:
            plan_from(db, schedule, now)
        db.add(schedule)
    return schedule.id


def make_cases(organization_id: uuid.UUID, count: int, *, created_at: datetime | None = None) -> None:
    moment = created_at or clock.now()
    with write_session() as db:
        db.add_all(
            Case(
                organization_id=organization_id,
                source_key=f"C-{number:05d}",
                case_number=f"C-{number:05d}",
                status=CaseStatus.OPEN,
                created_at=moment,
                updated_at=moment,
                custom_fields={},
            )
            for number in range(1, count + 1)
        )
