"""What is stored in a folder stays below the organization's own, whole, and is never replaced (D2)."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from portal import audit, leases
from portal.config import settings
from portal.delivery import ledger
from portal.delivery.by_storage import store_file
from portal.models import DeliveryState, RunState
from portal.runs import deliver, make
from portal.runs.cancel import cancel_run
from portal.runs.make import make_run
from tests.runs.conftest import deliveries_of, run_of
from tests.support.apps import Clock
from tests.support.cast import Cast
from tests.support.places import Lost, at, be_lost

NewRun = Callable[..., uuid.UUID]


def own_folder() -> Path:
    return settings().effective_export_folder / "lakeside"


@pytest.mark.parametrize("where", ["outside", "another organization"])
def test_a_link_inside_the_folder_leads_nowhere_else(app: Flask, new_run: NewRun, tmp_path: Path, where: str) -> None:
    elsewhere = tmp_path / "elsewhere" if where == "outside" else own_folder().with_name("strangers") / "board"
    elsewhere.mkdir(parents=True)
    own_folder().mkdir(parents=True)
    (own_folder() / "board").symlink_to(elsewhere)
    run_id = new_run(recipients=[], folders=["board/{year}"])
    make_run(run_id)
    row = deliveries_of(run_id)["board/{year}"]
    assert row.state is DeliveryState.REJECTED
    assert "leads out of" in row.reason
    assert list(elsewhere.rglob("*")) == []


def test_a_link_in_the_place_of_the_file_is_not_followed(app: Flask, new_run: NewRun, tmp_path: Path) -> None:
    target = tmp_path / "precious.csv"
    target.write_text("precious")
    (own_folder() / "board").mkdir(parents=True)
    (own_folder() / "board" / "Open-cases-2026-11-02-070000.csv").symlink_to(target)
    run_id = new_run(recipients=[], folders=["board"])
    make_run(run_id)
    assert deliveries_of(run_id)["board"].state is DeliveryState.REJECTED
    assert target.read_text() == "precious"


def test_a_folder_with_letters_of_any_script_is_the_one_named(app: Flask, new_run: NewRun) -> None:
    run_id = new_run(recipients=[], folders=["Größe 50+/報告"])
    make_run(run_id)
    assert run_of(run_id).state is RunState.SUCCEEDED
    assert (own_folder() / "Größe 50+" / "報告" / "Open-cases-2026-11-02-070000.csv").exists()


def test_a_worker_lost_after_the_file_was_stored_stores_it_once(
    app: Flask, new_run: NewRun, moved_clock: Clock
) -> None:
    run_id = new_run(recipients=[], folders=["board"])
    taken = leases.take(run_id, "worker that stops", moved_clock.now())
    assert taken is not None
    assert make._render(taken[0], lambda: None)
    delivery = ledger.take_one(taken[0], moved_clock.now())
    assert delivery is not None
    assert store_file(deliver._file_to_store(delivery)).state is DeliveryState.ACCEPTED
    moved_clock.forward(seconds=91)
    make_run(run_id)
    moved_clock.forward(minutes=1)
    make_run(run_id)
    assert deliveries_of(run_id)["board"].state is DeliveryState.ACCEPTED
    assert len(list(own_folder().rglob("*.csv"))) == 1


@pytest.mark.parametrize("place", ["folder-after-put", "sending-after-commit"])
def test_a_folder_whose_worker_was_lost_is_not_called_cancelled_before_it_got_the_file(
    app: Flask, new_run: NewRun, cast: Cast, moved_clock: Clock, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Only another look at the folder could tell whether the file is there, and after a cancel nobody looks."""
    run_id = new_run(recipients=[], folders=["board", "archive"])
    at(monkeypatch, place, be_lost)
    with pytest.raises(Lost):
        make_run(run_id)
    assert len(list(own_folder().rglob("*.csv"))) == (place == "folder-after-put")
    moved_clock.forward(seconds=91)
    cancel_run(cast.lakeside, run_id, actor=audit.operator, now=moved_clock.now())
    rows = deliveries_of(run_id)
    assert run_of(run_id).state is RunState.CANCELLED
    assert (rows["board"].state, rows["archive"].state) == (DeliveryState.UNKNOWN, DeliveryState.CANCELLED)
    assert "may have arrived" in rows["board"].reason


def test_a_folder_that_cannot_be_made_is_said_and_not_called_stored(app: Flask, new_run: NewRun) -> None:
    own_folder().parent.mkdir(parents=True, exist_ok=True)
    own_folder().write_text("a file where the folder should be")
    run_id = new_run(recipients=[], folders=["board"])
    make_run(run_id)
    row = deliveries_of(run_id)["board"]
    assert row.state in {DeliveryState.PENDING, DeliveryState.REJECTED}
    assert row.accepted_at is None
    assert row.reason
