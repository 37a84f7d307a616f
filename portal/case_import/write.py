"""Writing a staged import: case by case in the order of the files, in transactions so short that nobody waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from portal.case_import.errors import BadRow, shortened
from portal.case_import.fields import DISCLOSURES, INTERVIEWS
from portal.case_import.grouping import CaseGrouping, Child, children
from portal.case_import.mapping import Mapping
from portal.case_import.register import GroupedCase, Register
from portal.case_import.report import Report
from portal.case_import.shape import Shape
from portal.case_import.staging import CASE_SECTION, StagedCase, StagedRow, Staging
from portal.extensions import db
from portal.models import write_session

FIRST_BATCH, SMALLEST_BATCH, LARGEST_BATCH = 300, 20, 5000  # rows of files
BATCH_SECONDS = 0.2  # what a batch is steered to; half a second is the most that others should wait


class Pace:
    """One transaction after another; how long the last one took sets how many rows the next one holds."""

    def __init__(self, *, writes: bool) -> None:
        self.rows = FIRST_BATCH
        self._writes = writes

    def transaction(self, work: Callable[[Session], None]) -> None:
        began = time.monotonic()
        with write_session() if self._writes else Session(db.engine) as session:
            work(session)
        ratio = BATCH_SECONDS / max(time.monotonic() - began, 0.001)
        self.rows = int(min(LARGEST_BATCH, max(SMALLEST_BATCH, self.rows * min(2.0, ratio))))


class Writing:
    """Everything in the staging, through `register`, into the tables."""

    def __init__(
        self,
        mapping: Mapping,
        staging: Staging,
        register: Register,
        report: Report,
        file_names: Sequence[str],
        home: ZoneInfo,
    ) -> None:
        self._mapping = mapping
        self._staging = staging
        self._register = register
        self._report = report
        self._files = file_names
        self._grouping = CaseGrouping(mapping.case, home)
        self._shape = Shape(mapping.case)
        number = next(spec for spec in mapping.case.specs if spec.field.name == "case_number" and not spec.in_bag)
        self._numbers_may_clash = number.parts[0] is not mapping.case.key

    def cases(self, pace: Pace) -> None:
        for batch in self._batches(pace):
            pace.transaction(partial(self._register.write, batch=batch))

    def _batches(self, pace: Pace) -> Iterator[list[GroupedCase]]:
        batch: list[GroupedCase] = []
        rows = 0
        for staged in self._staging.cases():
            grouped = self._grouped(staged)
            if grouped is None:
                continue
            batch.append(grouped)
            rows += len(staged.rows)
            if rows >= pace.rows:
                yield batch
                batch, rows = [], 0
        if batch:
            yield batch

    def _grouped(self, staged: StagedCase) -> GroupedCase | None:
        own = [row for row in staged.rows if row.section == CASE_SECTION]
        notes: list[str] = []
        values = self._grouping.case(own, notes) if own else None
        if values is not None and self._numbers_may_clash:
            number = str(self._shape.value(values, "case_number"))
            owner = self._staging.owner_of_number(number, staged.key)
            if owner != staged.key:
                reason = f"the case {shortened(owner)} of these files has the number {number} too"
                self._refuse(staged.rows, reason, "cases")
                return None
        self._report.warnings.update(notes)
        below, lost = children(staged.key, self._mapping.sections, staged.rows[len(own) :])
        for row, reason in lost:
            self._refuse([row], reason, INTERVIEWS.name)
        return GroupedCase(staged.key, staged.rows, values, below)

    def _refuse(self, rows: Iterable[StagedRow], reason: str, entity: str) -> None:
        for file, line in sorted({(row.file, row.line) for row in rows}):
            self._report.bad(BadRow(self._files[file], line, "", "", reason), entity)

    def without_case(self, pace: Pace) -> None:
        batch: list[Child] = []
        for rows in self._staging.without_case():
            below, _ = children("", self._mapping.sections, rows)
            batch += below[DISCLOSURES.name]
            if len(batch) >= pace.rows:
                pace.transaction(partial(self._register.write_without_case, batch=batch))
                batch = []
        if batch:
            pace.transaction(partial(self._register.write_without_case, batch=batch))
