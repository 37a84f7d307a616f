"""Times the writers of CSV, XLSX, JSON lines and Parquet beside the ways others write the same rows.

Every way runs in a process of its own over the same synthetic rows of 59 columns and writes to a file; making the rows
is not timed. `python -m bench.writers --rows 50000` prints one JSON object; `measure` gives it to the bench runner.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import re
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from portal.exports.columns import Column, ColumnType

ROOT = Path(__file__).resolve().parent.parent
PAGE = 2_000
ZONE = "America/New_York"
_STORED = "%Y-%m-%d %H:%M:%S.%f"

T, N, D, DT, B = ColumnType.TEXT, ColumnType.INTEGER, ColumnType.DATE, ColumnType.DATETIME, ColumnType.BOOLEAN


def _columns() -> list[Column]:
    core = [
        ("case_id", T), ("case_number", T), ("case_status", T), ("case_priority", T), ("case_created_at", DT),
        ("case_closed_at", DT), ("case_days_open", N), ("case_sla_breached", B), ("category_name", T),
        ("category_code", T), ("subcategory_name", T), ("source_channel", T), ("is_anonymous", B),
        ("reporter_relationship", T), ("assigned_to_name", T), ("assigned_to_email", T), ("business_unit_name", T),
        ("business_unit_code", T), ("location_name", T), ("location_country", T), ("location_region", T),
        ("outcome", T), ("outcome_reason", T), ("has_remediation", B), ("remediation_status", T), ("riu_count", N),
        ("investigation_count", N), ("subject_count", N), ("attachment_count", N),
    ]  # fmt: skip
    investigation = [
        ("id", T), ("type", T), ("status", T), ("outcome", T), ("started_at", D), ("completed_at", D),
        ("days_to_complete", N), ("investigator_name", T), ("interview_count", N), ("finding_summary", T),
    ]  # fmt: skip
    repeated = [(f"inv_{n}_{key}", kind) for n in (1, 2, 3) for key, kind in investigation]
    return [Column(key, key.replace("_", " ").title(), kind) for key, kind in core + repeated]


COLUMNS = _columns()


@dataclass(frozen=True)
class Measured:
    """One way over the rows: seconds without the making of rows, and the peak memory of its process."""

    way: str
    rows: int
    rows_per_second: int
    cells_per_second: int
    cpu_seconds: float
    peak_mb: float
    bytes: int


class Rows:
    """Seeded rows as the register has them: few distinct statuses and units, names that repeat, texts that do not."""

    def __init__(self, count: int, *, stored: bool) -> None:
        """`stored`: instants and dates as SQLite's own text; else as datetime and date objects."""
        self._count = count
        self._stored = stored
        self._random = random.Random(7)
        self._words = [f"{a}{b}" for a in ("re", "in", "con", "de", "pro") for b in ("port", "tract", "view", "fer")]
        self._people = [f"Ada{n} Example{n}" for n in range(400)]
        self.wall = self.cpu = 0.0
        """Seconds spent making rows."""

    def pages(self) -> Iterator[list[tuple[Any, ...]]]:
        for start in range(0, self._count, PAGE):
            wall, cpu = time.perf_counter(), time.process_time()
            page = [self._row(n) for n in range(start, min(start + PAGE, self._count))]
            self.wall += time.perf_counter() - wall
            self.cpu += time.process_time() - cpu
            yield page

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        for page in self.pages():
            yield from page

    def _id(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def _text(self, words: int) -> str:
        return " ".join(self._random.choices(self._words, k=words)).capitalize() + ", noted."

    def _instant(self, instant: datetime) -> str | datetime:
        return instant.strftime(_STORED) if self._stored else instant

    def _day(self, day: date) -> str | date:
        return day.isoformat() if self._stored else day

    def _row(self, number: int) -> tuple[Any, ...]:
        pick = self._random.choice
        opened = datetime(2021, 1, 4, tzinfo=UTC) + timedelta(minutes=11 * number, seconds=self._random.randrange(60))
        closed = opened + timedelta(days=self._random.randrange(200)) if number % 3 else None
        person = pick(self._people)
        unit = self._random.randrange(40)
        row: list[Any] = [
            self._id(), f"C-{number:07}", pick(("NEW", "OPEN", "ON_HOLD", "CLOSED")),
            pick(("LOW", "MEDIUM", "HIGH", "CRITICAL")), self._instant(opened), closed and self._instant(closed),
            self._random.randrange(200), number % 7 == 0, f"Category {unit % 9}", f"CAT-{unit % 9}",
            f"Subcategory {unit}", pick(("HOTLINE", "WEB_FORM", "EMAIL")), number % 2 == 0, pick(("EMPLOYEE", None)),
            person, f"{person.split()[0].lower()}@example.org", f"Unit {unit}", f"U{unit:03}", f"Site {unit}",
            pick(("US", "DE", "JP")), pick(("AMER", "EMEA", "APAC")), closed and pick(("SUBSTANTIATED", "WITHDRAWN")),
            closed and self._text(6), number % 5 == 0, pick(("OPEN", "DONE", None)), pick((1, 1, 1, 2, 3)),
            number % 4, pick((1, 2, 3)), pick((0, 0, 1, 4)),
        ]  # fmt: skip
        for n in range(3):
            row += self._investigation(opened) if n < number % 4 else (None,) * 10
        return tuple(row)

    def _investigation(self, opened: datetime) -> tuple[Any, ...]:
        began = opened.date() + timedelta(days=self._random.randrange(30))
        days = self._random.randrange(90)
        return (
            self._id(), "INTERNAL", "COMPLETED", "SUBSTANTIATED", self._day(began),
            self._day(began + timedelta(days=days)), days, self._random.choice(self._people),
            self._random.randrange(5), self._text(18),
        )  # fmt: skip


def _ours(format_name: str, count: int, out: Path, *, stored: bool) -> Rows:
    from portal.exports.writers import HashingFile, WriteOptions, writer_for

    rows = Rows(count, stored=stored)
    options = WriteOptions(
        ZoneInfo(ZONE), datetime(2026, 1, 5, 13, tzinfo=UTC), cover=lambda done: [("Rows", done.rows)]
    )
    with out.open("wb") as file:
        hashed = HashingFile(file)
        writer_for(format_name).write(COLUMNS, rows.pages(), hashed, options, lambda _: None)
    return rows


def _plain(value: Any, zone: ZoneInfo) -> Any:
    """What careful code does for one cell: zone, guard, words for booleans."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(zone).isoformat(timespec="seconds")
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{value}"
    return value


def _csv_cell_by_cell(count: int, out: Path) -> Rows:
    rows, zone = Rows(count, stored=False), ZoneInfo(ZONE)
    with out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([column.key for column in COLUMNS])
        for row in rows:
            writer.writerow([_plain(value, zone) for value in row])
    return rows


def _csv_dict_writer(count: int, out: Path) -> Rows:
    rows, zone = Rows(count, stored=False), ZoneInfo(ZONE)
    keys = [column.key for column in COLUMNS]
    special = [column.key for column in COLUMNS if column.type in (DT, B)]
    with out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, extrasaction="ignore", fieldnames=keys)
        writer.writeheader()
        for row in rows:
            named = dict(zip(keys, row, strict=True))
            for key in special:
                named[key] = _plain(named[key], zone)
            writer.writerow(named)
    return rows


def _csv_pandas(count: int, out: Path) -> Rows:
    import pandas as pd

    rows, zone = Rows(count, stored=False), ZoneInfo(ZONE)
    frame = pd.DataFrame(list(rows), columns=[column.key for column in COLUMNS])
    for column in COLUMNS:
        if column.type is DT:
            frame[column.key] = frame[column.key].dt.tz_convert(zone)
        elif column.type is T:
            frame[column.key] = [_plain(value, zone) for value in frame[column.key].to_numpy()]
    frame.to_csv(out, index=False)
    return rows


def _naive(value: Any, zone: ZoneInfo) -> Any:
    return value.astimezone(zone).replace(tzinfo=None) if isinstance(value, datetime) else value


def _xlsx_xlsxwriter(count: int, out: Path) -> Rows:
    import xlsxwriter

    rows, zone = Rows(count, stored=False), ZoneInfo(ZONE)
    book = xlsxwriter.Workbook(
        str(out), {"constant_memory": True, "default_date_format": "yyyy-mm-dd hh:mm:ss", "strings_to_formulas": False}
    )
    sheet = book.add_worksheet("Cases")
    for position, column in enumerate(COLUMNS):
        sheet.write(0, position, column.label)
    for number, row in enumerate(rows, start=1):
        for position, value in enumerate(row):
            sheet.write(number, position, _naive(value, zone))
    book.close()
    return rows


def _xlsx_openpyxl(count: int, out: Path) -> Rows:
    import openpyxl

    rows, zone = Rows(count, stored=False), ZoneInfo(ZONE)
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Cases")
    sheet.append([column.label for column in COLUMNS])
    for row in rows:
        sheet.append([_naive(value, zone) for value in row])
    book.save(out)
    return rows


OURS_CSV, OURS_XLSX = "duepost CSV", "duepost XLSX"
OURS_JSON_LINES, OURS_PARQUET = "duepost JSON lines", "duepost Parquet"
WAYS: dict[str, Callable[[int, Path], Rows]] = {
    OURS_CSV: lambda count, out: _ours("CSV", count, out, stored=True),
    "duepost CSV, instants as objects": lambda count, out: _ours("CSV", count, out, stored=False),
    "csv.writer, cell by cell": _csv_cell_by_cell,
    "csv.DictWriter (Redash's way)": _csv_dict_writer,
    "pandas to_csv (Superset's way)": _csv_pandas,
    OURS_XLSX: lambda count, out: _ours("XLSX", count, out, stored=True),
    "XlsxWriter constant_memory (Redash's way)": _xlsx_xlsxwriter,
    "openpyxl write_only (Frappe's way)": _xlsx_openpyxl,
    OURS_JSON_LINES: lambda count, out: _ours("JSON_LINES", count, out, stored=True),
    OURS_PARQUET: lambda count, out: _ours("PARQUET", count, out, stored=True),
}


def measure_here(way: str, count: int) -> Measured:
    """Runs one way in this process, whose peak memory it reports: call it in a fresh one."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "export"
        WAYS[way](100, out)  # what is loaded and compiled once is no part of the speed
        wall, cpu = time.perf_counter(), time.process_time()
        rows = WAYS[way](count, out)
        wall, cpu = time.perf_counter() - wall - rows.wall, time.process_time() - cpu - rows.cpu
        size = out.stat().st_size
    return Measured(
        way=way,
        rows=count,
        rows_per_second=round(count / wall),
        cells_per_second=round(count * len(COLUMNS) / wall),
        cpu_seconds=round(cpu, 2),
        peak_mb=_peak_mb(),
        bytes=size,
    )


def _peak_mb() -> float:
    # Not getrusage: its figure begins at the peak of the process that started this one.
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="utf-8"))
    return round(int(found[1]) / 1024, 1) if found else float("nan")


def measure(count: int, ways: Sequence[str] = tuple(WAYS)) -> list[Measured]:
    """Runs each way over `count` rows in a fresh process, one after another."""
    return [_measure_apart(way, count) for way in ways]


def _measure_apart(way: str, count: int) -> Measured:
    # The package without its __init__: what the whole application weighs is not the writers' doing.
    alone = (
        "import sys, types; package = types.ModuleType('portal'); package.__path__ = ['portal']; "
        "sys.modules['portal'] = package; from bench.writers import main; main()"
    )
    command = [sys.executable, "-c", alone, "--rows", str(count), "--only", way]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    return Measured(**json.loads(done.stdout))


def report(count: int, repeats: int = 1) -> dict[str, Any]:
    """All ways, best of `repeats`, our speed against each peer's by clock and by CPU, and the versions measured."""
    best: dict[str, Measured] = {}
    for _ in range(repeats):
        for found in measure(count):
            if found.way not in best or found.rows_per_second > best[found.way].rows_per_second:
                best[found.way] = found
    peers = {way: found for way, found in best.items() if not way.startswith("duepost")}
    ours = {way: best[OURS_CSV if _is_csv(way) else OURS_XLSX] for way in peers}
    parts = ("isal", "openpyxl", "pandas", "xlsxwriter")
    return {
        "rows": count,
        "columns": len(COLUMNS),
        "ways": [asdict(found) for found in best.values()],
        "times_the_rows_of": {
            way: round(ours[way].rows_per_second / found.rows_per_second, 1) for way, found in peers.items()
        },
        "times_less_cpu_than": {
            way: round(found.cpu_seconds / ours[way].cpu_seconds, 1) for way, found in peers.items()
        },
        "versions": {"python": sys.version.split()[0]} | {part: version(part) for part in parts},
    }


def _is_csv(way: str) -> bool:
    return list(WAYS).index(way) < list(WAYS).index(OURS_XLSX)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--repeats", type=int, default=1, help="best of so many")
    parser.add_argument("--only", choices=WAYS, help="one way, in this process")
    asked = parser.parse_args()
    result = asdict(measure_here(asked.only, asked.rows)) if asked.only else report(asked.rows, asked.repeats)
    print(json.dumps(result, indent=None if asked.only else 2))


if __name__ == "__main__":
    main()
