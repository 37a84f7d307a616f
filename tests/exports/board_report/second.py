"""The figures of a board report computed a second way: the exported flat file read back and counted case by case.

What the flat file does not hold (due dates, the Directive's dates, reports, investigations) is loaded row by row.
"""

from __future__ import annotations

import calendar
import csv
import statistics
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from portal.exports.board_report.figures import BoardFigures
from portal.exports.board_report.labels import load_labels
from portal.exports.board_report.period import Span
from portal.exports.make_file import make_file
from portal.exports.request import ExportRequest
from portal.extensions import db
from portal.models import BusinessUnit, Case, IntakeReport, Investigation

FOUND = ("SUBSTANTIATED", "PARTLY_SUBSTANTIATED")
DECIDED = (*FOUND, "UNSUBSTANTIATED", "INSUFFICIENT")
PRIORITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "")
BANDS = ((-9_999, 30), (31, 60), (61, 90), (91, 99_999))
Row = dict[str, Any]


def word(text: str) -> str:
    return text.replace("_", " ").capitalize() if text else "Not recorded"


class Second:
    """`rows`: the cases of the flat file, instants read, with what else is needed of each."""

    def __init__(self, request: ExportRequest, figures: BoardFigures, folder: Path) -> None:
        self.zone = figures.period.zone
        self.period = figures.period
        self.end = figures.period.now.end
        self.rows = flat_file(request, folder)
        by_id = {uuid.UUID(row["case_id"]): row for row in self.rows}
        with db.engine.connect() as connection:
            names = load_labels(connection, request.organization_id).names
            parents = {unit.id: unit.parent_id for unit in connection.execute(sa.select(BusinessUnit.__table__))}
            for case in connection.execute(sa.select(Case.__table__)):
                if row := by_id.get(case.id):
                    row |= {key: getattr(case, key) for key in ("due_at", "acknowledged_at", "feedback_at")}
                    row["reports"], row["completed"] = [], []
                    row["unit_id"] = case.business_unit_id
                    # two of one name have labels of their own
                    row["location_name"] = names["location"].get(case.location_id, "")
            for report in connection.execute(sa.select(IntakeReport.__table__)):
                if row := by_id.get(report.case_id):
                    row["reports"].append(report.received_at)
            for each in connection.execute(sa.select(Investigation.__table__)):
                if (row := by_id.get(each.case_id)) and each.completed_at:
                    row["completed"].append(each.completed_at)

        self.name_units(parents, names["business_unit"])

    def name_units(self, parents: dict[Any, Any], names: Any) -> None:
        """Every unit by the one above it on the highest level on which the cases of the report divide."""

        def line(unit: Any) -> list[Any]:
            found = [unit]
            while parents[found[0]] is not None:
                found.insert(0, parents[found[0]])
            return found

        before = self.opened(self.period.before) if self.period.before else []
        meant = [*self.opened(self.period.now), *before, *self.closed(self.period.now)]
        lines = [line(row["unit_id"]) for row in meant if row["unit_id"]]
        level = 0
        while lines and len({str(each[: level + 1]) for each in lines}) == 1 and level < max(map(len, lines)):
            level += 1
        for row in self.rows:
            whole = line(row["unit_id"])[: level + 1] if row["unit_id"] else []
            row["business_unit_name"] = names[whole[-1]] if whole else ""

    def day(self, instant: datetime) -> date:
        return instant.astimezone(self.zone).date()

    def in_span(self, instant: datetime | None, span: Span) -> bool:
        return instant is not None and (span.start is None or instant >= span.start) and instant < span.end

    def opened(self, span: Span) -> list[Row]:
        return [row for row in self.rows if self.in_span(row["created"], span)]

    def closed(self, span: Span) -> list[Row]:
        return [row for row in self.rows if row["case_status"] == "CLOSED" and self.in_span(row["closed"], span)]

    def open_at(self, moment: datetime) -> list[Row]:
        return [
            row
            for row in self.rows
            if row["created"] < moment
            and (row["case_status"] != "CLOSED" or (row["closed"] is not None and row["closed"] >= moment))
        ]

    def median(self, span: Span) -> tuple[float | None, int]:
        days = [int(row["case_days_open"]) for row in self.closed(span) if row["closed"] >= row["created"]]
        return (statistics.median(days) if days else None), len(days)

    def substantiated(self, rows: Iterable[Row]) -> tuple[int, int]:
        decided = [row for row in rows if row["outcome"] in DECIDED]
        return len([row for row in decided if row["outcome"] in FOUND]), len(decided)

    def anonymous(self, span: Span) -> tuple[int, int]:
        said = [row["is_anonymous"] for row in self.opened(span) if row["is_anonymous"]]
        return said.count("true"), len(said)

    def due(self, span: Span) -> list[tuple[Row, str]]:
        """Cases that fell due and what became of them."""
        found = []
        for row in self.rows:
            closed = row["closed"] if row["case_status"] == "CLOSED" else None
            if not self.in_span(row["due_at"], span) or (row["case_status"] == "CLOSED" and closed is None):
                continue
            done = closed is not None and closed < self.end
            found.append((row, "outstanding" if not done else "met" if closed <= row["due_at"] else "late"))
        return found

    def clock(self, done_key: str, last_day: Callable[[Row], date], span: Span) -> Counter[str]:
        found: Counter[str] = Counter()
        for row in self.rows:
            last = last_day(row)
            if last >= self.day(span.end) or (span.start and last < self.day(span.start)):
                continue
            done = row[done_key] if row[done_key] and row[done_key] < self.end else None
            found["outstanding" if done is None else "met" if self.day(done) <= last else "late"] += 1
        return found

    def acknowledge_by(self, row: Row) -> date:
        return self.day(min(row["reports"], default=row["created"])) + timedelta(days=7)

    def feed_back_by(self, row: Row) -> date:
        began = self.day(row["acknowledged_at"]) if row["acknowledged_at"] else self.acknowledge_by(row)
        year, month = divmod(began.year * 12 + began.month - 1 + 3, 12)
        return date(year, month + 1, min(began.day, calendar.monthrange(year, month + 1)[1]))

    def figures(self) -> dict[str, Any]:
        """What `shown` gives of the report's own."""
        period, spans = self.period, [self.period.now, self.period.before]
        now_open = self.open_at(self.end)
        last_day = self.day(self.end - timedelta(microseconds=1))
        ages = [(last_day - self.day(row["created"])).days for row in now_open]
        due = self.due(period.now)
        units: dict[str, list[Row]] = defaultdict(list)
        for row in self.closed(period.now):
            units[row["business_unit_name"]].append(row)
        overall = self.substantiated(self.closed(period.now))
        late = [
            (row["case_priority"], (last_day - self.day(row["due_at"])).days)
            for row in now_open
            if row["due_at"] and row["due_at"] < self.end
        ]

        def both(measure: Callable[[Span], Any]) -> list[Any]:
            return [measure(span) if span else None for span in spans]

        kept = [row for row in self.rows if row["created"] < self.end]
        clocks = {
            "acknowledgement": ("acknowledged_at", self.acknowledge_by),
            "feedback": ("feedback_at", self.feed_back_by),
        }
        return {
            "opened": both(lambda span: len(self.opened(span))),
            "closed": both(lambda span: len(self.closed(span))),
            "open_at_end": both(lambda span: len(self.open_at(span.end))),
            "median_days": both(self.median),
            "substantiated": both(lambda span: self.substantiated(self.closed(span))),
            "anonymous": both(self.anonymous),
            "sla_met": both(lambda span: self.met(self.due(span))),
            "reports": both(lambda span: self.happened("reports", span)),
            "investigations": both(lambda span: self.happened("completed", span)),
            "trend": [
                (len(self.opened(each.span)), len(self.closed(each.span)), len(self.open_at(each.span.end)))
                for each in period.months
            ],
            "median_by_month": [self.median(month.span)[0] for month in period.months],
            "breakdowns": {
                "category": self.breakdown(self.opened, "category_name", str),
                "business_unit": self.breakdown(self.opened, "business_unit_name", str),
                "location": self.breakdown(self.opened, "location_name", str),
                "channel": self.breakdown(self.opened, "source_channel", word),
                "priority": self.breakdown(self.opened, "case_priority", word),
                "outcome": self.breakdown(self.closed, "outcome", word),
            },
            "aging": [
                len([a for a in ages if low <= a <= high])
                for low, high in ((-9999, 30), (31, 60), (61, 90), (91, 99999))
            ],
            "oldest": max(ages, default=None),
            "service_levels": {
                word(priority): Counter(became for row, became in due if row["case_priority"] == priority)
                for priority in PRIORITIES
                if any(row["case_priority"] == priority for row, _ in due)
            },
            "clocks": {
                name: self.clock(key, by, period.now) if any(row[key] for row in kept) else None
                for name, (key, by) in clocks.items()
            },
            "units_above": {
                unit: rate
                for unit, rows in units.items()
                if unit and (rate := self.substantiated(rows))[1] >= 10 and rate[0] * overall[1] > overall[0] * rate[1]
            },
            "overdue": {
                word(priority): (len(days), max(days))
                for priority in ("CRITICAL", "HIGH")
                if (days := [lateness for of, lateness in late if of == priority])
            },
        }

    def met(self, due: list[tuple[Row, str]]) -> tuple[int, int]:
        return len([1 for _, became in due if became == "met"]), len(due)

    def happened(self, key: str, span: Span) -> int:
        return sum(self.in_span(instant, span) for row in self.rows for instant in row[key])

    def breakdown(self, of: Callable[[Span], list[Row]], column: str, label: Callable[[str], str]) -> dict[str, Any]:
        """Label: (now, before, anonymous now) of every value, not only of those that are shown."""
        now, before, anonymous = Counter[str](), Counter[str](), Counter[str]()
        for row in of(self.period.now):
            now[label(row[column]) or "Not recorded"] += 1
            anonymous[label(row[column]) or "Not recorded"] += row["is_anonymous"] == "true"
        for row in of(self.period.before) if self.period.before else []:
            before[label(row[column]) or "Not recorded"] += 1
        return {each: (now[each], before[each], anonymous[each]) for each in now | before} if now else {}


def flat_file(request: ExportRequest, folder: Path) -> list[Row]:
    """Every case of the same scope, whenever it was opened."""
    everything = replace(
        request, export_type="FLAT_FILE", format="CSV", start=None, end=datetime(2999, 1, 1, tzinfo=UTC)
    )
    path = folder / "flat.csv"
    make_file(everything, path)
    with path.open(encoding="utf-8", newline="") as file:
        rows: list[Row] = list(csv.DictReader(file))
    with db.engine.connect() as connection:
        # the file's times are to the second
        columns = (Case.id, Case.created_at, Case.closed_at)
        exactly = {case.id: case for case in connection.execute(sa.select(*columns))}
    for row in rows:
        case = exactly[uuid.UUID(row["case_id"])]
        row["created"] = datetime.fromisoformat(row["case_created_at"])
        row["closed"] = datetime.fromisoformat(row["case_closed_at"]) if row["case_closed_at"] else None
        assert row["created"] == case.created_at.replace(microsecond=0)
        assert row["closed"] == (case.closed_at and case.closed_at.replace(microsecond=0))
        row["created"], row["closed"] = case.created_at, case.closed_at
    return rows


def shown(figures: BoardFigures) -> dict[str, Any]:
    """What the report says, in the shape of `Second.figures`; breakdowns and units are compared by `compare`."""
    found: dict[str, Any] = {}
    for kpi in figures.kpis:
        pairs = [kpi.now, kpi.before]
        if kpi.key == "median_days":
            found[kpi.key] = [each and (each.value, each.base) for each in pairs]
        elif kpi.key in ("substantiated", "anonymous", "sla_met"):
            found[kpi.key] = [each and (each.part, each.base) for each in pairs]
        else:
            found[kpi.key] = [each and each.value for each in pairs]
    months_open = figures.kpi("open_at_end").months
    found["trend"] = [
        (each.opened, each.closed, still) for each, still in zip(figures.trend.months, months_open, strict=True)
    ]
    found["median_by_month"] = list(figures.kpi("median_days").months)
    found["aging"] = [band.count for band in figures.aging.bands]
    found["oldest"] = figures.aging.oldest_days
    found["service_levels"] = {each.label: _became(each) for each in figures.service_levels.rows}
    found["clocks"] = {
        "acknowledgement": figures.clocks.acknowledgement and _became(figures.clocks.acknowledgement),
        "feedback": figures.clocks.feedback and _became(figures.clocks.feedback),
    }
    found["overdue"] = {each.priority: (each.count, each.longest_days) for each in figures.risks.overdue}
    return found


def _became(due: Any) -> Counter[str]:
    assert due.due == due.met + due.late + due.outstanding
    return Counter({key: n for key in ("met", "late", "outstanding") if (n := getattr(due, key))})


def compare(figures: BoardFigures, expected: dict[str, Any]) -> None:
    """Asserts that the report says what the second computation found, and ranks, shares and sums it rightly."""
    found = shown(figures)
    if any(each and each.hidden for kpi in figures.kpis for each in (kpi.now, kpi.before)):
        expected = expected | {"anonymous": found["anonymous"]}
    for key, value in found.items():
        assert value == expected[key], key
    for breakdown in figures.breakdowns:
        _compare_breakdown(
            breakdown, expected["breakdowns"][breakdown.key], with_before=figures.period.before is not None
        )
    named = {each.label: (each.rate.part, each.rate.base) for each in figures.risks.units}
    assert named.items() <= expected["units_above"].items()
    assert len(named) == min(5, len(expected["units_above"]))
    rises = {
        label: (now, before)
        for label, (now, before, _) in expected["breakdowns"]["category"].items()
        if label != "Not recorded" and now - before >= 5 and (now - before) * 4 >= before
    }
    risen = {each.label: (each.now, each.before) for each in figures.risks.rising}
    assert not figures.risks.compared or len(risen) == min(5, len(rises))
    assert risen.items() <= rises.items()


def _compare_breakdown(breakdown: Any, expected: dict[str, Any], *, with_before: bool) -> None:
    assert breakdown.total == sum(now for now, _, _ in expected.values())
    left = dict(expected)
    counts = []
    for row in breakdown.rows:
        if row.kind.value == "others":
            others = row
            continue
        now, before, anonymous = left.pop(row.label)
        counts.append((row.kind.value, now))
        _compare_row(row, now, before if with_before else None, anonymous)
    if left:
        summed = [sum(values) for values in zip(*left.values(), strict=True)]
        _compare_row(others, summed[0], summed[1] if with_before else None, summed[2])
        assert breakdown.others == len(left)
    if breakdown.key != "priority":
        values = [now for kind, now in counts if kind == "value"]
        assert values == sorted(values, reverse=True)
    assert sum(row.count.value for row in breakdown.rows) == breakdown.total


def _compare_row(row: Any, now: int, before: int | None, anonymous: int) -> None:
    assert row.count.value == now
    assert (row.before and row.before.value) == before
    if row.anonymous is not None and not row.anonymous.hidden:
        assert row.anonymous.value == anonymous >= 5
