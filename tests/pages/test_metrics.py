"""/metrics and the alarms of /readyz: figures without names, for those who may have them, also when all is away."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest

from portal.models import DeliveryState, Heartbeat, RunState, write_session
from portal.watchdog import NAMES
from tests.support.runs import MONDAY, make_run_row
from tests.support.schedules import make_schedule

TOKEN = "a token of the monitoring system, 0123456789"


def figures(text: str) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    }


@pytest.fixture(autouse=True)
def morning(moved_clock):
    moved_clock.set(MONDAY + timedelta(hours=1))


def test_the_figures_are_those_of_the_tables(client, cast, moved_clock):
    """B12"""
    schedule = make_schedule(cast.lakeside, cast.otto, name="Secret name")
    now = moved_clock.now()
    ended = {"planned_for": now - timedelta(hours=2)}
    to = {"priya@example.org": DeliveryState.ACCEPTED, "tomas@example.org": DeliveryState.REJECTED}
    make_run_row(cast.lakeside, schedule, RunState.PARTIAL, to=to, **ended)
    make_run_row(cast.lakeside, schedule, RunState.SUCCEEDED, planned_for=now - timedelta(days=3))
    make_run_row(cast.strangers, make_schedule(cast.strangers, cast.stella), RunState.FAILED, content=None, **ended)
    make_run_row(cast.lakeside, schedule, RunState.QUEUED, content=None, queued_at=now - timedelta(minutes=7))
    make_run_row(
        cast.lakeside, schedule, RunState.DELIVERING, to={"late@example.org": DeliveryState.PENDING}, planned_for=now
    )
    with write_session() as session:
        session.add(Heartbeat(name="tick", at=now - timedelta(seconds=20)))
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain")
    found = figures(answer.text)
    expected = {
        'duepost_runs{state="QUEUED"}': 1,
        'duepost_runs{state="RUNNING"}': 0,
        'duepost_runs{state="DELIVERING"}': 1,
        'duepost_runs_ended_last_day{state="PARTIAL"}': 1,
        'duepost_runs_ended_last_day{state="FAILED"}': 1,
        'duepost_runs_ended_last_day{state="SUCCEEDED"}': 0,
        'duepost_deliveries{state="ACCEPTED"}': 1,
        'duepost_deliveries{state="REJECTED"}': 1,
        'duepost_deliveries{state="PENDING"}': 1,
        "duepost_tick_age_seconds": 20,
        "duepost_runs_waiting": 1,
        "duepost_oldest_waiting_seconds": 420,
        "duepost_schedules_due": 2,
        "duepost_database_up": 1,
        "duepost_redis_up": 0,
        'duepost_alarm{alarm="redis"}': 1,
        'duepost_alarm{alarm="tick"}': 0,
        'duepost_alarm{alarm="due"}': 1,
        "duepost_notices_unsent": 0,
    }
    assert {name: found.get(name) for name in expected} == expected
    assert {name for name in found if name.startswith("duepost_alarm")} == {
        f'duepost_alarm{{alarm="{name}"}}' for name in NAMES
    }
    for secret in ("Secret", "Lakeside", "lakeside", "example.org", str(cast.lakeside)):
        assert secret not in answer.text


def test_workers_and_queues_are_counted(make_app, redis_url):
    from portal.plumbing import wakeups

    app = make_app(REDIS_URL=redis_url)
    with app.app_context(), wakeups.connect() as connection:
        wakeups.queue(wakeups.EXPORTS, connection).enqueue("worker.jobs.make_run", "x")
    found = figures(app.test_client().get("/metrics").text)
    assert found['duepost_queue_length{queue="exports"}'] == 1
    assert found['duepost_queue_length{queue="upkeep"}'] == 0
    assert found['duepost_workers{queue="exports"}'] == 0
    assert found["duepost_redis_up"] == 1


def test_without_a_token_this_machine_alone_is_answered(client):
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": "::1"}).status_code == 200
    for address in ("192.0.2.7", "", "10.0.0.1"):
        refused = client.get("/metrics", environ_base={"REMOTE_ADDR": address})
        assert refused.status_code == 403
        assert "DUEPOST_METRICS_TOKEN" in refused.text
        assert "duepost_runs" not in refused.text


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via", "X-Forwarded-Host"])
def test_a_proxy_on_this_machine_is_not_this_machine(client, header):
    assert client.get("/metrics", headers={header: "203.0.113.9"}).status_code == 403


def test_with_a_token_it_is_asked_for_from_everywhere(make_app):
    client = make_app(DUEPOST_METRICS_TOKEN=TOKEN).test_client()
    far = {"REMOTE_ADDR": "192.0.2.7"}
    assert client.get("/metrics", environ_base=far, headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    for given in ({}, {"Authorization": TOKEN}, {"Authorization": "Bearer wrong ü"}, {"Authorization": "Bearer "}):
        refused = client.get("/metrics", headers=given)
        assert refused.status_code == 403
        assert TOKEN not in refused.text


def test_a_token_that_can_be_guessed_stops_the_start(make_app):
    from portal.config import SettingsError

    with pytest.raises(SettingsError, match="DUEPOST_METRICS_TOKEN"):
        make_app(DUEPOST_METRICS_TOKEN="short")


@pytest.fixture
def no_database(app, monkeypatch):
    """Every new connection fails, as with a server that is gone."""
    import sqlalchemy as sa

    from portal.extensions import db

    db.session.remove()
    db.engine.dispose()

    def away(*_args, **_kwargs):
        raise sa.exc.OperationalError("connect", {}, Exception("no route to db.internal"))

    monkeypatch.setattr("sqlalchemy.pool.impl.QueuePool._do_get", away)


@pytest.mark.parametrize("path", ["/metrics", "/readyz"])
def test_with_everything_away_there_is_an_answer(client, no_database, path):
    answer = client.get(path)
    assert "internal" not in answer.text
    if path == "/metrics":
        found = figures(answer.text)
        assert (found["duepost_database_up"], found["duepost_redis_up"]) == (0, 0)
        assert found['duepost_alarm{alarm="database"}'] == 1
        assert "duepost_runs" not in answer.text
    else:
        assert answer.status_code == 503
        assert json.loads(answer.text)["checks"]["database"]["ok"] is False


def test_readyz_tells_each_alarm_in_a_sentence(client, cast, moved_clock):
    """B12"""
    make_schedule(cast.lakeside, cast.otto, name="Secret name")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    alarms = {alarm["name"]: alarm for alarm in json.loads(answer.text)["alarms"]}
    assert alarms["due"] == {
        "name": "due",
        "words": "1 schedule is due for more than three minutes and has no run yet.",
        "since": "2026-11-02T13:00:00Z",
        "what_to_do": "See that the scheduler and the upkeep worker are running.",
    }
    assert {"tick", "sweep", "redis", "due"} <= alarms.keys()
    assert all(re.fullmatch(r"[^.]+\.", alarm["words"]) for alarm in alarms.values())
    assert "Secret" not in answer.text
