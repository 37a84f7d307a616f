"""What dies in the middle is taken up again and ends once; nobody gets a mail twice (B1, B8, D5)."""

from __future__ import annotations

import os
import re
import signal
from collections import Counter
from email import message_from_bytes

import pytest
from playwright.sync_api import Page
from redis import Redis

from portal.plumbing import embedded_redis
from tests.support.whole_product import Product, sign_in, wait_until
from tests.walk.test_main_job import build, ended, mails_of, plain

pytestmark = pytest.mark.browser

RUN = "SELECT state, attempt, lease_owner FROM runs WHERE id = ?"


def run_now(tab: Page, product: Product, name: str) -> str:
    sign_in(tab, product, "Lakeside")
    build(tab, product, name, "all")
    tab.get_by_role("button", name="Run now").first.click()
    tab.wait_for_url(re.compile(r"/runs/[0-9a-f-]{36}"))
    return tab.url.rstrip("/").rsplit("/", 1)[1]


def twice_sent(product: Product) -> list[str]:
    """Messages that the mail server was given more than once."""
    seen = Counter(
        message_from_bytes(path.read_bytes())["Message-ID"] for path in (product.var / "outbox").glob("*.eml")
    )
    return [message_id for message_id, count in seen.items() if count > 1]


def test_a_worker_killed_in_the_middle_is_made_up_for(product: Product, tab: Page) -> None:
    """The parent and its child are killed as soon as the run is taken; sweep finds the lapsed lease."""
    for worker in product.processes("-m worker "):
        os.kill(worker, signal.SIGSTOP)  # so that the kill meets the run in its first moments, not before or after
    run_id = run_now(tab, product, "Killed in the middle")
    for worker in product.processes("-m worker "):
        os.kill(worker, signal.SIGCONT)
    wait_until("a worker took the run", lambda: product.rows(RUN, plain(run_id))[0][1] == 1)
    for worker in product.processes("-m worker "):
        os.kill(worker, signal.SIGKILL)
    wait_until("the run ended", lambda: ended(product.rows(RUN, plain(run_id))), seconds=180)
    ((state, attempt, owner),) = product.rows(RUN, plain(run_id))
    assert (state, owner) == ("PARTIAL", None)
    assert attempt == 2
    assert sorted(mails_of(product, run_id)) == ["priya@example.org", "tomas@example.org"]
    assert twice_sent(product) == []


def test_a_flushed_redis_loses_no_run(product: Product, tab: Page) -> None:
    """The wake-up is gone; sweep wakes the run again."""
    with Redis.from_url(f"unix://{embedded_redis.socket_of(product.var / 'redis')}") as redis:
        for worker in product.processes("-m worker "):
            os.kill(worker, signal.SIGSTOP)
        run_id = run_now(tab, product, "Flushed away")
        redis.flushall()
        for worker in product.processes("-m worker "):
            os.kill(worker, signal.SIGCONT)
    wait_until("the run ended", lambda: ended(product.rows(RUN, plain(run_id))), seconds=180)
    assert product.rows(RUN, plain(run_id))[0][0] == "PARTIAL"
    assert len(product.rows("SELECT 1 FROM artifacts WHERE run_id = ?", plain(run_id))) == 1
    assert twice_sent(product) == []
