"""Whether everything runs, for those who look after it: the alarms, and the last sign of life of each process."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.delivery.by_day import last_accepted_mail
from portal.models import CaseImport, ImportState
from portal.plumbing import wakeups
from portal.watchdog import Alarm, Look, alarms_of, look

LABELS = {
    "database": "Database",
    "tick": "Scheduler",
    "sweep": "Sweep",
    "redis": "Redis",
    "workers": "Workers",
    "due": "Not started",
    "waiting": "Waiting",
    "clock": "Clock",
    "notices": "Mails",
    "storage": "Storage",
    "disk": "Disk",
}


@dataclass(frozen=True)
class Sign:
    """Who or what was last seen when, and where it runs; None: not yet."""

    name: str
    where: str
    at: datetime | None


@dataclass(frozen=True)
class Running:
    """`mail` and `register`: when a mail was last accepted, and when an import last succeeded; None: never yet."""

    alarms: Sequence[tuple[str, Alarm]]
    signs: Sequence[Sign]
    mail: datetime | None
    register: datetime | None

    @property
    def well(self) -> bool:
        return not self.alarms


def running(db: Session, organization_id: uuid.UUID, now: Callable[[], datetime]) -> Running:
    seen = look(now)
    return Running(
        alarms=[(LABELS[alarm.name], alarm) for alarm in alarms_of(seen)],
        signs=list(_signs(seen)),
        mail=last_accepted_mail(db, organization_id),
        register=db.scalar(
            sa.select(CaseImport.finished_at)
            .where(CaseImport.organization_id == organization_id, CaseImport.state == ImportState.SUCCEEDED)
            .order_by(CaseImport.finished_at.desc())
            .limit(1)
        ),
    )


def _signs(seen: Look) -> Iterator[Sign]:
    beats = seen.database.beats if seen.database else {}
    for name, label in (("tick", "Due exports"), ("sweep", "Stranded runs")):
        yield Sign(label, "", beats[name].at if name in beats else None)
    for worker in seen.redis.workers if seen.redis else ():
        label = "Worker" if worker.queue == wakeups.EXPORTS else "Upkeep"
        yield Sign(label, worker.where, worker.at)
