"""Whether everything runs, in a few lines for those who look after it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import health
from portal.delivery.by_day import last_accepted_mail
from portal.health import Check
from portal.models import CaseImport, ImportState


@dataclass(frozen=True)
class Running:
    """`mail` and `register`: when a mail was last accepted, and when an import last succeeded; None: never yet."""

    checks: Sequence[tuple[str, Check]]
    mail: datetime | None
    register: datetime | None

    @property
    def well(self) -> bool:
        return all(check.ok for _, check in self.checks)


def running(db: Session, organization_id: uuid.UUID, now: datetime) -> Running:
    redis = health.redis_check()
    checks = [("Clock", health.tick_check(now)), ("Sweep", health.sweep_check(now)), ("Redis", redis)]
    if redis.ok:  # which alone knows of workers
        checks.append(("Workers", health.workers_check()))
    return Running(
        checks=checks,
        mail=last_accepted_mail(db, organization_id),
        register=db.scalar(
            sa.select(CaseImport.finished_at)
            .where(CaseImport.organization_id == organization_id, CaseImport.state == ImportState.SUCCEEDED)
            .order_by(CaseImport.finished_at.desc())
            .limit(1)
        ),
    )
