"""Signs of life of the processes: when tick, sweep and each worker were last seen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Base, Json, UtcDateTime, insert_into, write_session


class Heartbeat(Base):
    __tablename__ = "heartbeats"

    name: Mapped[str] = mapped_column(sa.String(200), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    detail: Mapped[dict[str, Any] | None] = mapped_column(Json)


def note_sign_of_life(name: str, now: datetime, detail: Mapping[str, Any] | None = None) -> None:
    """`name` ("tick", "sweep", "worker:…") was alive at `now`; `detail` is what the watchdog wants to know beside."""
    with write_session() as db:
        values = {"at": now, "detail": dict(detail) if detail is not None else None}
        statement = insert_into(db, Heartbeat).values(name=name, **values)
        db.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))
