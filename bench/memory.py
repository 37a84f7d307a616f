"""Memory: of processes that wait for work, and of a worker's process over registers of two sizes."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from bench import csv_export
from bench.measure import Figures, Say, Way, compare, memory_mb
from bench.processes import children, running, wait_until, workers
from bench.redis_server import running_redis
from bench.registers import Register
from bench.report import Figure, Subject

WORKER, WEB = "worker at rest", "web process at rest, after one page"
KINDS = ("CSV", "JSON_LINES", "PARQUET", "XLSX")
GROWTH = 1.1
"""The larger register may take a tenth more: what a page of rows takes is not the same in both."""


def worker_at_rest(url: str) -> Figures:
    began = time.perf_counter()
    with (
        running_redis() as redis_url,
        tempfile.TemporaryDirectory() as folder,
        running(["worker"], url, redis_url, Path(folder)) as process,
    ):
        wait_until(lambda: workers(redis_url) == 1, process, "the worker")
        time.sleep(1)
        held = memory_mb("VmRSS", process.pid)
    return _figures(held, began)


def web_at_rest(url: str) -> Figures:
    """One of gunicorn's workers as the Procfile has them."""
    began = time.perf_counter()
    with running_redis() as redis_url, tempfile.TemporaryDirectory() as folder:
        socket = Path(folder) / "web.sock"
        options = ["--bind", f"unix:{socket}", "--workers", "1", "--threads", "4", "--preload"]
        with running(["gunicorn", "wsgi:app", *options], url, redis_url, Path(folder)) as process:
            wait_until(lambda: _answers(socket), process, "the web process")
            held = max(memory_mb("VmRSS", child) for child in children(process.pid))
    return _figures(held, began)


def _figures(held: float, began: float) -> Figures:
    wall = time.perf_counter() - began
    return {"wall_seconds": wall, "cpu_seconds": 0.0, "processes": 1, "at_rest_mb": held, "peak_mb": held}


def _answers(socket: Path) -> bool:
    import http.client
    import socket as sockets

    connection = http.client.HTTPConnection("localhost")
    connection.sock = sockets.socket(sockets.AF_UNIX)
    try:
        connection.sock.connect(str(socket))
        connection.request("GET", "/sign-in")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def measure_rest(register: Register, repeats: int, say: Say) -> Subject:
    ways = [
        Way(WORKER, worker_at_rest, {"url": register.url}),
        Way(WEB, web_at_rest, {"url": register.url}),
    ]
    found = compare(ways, repeats, say)
    return Subject(
        "memory-rest",
        "Memory at rest",
        "processes",
        list(found.values()),
        [
            Figure.at_most(WORKER, found[WORKER].figures["at_rest_mb"], 110, "MB"),
            Figure.at_most(WEB, found[WEB].figures["at_rest_mb"], 90, "MB"),
        ],
    )


def measure_growth(small: Register, large: Register, repeats: int, say: Say) -> Subject:
    """Peaks of whole exports in processes with the application built, as a worker's child has it."""
    ways = [
        Way(f"{kind}, {register.cases:,} cases", csv_export.ours, {"url": register.url, "format_name": kind})
        for kind in KINDS
        for register in (small, large)
    ]
    found = compare(ways, repeats, say)
    figures = []
    for kind in KINDS:
        few, many = (found[f"{kind}, {each.cases:,} cases"].figures["peak_mb"] for each in (small, large))
        figures += [
            Figure.shown(f"{kind}: peak over {small.cases:,} cases", few, "MB"),
            Figure.shown(f"{kind}: peak over {large.cases:,} cases", many, "MB"),
            Figure.at_most(f"{kind}: the larger's peak by the smaller's", many / few, GROWTH, "×"),
        ]
    return Subject("memory-growth", "Memory while exporting", "rows", list(found.values()), figures)
