"""Files whose time is over are deleted, all of them, and the record says so (D7)."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import retention
from portal.models import Artifact, AuditEvent, write_session
from tests.support.cast import Cast
from tests.support.runs import MONDAY, make_run_row, stored_path, targets
from tests.support.schedules import make_schedule


def test_everything_whose_time_is_over_goes_and_what_is_held_stays(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)  # more than a batch falls due on one day
    schedule_id = make_schedule(cast.lakeside, cast.otto)
    made = [make_run_row(cast.lakeside, schedule_id, to=targets("priya@example.org")) for _ in range(6)]
    paths = [stored_path(each.artifact) for each in made]
    with write_session() as session:
        session.execute(sa.update(Artifact).where(Artifact.id == made[0].artifact).values(hold=True))
    assert retention.delete_expired_files(MONDAY + timedelta(days=89)) == 0
    assert retention.delete_expired_files(MONDAY + timedelta(days=91)) == 5
    assert [path.exists() for path in paths] == [True, False, False, False, False, False]
    with write_session() as session:
        assert session.scalars(sa.select(AuditEvent.action)).all() == ["artifact.deleted"] * 5
