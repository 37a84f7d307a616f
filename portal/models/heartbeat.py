"""Signs of life of the processes: when tick, sweep and each worker were last seen."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Base, UtcDateTime, insert_into, write_session


class Heartbeat(Base):
    __tablename__ = "heartbeats"

    name: Mapped[str] = mapped_column(sa.String(200), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


def note_sign_of_life(name: str, now: datetime) -> None:
    """`name` ("tick", "sweep", "worker:…") was alive at `now`."""
    with write_session() as db:
        statement = insert_into(db, Heartbeat).values(name=name, at=now)
        db.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"at": now}))
