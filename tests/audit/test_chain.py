"""The audit log: written with the act, chained, and every change of it noticed (G2)."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import audit
from portal.audit.verify import verify_chains
from portal.extensions import db
from portal.models import AuditEvent, write_session
from tests.support.cast import Cast

NOW = datetime(2026, 11, 2, 12, 0, 0, 123456, tzinfo=UTC)
OTTO = audit.Actor("USER", "otto@example.org")


def write(organization_id, *actions: str) -> None:
    with write_session() as session:
        for action in actions:
            audit.record(
                session,
                organization_id=organization_id,
                at=NOW,
                actor=OTTO,
                action=action,
                subject=("schedule", "x"),
                body={"name": "Größe ✓", "n": 1.5, "list": [1, None]},
            )


def problems() -> list[str]:
    return [report.problem for report in verify_chains() if report.problem]


@pytest.fixture
def log(app: Flask, cast: Cast) -> None:
    write(cast.lakeside, "a", "b")
    write(cast.lakeside, "c")
    write(cast.strangers, "d")


def tamper(*statements: str) -> None:
    """Change the log past its triggers, as somebody with the database in their hands could."""
    with db.engine.connect() as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text("SET session_replication_role = replica"))
        else:
            connection.execute(sa.text("DROP TRIGGER audit_events_no_update"))
            connection.execute(sa.text("DROP TRIGGER audit_events_no_delete"))
        for statement in statements:
            connection.execute(sa.text(statement))


def test_a_log_that_nobody_touched_is_unbroken(log: None) -> None:
    assert problems() == []
    assert sorted(report.events for report in verify_chains()) == [1, 3]


def test_each_organization_has_its_own_numbers(log: None, cast: Cast) -> None:
    with write_session() as session:
        rows = session.execute(sa.select(AuditEvent.chain_id, AuditEvent.sequence)).all()
    assert sorted(rows) == sorted([(cast.lakeside, 1), (cast.lakeside, 2), (cast.lakeside, 3), (cast.strangers, 1)])


@pytest.mark.parametrize(
    ("statements", "problem"),
    [
        (["UPDATE audit_events SET action = 'z' WHERE action = 'b'"], "Event 2 does not fit"),
        (["UPDATE audit_events SET actor_name = 'ana@example.org' WHERE action = 'a'"], "Event 1 does not fit"),
        (["UPDATE audit_bodies SET salt = 'x' WHERE sequence = 3"], "Event 3 has a body that was changed"),
        (
            ["DELETE FROM audit_bodies WHERE sequence = 2", "DELETE FROM audit_events WHERE action = 'b'"],
            "Event 2 is missing",
        ),
        (
            ["DELETE FROM audit_bodies WHERE sequence = 3", "DELETE FROM audit_events WHERE action = 'c'"],
            "ends at event 2, but its head says 3",
        ),
    ],
)
def test_whoever_changes_the_log_is_noticed(log: None, statements: list[str], problem: str) -> None:
    tamper(*statements)
    assert len(problems()) == 1
    assert problem in problems()[0]


def test_an_erased_body_does_not_break_the_chain(log: None) -> None:
    with db.engine.connect() as connection, connection.begin():
        connection.execute(sa.text("DELETE FROM audit_bodies WHERE sequence = 1"))
    assert problems() == []


def test_an_act_that_fails_leaves_no_event(app: Flask, cast: Cast) -> None:
    def act() -> None:
        with write_session() as session:
            audit.record(session, organization_id=cast.lakeside, at=NOW, actor=OTTO, action="a", subject=("x", 1))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        act()
    assert verify_chains() == []


def test_many_at_once_make_one_unbroken_chain(app: Flask, cast: Cast) -> None:
    def work() -> None:
        with app.app_context():
            for _ in range(5):
                write(cast.lakeside, "x")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (report,) = verify_chains()
    assert (report.events, report.problem) == (20, None)


def test_the_command_names_the_first_bad_event(app: Flask, log: None) -> None:
    tamper("UPDATE audit_events SET action = 'z' WHERE action = 'b'")
    from portal.commands.verify_audit import verify_audit

    done = app.test_cli_runner().invoke(verify_audit, [])
    assert done.exit_code == 1
    assert "lakeside: Event 2 does not fit" in done.output
    assert "strangers: 1 events, unbroken" in done.output
    assert app.test_cli_runner().invoke(verify_audit, ["--organization", "nobody"]).exit_code == 2
