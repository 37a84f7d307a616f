"""The cover sheet: what the file is, so that it can be told later what it was made of.

Its own hash is not on it, which a file cannot hold, and neither are the recipients.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from portal.config import VERSION
from portal.exports.catalogue import offer
from portal.exports.masking import masking_in_words, untold_of
from portal.exports.periods import Resolved, period_in_words
from portal.exports.request import ExportRequest
from portal.exports.rows import RowStream
from portal.exports.scope_words import counted_in_words, limits_in_words, told_json
from portal.exports.writers import CoverValue, PageWords, Written
from portal.moments import changes_in_words, instant_text, last_import_in_words, moment_in_words
from portal.zones import zone, zone_words

CoverLine = tuple[str, CoverValue]


@dataclass(frozen=True)
class Cover:
    """Makes the lines of the cover once all rows are written."""

    request: ExportRequest
    stream: RowStream
    run_reference: str
    """The run's id; empty where the file was made without a run."""

    def __call__(self, written: Written) -> Sequence[CoverLine]:
        request, stream = self.request, self.stream
        place = zone(request.zone)
        hash_note = "On the run's page and in the mail: a file cannot hold its own hash"
        return [
            ("Report", request.title),
            ("Run", self.run_reference or "Made at the command line, without a run"),
            ("Planned for", moment_in_words(request.planned_for, place)),
            ("Export type", str(request.export_type)),
            ("Format", str(request.format)),
            ("Period", period_in_words(Resolved(request.start, request.end), place)),
            ("Period from (UTC, included)", instant_text(request.start) if request.start else "the first case"),
            ("Period to (UTC, not included)", instant_text(request.end)),
            ("Period counts", counted_in_words(request.export_type, stream.filters)),
            ("Filters", limits_in_words(request.export_type, stream.filters, untold_of(request.masking))),
            *(("Of these", words) for words in _changes(request)),
            *(("Masking", words) for words in masking_in_words(request.masking)),
            ("Time zone", f"{request.zone}; all dates and times in this file are in {zone_words(request.zone)}"),
            (f"{offer(request.export_type).rows_are.value.capitalize()}s", written.rows),
            ("Cells changed to be harmless", written.cells_changed),
            *(("Left empty", note) for note in stream.notes()),
            ("Register last imported", last_import_in_words(stream.register_as_of, place)),
            ("Software", f"Duepost {VERSION}"),
            ("SHA-256 of this file", hash_note if self.run_reference else "Printed by the command that made it"),
            ("Columns", len(stream.columns)),
            ("Column keys", ", ".join(column.key for column in stream.columns)),
            ("Configuration", json.dumps(_configuration(request, stream), ensure_ascii=False, sort_keys=True)),
        ]

    def page_words(self, organization: str) -> PageWords:
        """What the pages of a document say of it."""
        request, stream = self.request, self.stream
        place = zone(request.zone)
        period = period_in_words(Resolved(request.start, request.end), place)
        rows = f"{stream.expected:,} {offer(request.export_type).rows_are.value}{'' if stream.expected == 1 else 's'}"
        return PageWords(
            organization=organization,
            period=period[0].upper() + period[1:],
            zone=f"Times in {zone_words(request.zone)}",
            run=f"Run {self.run_reference}" if self.run_reference else "",
            lead=(
                f"{period[0].upper()}{period[1:]}, by {counted_in_words(request.export_type, stream.filters)}",
                limits_in_words(request.export_type, stream.filters, untold_of(request.masking)),
                *_changes(request),
                f"{rows}. Register last imported: {last_import_in_words(stream.register_as_of, place)}",
            ),
        )


def _changes(request: ExportRequest) -> Iterator[str]:
    """Where the file is one of changes, the words for it."""
    if request.only_changes:
        yield changes_in_words(request.changes_since, zone(request.zone))


def _configuration(request: ExportRequest, stream: RowStream) -> dict[str, object]:
    columns = dict(request.column_config)
    if request.masking and columns.get("columns"):
        shown = {column.key for column in stream.columns}
        columns["columns"] = [each for each in columns["columns"] if _key(each) in shown]
    return {
        "filters": told_json(request.filters, untold_of(request.masking)),
        "column_config": columns,
        "format_options": dict(request.format_options),
    }


def _key(chosen: Any) -> object:
    return chosen["key"] if isinstance(chosen, dict) else chosen
