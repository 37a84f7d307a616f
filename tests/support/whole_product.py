"""The whole product as `make demo` starts it, in a folder and on a port of its own, and a browser before it."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from portal.config import ROOT
from tests.support.databases import in_memory

CHROMIUM = "/usr/bin/chromium"
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Product:
    """A running product. `people` holds (organization's first word, role) -> (address, password)."""

    port: int
    var: Path
    process: subprocess.Popen[str]
    people: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def rows(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """Ask the product's database, beside it and read-only."""
        with sqlite3.connect(f"file:{self.var / 'duepost.sqlite3'}?mode=ro", uri=True, timeout=20) as connection:
            return connection.execute(statement, values).fetchall()

    def processes(self, words: str) -> list[int]:
        """The ids of this product's processes whose command line holds `words`."""
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            try:
                command = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                environ = (path / "environ").read_bytes()
            except OSError:
                continue
            if words in command and f"DUEPOST_VAR={self.var}".encode() in environ.split(b"\0"):
                found.append(int(path.name))
        return found


def wait_until(what: str, holds: Callable[[], object], seconds: float = 60) -> None:
    """Look again and again until it holds; after `seconds` fail, naming what was awaited."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.1)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_product(*arguments: str) -> Iterator[Product]:
    """Start it, wait until it says where it is, and end it."""
    with tempfile.TemporaryDirectory(prefix="duepost-demo-", dir=in_memory()) as folder:
        port, var = free_port(), Path(folder) / "var"
        log = Path(folder) / "console.log"
        command = [sys.executable, "-m", "demo", "--port", str(port), "--var", str(var), *arguments]
        with log.open("w") as console:
            process = subprocess.Popen(
                command, cwd=ROOT, stdout=console, stderr=subprocess.STDOUT, text=True, start_new_session=True
            )
        product = Product(port, var, process)
        try:
            wait_until(
                "the address and the sign-ins are printed",
                lambda: "Sign in as" in log.read_text() or process.poll() is not None,
                180,
            )
            assert process.poll() is None, log.read_text()
            product.people = _people(var / "sign-in.txt")
            yield product
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise


def _people(path: Path) -> dict[tuple[str, str], tuple[str, str]]:
    people = {}
    for line in path.read_text().splitlines():
        if found := re.fullmatch(r"(\S+).*\s(admin|officer)\s+(\S+@\S+)\s+(\S+)", line):
            people[found[1], found[2]] = (found[3], found[4])
    return people


@contextmanager
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        yield chromium
        chromium.close()


def sign_in(page: Page, product: Product, organization: str, role: str = "officer") -> None:
    address, password = product.people[organization, role]
    page.goto(f"{product.url}/sign-in")
    page.get_by_label("E-mail address").fill(address)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(re.compile(r"^(?!.*sign-in)"))
