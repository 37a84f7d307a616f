"""The formats a file may have: what people call them, what their names end in, how mail and browsers are told them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileType:
    """One format."""

    label: str
    extension: str
    media_type: str


_OFFICE = "application/vnd.openxmlformats-officedocument"

FILE_TYPES = {
    "XLSX": FileType("Excel (XLSX)", "xlsx", f"{_OFFICE}.spreadsheetml.sheet"),
    "CSV": FileType("CSV", "csv", "text/csv; charset=utf-8"),
    "PDF": FileType("PDF", "pdf", "application/pdf"),
    "JSON_LINES": FileType("JSON lines", "jsonl", "application/x-ndjson"),
    "PARQUET": FileType("Parquet", "parquet", "application/vnd.apache.parquet"),
    "PPTX": FileType("Slides (PPTX)", "pptx", f"{_OFFICE}.presentationml.presentation"),
}
ZIP = FileType("Zip", "zip", "application/zip")
