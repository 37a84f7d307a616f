"""Measuring one way at a time, each in a fresh process, in turns: a busy moment of the machine hits all alike."""

from __future__ import annotations

import importlib
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parent.parent
Say = Callable[[str], None]
Figures = dict[str, float]


class Timed:
    """Seconds between entering and leaving: by the clock, and of processors, those of ended child processes too."""

    wall = cpu = 0.0

    def __enter__(self) -> Self:
        self._wall, self._cpu = time.perf_counter(), _cpu_seconds()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall, self.cpu = time.perf_counter() - self._wall, _cpu_seconds() - self._cpu

    def figures(self) -> Figures:
        return {"wall_seconds": self.wall, "cpu_seconds": self.cpu}


@dataclass(frozen=True)
class Way:
    """A function of this package that does the work and returns its figures, and what it is called with."""

    name: str
    function: Callable[..., Figures]
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """Medians of a way's figures over its repeats; `slowest` and `fastest` are wall seconds."""

    way: str
    repeats: int
    figures: Figures
    fastest: float
    slowest: float

    def per_second(self, what: str = "rows") -> float:
        """By the clock."""
        return self.figures[what] / self.figures["wall_seconds"]


def compare(ways: Sequence[Way], repeats: int, say: Say) -> dict[str, Found]:
    """Each way `repeats` times, by name. The figures hold wall_seconds, cpu_seconds, peak_mb and the way's own."""
    samples: dict[str, list[Figures]] = {way.name: [] for way in ways}
    for turn in range(1, repeats + 1):
        for way in ways:
            sample = _apart(way)
            samples[way.name].append(sample)
            say(f"  {way.name}, {turn} of {repeats}: {sample['wall_seconds']:.2f} s, {sample['peak_mb']:.0f} MB")
    return {name: found(name, taken) for name, taken in samples.items()}


def found(name: str, samples: Sequence[Figures]) -> Found:
    """The medians of samples that hold the same figures."""
    walls = [each["wall_seconds"] for each in samples]
    medians = {key: statistics.median(each[key] for each in samples) for key in samples[0]}
    return Found(name, len(samples), medians, min(walls), max(walls))


def memory_mb(field_name: str, process: int | str = "self") -> float:
    """VmHWM (peak) or VmRSS (now) of a process, as Linux gives it; not a number elsewhere."""
    # Not getrusage: its figure begins at the peak of the process that started this one.
    status = Path(f"/proc/{process}/status")
    held = re.search(rf"{field_name}:\s+(\d+) kB", status.read_text(encoding="utf-8")) if status.exists() else None
    return int(held[1]) / 1024 if held else float("nan")


def bytecode() -> dict[str, str]:
    """Environment that keeps compiled modules, as an installation does: to compile them anew costs memory too."""
    return {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(ROOT / "var" / "bench" / "pycache")}


def _cpu_seconds() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _apart(way: Way) -> Figures:
    function = f"{way.function.__module__}:{way.function.__qualname__}"
    command = [sys.executable, "-m", "bench.measure", function, json.dumps(dict(way.arguments))]
    given = os.environ | bytecode()
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, env=given)
    if done.returncode:
        raise RuntimeError(f"{way.name} failed:\n{done.stderr[-4_000:]}")
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def main() -> None:
    """`python -m bench.measure bench.rows:ours '{"url": …}'`: one way in this process, its figures as JSON."""
    module, _, function = sys.argv[1].partition(":")
    figures = getattr(importlib.import_module(module), function)(**json.loads(sys.argv[2]))
    print(json.dumps({"peak_mb": memory_mb("VmHWM")} | figures))


if __name__ == "__main__":
    main()
