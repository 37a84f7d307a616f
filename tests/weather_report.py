"""`python -m tests.weather_report`: how long the pages of the running product take while something is away.

Starts the demo on a port and in a folder of its own, signs in, follows every link of the pages that an admin sees, and
asks for each page in each weather. Prints the slowest page and every answer that is not the usual one.
"""

from __future__ import annotations

import http.cookiejar
import os
import re
import signal
import sqlite3
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from redis import Redis

from portal.plumbing import embedded_redis
from tests.support.whole_product import Product, running_product

PATIENCE_SECONDS = 30
LINK = re.compile(r'href="(/[^"#]*)"')
TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
ONE_SCHEDULE = re.compile(r"/schedules/[0-9a-f-]{36}")
FORM_KEY = re.compile(r'action="(/schedules/[0-9a-f-]{36}/run-now)".*?name="key" value="([^"]+)"', re.DOTALL)
ONE_OF_EACH = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9]{13}-[0-9a-f]{8}|\?.*")


@dataclass
class Person:
    """Somebody at a browser: keeps cookies, follows redirects."""

    url: str
    opener: urllib.request.OpenerDirector = field(init=False)

    def __post_init__(self) -> None:
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(jar)

    def ask(self, path: str, data: dict[str, str] | None = None) -> tuple[int, str, float]:
        """(status, text, seconds)"""
        body = urllib.parse.urlencode(data).encode() if data is not None else None
        request = urllib.request.Request(self.url + path, body, {"Referer": self.url + path})
        began = time.monotonic()
        try:
            with self.opener.open(request, timeout=PATIENCE_SECONDS) as answer:
                status, text = answer.status, answer.read().decode(errors="replace")
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read().decode(errors="replace")
        return status, text, time.monotonic() - began

    def send(self, page: str, path: str, data: dict[str, str]) -> tuple[int, str, float]:
        _, text, _ = self.ask(page)
        found = TOKEN.search(text)
        return self.ask(path, data | {"csrf_token": found[1] if found else ""})


def pages_of(person: Person) -> list[str]:
    """One page of each kind."""
    found, waiting = {"/": "/"}, ["/"]
    while waiting:
        status, text, _ = person.ask(waiting.pop())
        if status != 200:
            continue
        for path in LINK.findall(text):
            kind = ONE_OF_EACH.sub("…", path)
            if kind not in found and not path.startswith(("/static", "/bootstrap")):
                found[kind] = path.replace("&amp;", "&")
                waiting.append(found[kind])
    return sorted({*found.values(), "/readyz", "/metrics"})


@contextmanager
def frozen(found: list[int]) -> Iterator[None]:
    """The processes take connections and answer nothing."""
    assert found
    for process in found:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in found:
            os.kill(process, signal.SIGCONT)


def redis_of(product: Product) -> int:
    with Redis.from_url(f"unix://{embedded_redis.socket_of(product.var / 'redis')}") as connection:
        return int(connection.info()["process_id"])


@contextmanager
def locked(product: Product) -> Iterator[None]:
    holder = sqlite3.connect(product.var / "duepost.sqlite3", isolation_level=None, timeout=60)
    holder.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        holder.rollback()
        holder.close()


@contextmanager
def fair(_: Product) -> Iterator[None]:
    yield


WEATHERS: dict[str, Callable[[Product], object]] = {
    "fair": fair,
    "Redis frozen": lambda product: frozen([redis_of(product)]),
    "mail server frozen": lambda product: frozen(product.processes("demo.mail_sink")),
    "database locked": locked,
}


def report(product: Product) -> None:
    person = Person(product.url)
    address, password = product.people["Lakeside", "admin"]
    person.send("/sign-in", "/sign-in", {"email": address, "password": password})
    pages = pages_of(person)
    print(f"{len(pages)} pages")
    usual = {path: person.ask(path)[0] for path in pages}
    for name, weather in WEATHERS.items():
        _, schedule, _ = person.ask(next(path for path in pages if ONE_SCHEDULE.fullmatch(path)))
        run = FORM_KEY.search(schedule)
        with weather(product):  # type: ignore[attr-defined]
            answers = {path: person.ask(path) for path in pages}
            answers["POST /people/invite"] = person.send(
                "/people/invite", "/people/invite", {"email": f"{abs(hash(name))}@example.org", "role": "VIEWER"}
            )
            if run:
                answers["POST run now"] = person.send("/schedules", run[1], {"key": run[2], "back": "/history"})
        slowest = max(answers, key=lambda path: answers[path][2])
        print(f"{name}: slowest {slowest} {answers[slowest][2]:.2f} s, run now", answers.get("POST run now", "?")[::2])
        for path, (status, text, seconds) in answers.items():
            if status != usual.get(path, 200):
                words = re.search(r"<h1>(.*?)</h1>", text)
                print(f"    {path}: {status} in {seconds:.2f} s, {words[1] if words else text[:80]!r}")


if __name__ == "__main__":
    with running_product() as running:
        report(running)
