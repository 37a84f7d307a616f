"""`python -m demo` (make demo): the whole product on this machine, with a made register and mail that goes nowhere."""

from __future__ import annotations

import argparse
import errno
import fcntl
import os
import secrets
import shutil
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

from demo.supervisor import Process, Stopped, Supervisor
from portal.config import ROOT, Settings
from portal.plumbing import embedded_redis

HOST = "127.0.0.1"
START_SECONDS = 60
LAST_PORT = 65_535
SIGN_IN = "sign-in.txt"


class StartError(Exception):
    """The demo cannot start. The text is one sentence for the person who starts it."""


def table(var: Path, port: int, mail_port: int) -> list[Process]:
    """Every process of the demo: the two that the others need, the page, the rest."""
    python = sys.executable
    web = [python, "-m", "gunicorn", "wsgi:app", "--bind", f"{HOST}:{port}", "--workers", "2", "--threads", "4"]
    return [
        Process("redis", embedded_redis.command(var / "redis"), outlives=True),
        Process(
            "mail",
            [python, "-m", "demo.mail_sink", "--host", HOST, "--port", str(mail_port), "--folder", str(var / "outbox")],
        ),
        Process("web", [*web, "--preload", "--graceful-timeout", "2", "--access-logfile", "-"]),
        Process("worker", [python, "-m", "worker"]),
        Process("upkeep", [python, "-m", "worker", "upkeep"]),
        Process("scheduler", [python, "-m", "worker.scheduler"]),
    ]


def environment(var: Path, port: int, mail_port: int) -> dict[str, str]:
    """The demo's settings. Every other one is emptied: neither the shell's nor those of `.env` belong in a demo."""
    environ = {**os.environ, **{each.metadata["env"]: "" for each in fields(Settings)}}
    return environ | {
        "SECRET_KEY_FILE": str(secret_key(var)),
        "DUEPOST_VAR": str(var),
        "REDIS_URL": f"unix://{embedded_redis.socket_of(var / 'redis')}",
        "PUBLIC_URL": f"http://{HOST}:{port}",
        "TRUSTED_HOSTS": f"{HOST} localhost",
        "MAIL_SERVER": HOST,
        "MAIL_PORT": str(mail_port),
        "DUEPOST_OUTBOX_FOLDER": str(var / "outbox"),
    }


def secret_key(var: Path) -> Path:
    """The file of the demo's key, made at the first start and readable by its owner alone."""
    path = var / "secret-key"
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
    return path


def require_free(port: int) -> None:
    """Raises StartError where the port is taken or may not be used."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            reason = "is taken by another program" if error.errno == errno.EADDRINUSE else "may not be used"
            raise StartError(f"Port {port} {reason}; choose another: make demo PORT={port + 1}") from None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextmanager
def alone_in(var: Path) -> Iterator[None]:
    """Raises StartError where another demo lives in the folder."""
    with (var / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StartError(f"A demo is running in {var} already; end it first.") from None
        yield


def run(port: int, var: Path, data: Path | None, example: str | None) -> None:
    """Start everything, say where it is, and keep it going until told to stop. Raises StartError."""
    require_free(port)
    for folder in (var, var / "log"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with alone_in(var):
        mail_port = free_port()
        environ = environment(var, port, mail_port)
        embedded_redis.prepare(var / "redis")
        supervisor = Supervisor(environ, ROOT, var / "log")
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: supervisor.ask_to_stop())
        needed, rest = table(var, port, mail_port)[:2], table(var, port, mail_port)[2:]
        try:
            for process in needed:
                supervisor.start(process)
            furnish(supervisor, data, example)
            wait_for(supervisor, "Redis", lambda: embedded_redis.answers(var / "redis"))
            # the page first: the others would only slow it down, and nobody waits for them yet
            supervisor.start(rest[0])
            wait_for(supervisor, "the page", lambda: page_answers(port))
            for process in rest[1:]:
                supervisor.start(process)
            print(welcome(port, var), flush=True)
            supervisor.watch(lambda: False)
        except Stopped:
            print("\nEnding…", flush=True)
        finally:
            supervisor.stop()


def reset(var: Path) -> None:
    """Throw everything away that the demo kept. Raises StartError while it runs."""
    if var.exists():
        with alone_in(var):
            shutil.rmtree(var)
    print(f"Nothing is left in {var}; make demo begins anew.")


def furnish(supervisor: Supervisor, data: Path | None, example: str | None) -> None:
    """Migrations and what the demo begins with, in a process of its own."""
    arguments = ["--data", str(data)] if data else []
    arguments += ["--example", example] if example else []
    if supervisor.run([sys.executable, "-m", "demo.seed", *arguments]):
        raise StartError("The demo's data could not be made.")


def wait_for(supervisor: Supervisor, what: str, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    supervisor.watch(lambda: holds() or time.monotonic() > deadline, every=0.05)
    if not holds():
        raise StartError(f"{what} does not answer after {START_SECONDS} s; see the logs in {supervisor.logs}.")


def page_answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/healthz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def welcome(port: int, var: Path) -> str:
    sign_in = var / SIGN_IN
    people = sign_in.read_text(encoding="utf-8") if sign_in.exists() else "(sign-in.txt is gone; make demo-reset)\n"
    return f"""
Duepost is running at http://{HOST}:{port}

Sign in as
{people}
What to try
  1. Schedules, New: every Monday at 08:00, the last complete week, to three people, one of them refused@example.org.
  2. Run now: the run's page shows rows, file hash and what happened to each recipient.
  3. http://{HOST}:{port}/outbox: the mails as they went out. busy@example.org is taken at the third attempt.
  4. Kill any process, even in the middle of a run: it is started again, and the run is taken up and ends once.

Everything is kept in {var} (logs in {var / "log"}). Ctrl-C ends it; make demo-reset starts over.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--port", default="8000")
    parser.add_argument("--var", type=Path, default=ROOT / "var" / "demo", help="folder of everything the demo keeps")
    parser.add_argument("--data", type=Path, help="folder of a public dataset, with --example")
    parser.add_argument("--example", help="folder of examples/ that says how to read it")
    parser.add_argument("--reset", action="store_true", help="throw away what the demo kept, and end")
    asked = parser.parse_args(arguments)
    try:
        if asked.reset:
            reset(asked.var.absolute())
            return 0
        if not asked.port.isdecimal() or not 1 <= int(asked.port) <= LAST_PORT:
            raise StartError(f"PORT is a number from 1 to 65535, not “{asked.port}”.")
        data = asked.data.absolute() if asked.data else None
        run(int(asked.port), asked.var.absolute(), data, asked.example)
    except (StartError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
