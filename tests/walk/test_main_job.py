"""The main job, end to end, in a real browser on the running product (A1, A9, B13, C7, C10, D1, D4)."""

from __future__ import annotations

import hashlib
import io
import re
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import Page, expect

from tests.support.whole_product import Product, sign_in, wait_until
from tests.walk.conftest import PUBLIC

pytestmark = pytest.mark.browser

PEOPLE = "priya@example.org, Tomás Berg <tomas@example.org>\nrefused@example.org"


@pytest.mark.parametrize(
    ("organization", "period"),
    [
        ("Lakeside", "previous_week"),
        pytest.param(
            "New",
            "2022",
            marks=[
                pytest.mark.public_data,
                pytest.mark.skipif(not PUBLIC.is_dir(), reason=f"the public dataset is not at {PUBLIC}"),
            ],
        ),
    ],
)
def test_an_officer_builds_a_schedule_runs_it_and_sees_who_has_it(
    product: Product, tab: Page, organization: str, period: str
) -> None:
    sign_in(tab, product, organization)
    schedule_id = build(tab, product, f"Weekly file {period}", period)
    tab.get_by_role("button", name="Run now").first.click()
    tab.wait_for_url(re.compile(r"/runs/[0-9a-f-]{36}"))
    run_id = tab.url.rstrip("/").rsplit("/", 1)[1]
    # without a reload: the page shows by itself how it ends
    expect(tab.get_by_text("Partly sent").first).to_be_visible(timeout=60_000)

    run = run_of(product, run_id)
    assert run["state"] == "PARTIAL"
    assert run["rows_written"] == cases_in(product, schedule_id, run) > 0
    artifact = artifact_of(product, run_id)
    mails = mails_of(product, run_id)
    assert sorted(mails) == ["priya@example.org", "tomas@example.org"]
    assert {hashlib.sha256(file).hexdigest() for file in mails.values()} == {artifact["sha256"]}
    expect(tab.locator("tr", has_text="refused@example.org").first).to_contain_text("550 5.1.1")
    assert tab.locator("body").inner_text().count("delivered") == 0

    tab.goto(f"{product.url}/history")
    row = tab.locator("tr", has_text=f"Weekly file {period}").first
    with tab.expect_download() as download:
        row.get_by_role("link", name=re.compile("Download")).click()
    assert Path(download.value.path()).read_bytes() == mails["priya@example.org"]

    workbook = openpyxl.load_workbook(io.BytesIO(mails["priya@example.org"]), read_only=True)
    about, data = workbook.worksheets
    assert sum(1 for _ in data.rows) == run["rows_written"] + 1
    assert run_id in {str(cell.value) for cells in about.rows for cell in cells}


def test_a_schedule_planned_for_the_next_minutes_runs_by_itself(product: Product, tab: Page) -> None:
    sign_in(tab, product, "Lakeside")
    soon = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=2)
    schedule_id = build(tab, product, "By itself", "last_30_days", at=soon)
    statement = "SELECT state, planned_for, started_at FROM runs WHERE schedule_id = ?"
    wait_until("the run ended by itself", lambda: ended(product.rows(statement, plain(schedule_id))), seconds=200)
    ((state, planned_for, started_at),) = product.rows(statement, plain(schedule_id))
    assert state == "SUCCEEDED"
    assert instant(planned_for) == soon
    # how quickly is measured, not tested: a busy machine proves nothing
    assert timedelta() <= instant(started_at) - soon < timedelta(minutes=2)


def build(tab: Page, product: Product, name: str, period: str, *, at: datetime | None = None) -> str:
    """Every Monday at 08:00 (or once, at `at`), XLSX, to three people; returns the schedule's id."""
    tab.goto(f"{product.url}/schedules")
    tab.get_by_role("link", name="New schedule").first.click()
    tab.get_by_label("Name", exact=True).fill(name)
    tab.get_by_label("Excel (XLSX)").check()
    if period[0].isdigit():
        tab.locator("[name=period]").select_option("typed")
        tab.locator("[name=period_typed]").fill(period)
    else:
        tab.locator("[name=period]").select_option(period)
    if at is None:
        tab.get_by_label("Weekly", exact=True).check()
        tab.get_by_label("Monday", exact=True).check()
        tab.get_by_label("At", exact=True).fill("08:00")
        tab.locator("[name=timezone]").fill("America/New_York")
    else:
        tab.get_by_label("Once", exact=True).check()
        tab.locator("[name=date]").fill(at.date().isoformat())
        tab.get_by_label("At", exact=True).fill(f"{at:%H:%M}")
        tab.locator("[name=timezone]").fill("UTC")
    tab.get_by_label("Recipients").fill(PEOPLE if at is None else "priya@example.org")
    tab.get_by_role("button", name="Check your answers").click()
    if at is None:
        expect(tab.locator("main")).to_contain_text("Every Monday at 08:00, New York time")
    tab.get_by_role("button", name="Save schedule").click()
    tab.wait_for_url(re.compile(r"/schedules/[0-9a-f-]{36}"))
    return re.search(r"/schedules/([0-9a-f-]{36})", tab.url)[1]  # type: ignore[index]


def plain(identity: str) -> str:
    """An id as SQLite keeps it."""
    return identity.replace("-", "")


def instant(text: object) -> datetime:
    return datetime.fromisoformat(str(text)).replace(tzinfo=UTC)


def ended(rows: list[tuple[object, ...]]) -> bool:
    return bool(rows) and rows[0][0] in {"SUCCEEDED", "PARTIAL", "FAILED", "MISSED"}


def run_of(product: Product, run_id: str) -> dict[str, object]:
    columns = ("state", "rows_written", "period_from", "period_to", "organization_id")
    (row,) = product.rows(f"SELECT {', '.join(columns)} FROM runs WHERE id = ?", plain(run_id))
    return dict(zip(columns, row, strict=True))


def artifact_of(product: Product, run_id: str) -> dict[str, object]:
    ((sha256, size),) = product.rows("SELECT sha256, bytes FROM artifacts WHERE run_id = ?", plain(run_id))
    return {"sha256": sha256, "bytes": size}


def cases_in(product: Product, schedule_id: str, run: dict[str, object]) -> int:
    """Counted by SQL over the tables, for the organization of the schedule and the period of the run."""
    ((count,),) = product.rows(
        """SELECT count(*) FROM cases WHERE organization_id = (SELECT organization_id FROM schedules WHERE id = ?)
           AND created_at >= ? AND created_at < ?""",
        plain(schedule_id),
        run["period_from"],
        run["period_to"],
    )
    assert isinstance(count, int)
    return count


def mails_of(product: Product, run_id: str) -> dict[str, bytes]:
    """The file that each person's mail of the run carries, from what the mail server kept."""
    found = {}
    for path in (product.var / "outbox").glob("*.eml"):
        message = message_from_bytes(path.read_bytes(), policy=policy.default)
        if run_id in message.get_body(("plain",)).get_content():
            (part,) = message.iter_attachments()
            found[message["To"].addresses[0].addr_spec] = bytes(part.get_payload(decode=True))
    return found
