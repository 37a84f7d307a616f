"""One running product for all walks; with the public data beside the made register where that folder is there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from portal.config import ROOT
from tests.support.whole_product import CHROMIUM, Product, browser, running_product

PUBLIC = Path(os.environ.get("DUEPOST_TEST_DATA", ROOT.parent / "shared" / "data")) / "nopd-misconduct"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All walks in one of pytest-xdist's workers: they share one running product."""
    for item in items:
        if "tests/walk/" in item.nodeid:
            item.add_marker(pytest.mark.xdist_group("product"))


@pytest.fixture(scope="session")
def product() -> Iterator[Product]:
    if not Path(CHROMIUM).exists():
        pytest.skip("Chromium is not installed: the walks in a browser are not made")
    data = ["--data", str(PUBLIC), "--example", "new-orleans"] if PUBLIC.is_dir() else []
    with running_product(*data) as product:
        yield product


@pytest.fixture(scope="session")
def chromium(product: Product) -> Iterator[Browser]:
    with browser() as chromium:
        yield chromium


@pytest.fixture
def tab(chromium: Browser) -> Iterator[Page]:
    """A fresh window that fails the test on anything the browser complains of."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []
