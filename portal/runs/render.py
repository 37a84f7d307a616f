"""Making a run's files: all of one snapshot of the register, one after the other, each stored once it is whole."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from portal import failpoints
from portal.case_import.under_way import complete_until
from portal.exports.errors import ExportError
from portal.exports.make_file import MadeFile, in_words, make_file
from portal.exports.request import ExportRequest
from portal.exports.rows import count_rows
from portal.exports.snapshot import shared_snapshot
from portal.leases import Lease
from portal.models import Run
from portal.plumbing import storage
from portal.plumbing.logs import log
from portal.runs import variants
from portal.runs.variants import Plan, Variant
from portal.runs.window import settled_window

DISCREET = "The file could not be made as the schedule asks; an operator finds the reason in the log."
OnRows = Callable[[int, int], None]
"""Rows written and expected, as they are shown of the run."""
logger = log(__name__)


@dataclass(frozen=True)
class Rendered:
    """A file that is stored and not yet on record."""

    variant: Variant
    made: MadeFile
    storage_key: str


@dataclass(frozen=True)
class Files:
    """All files of a run."""

    plan: Plan
    rendered: Sequence[Rendered]
    rows: int
    """What is told of the run as a whole; of each file stands its own number."""
    data_as_of: datetime
    """Whatever changed in the register up to then was seen."""


def render(run: Run, lease: Lease, on_rows: OnRows, check: Callable[[], None]) -> Files:
    """Makes and stores every file of the run. What `on_rows` and `check` raise ends the work."""
    request = ExportRequest.from_json(run.configuration["export"])
    if request.only_changes:
        request = replace(request, changes_since=settled_window(lease))
    data_as_of = complete_until(run.organization_id)
    with shared_snapshot() as connection:
        with in_words():
            plan = variants.plan(connection, request, run.configuration)
        one = len(plan.variants) == 1
        told = None if one else sum(count_rows(each) for each in plan.told)
        rendered = []
        for number, variant in enumerate(plan.variants):
            progress = on_rows if told is None else _share(on_rows, number, len(plan.variants), told)
            with _said_discreetly(plan, run):
                rendered.append(_rendered(run, lease, variant, progress))
            check()
    return Files(plan, rendered, rendered[0].made.rows if told is None else told, data_as_of)


def _rendered(run: Run, lease: Lease, variant: Variant, on_rows: OnRows) -> Rendered:
    with tempfile.TemporaryDirectory(prefix="duepost-") as folder:
        path = Path(folder) / "artifact"
        made = make_file(variant.request, path, on_rows=on_rows, run_reference=str(run.id))
        failpoints.reach("made-file")
        extension = variant.request.file_type.extension
        key = f"{run.organization_id}/{run.id}/{lease.attempt}-{variant.name}.{extension}"
        storage.put_new(storage.artifact_store(), key, path)
        failpoints.reach("stored-file")
    return Rendered(variant, made, key)


@contextmanager
def _said_discreetly(plan: Plan, run: Run) -> Iterator[None]:
    """Why a file cannot be made may tell how many rows it has, which is not for everybody who sees the run."""
    try:
        yield
    except ExportError as error:
        if not plan.discreet:
            raise
        logger.exception("making a file failed", run_id=str(run.id))
        raise ExportError(DISCREET, permanent=error.permanent) from None


def _share(on_rows: OnRows, number: int, of: int, told: int) -> OnRows:
    """How far the work is, put as rows of those that are told: the files' own numbers are not for everybody."""

    def shown(written: int, expected: int) -> None:
        done = written / expected if expected else 1
        on_rows(int(told * (number + done) / of), told)

    return shown
