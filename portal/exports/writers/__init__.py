"""File formats: each takes columns and pages of rows and writes one file; rows and formats do not know each other."""

from portal.exports.file_types import FILE_TYPES
from portal.exports.writers.base import (
    ByteSink,
    CoverValue,
    ExportLimit,
    HashingFile,
    Page,
    PageWords,
    Row,
    Value,
    WriteOptions,
    Writer,
    Written,
)

FORMATS = {name: each.label for name, each in FILE_TYPES.items()}
"""All formats, and what people call them."""

TABLE_FORMATS = ("XLSX", "CSV", "PDF", "JSON_LINES", "PARQUET")
"""Those in which a table can be written; `writer_for` has a writer for each."""

__all__ = [
    "FORMATS",
    "TABLE_FORMATS",
    "ByteSink",
    "CoverValue",
    "ExportLimit",
    "HashingFile",
    "Page",
    "PageWords",
    "Row",
    "Value",
    "WriteOptions",
    "Writer",
    "Written",
    "writer_for",
]


def writer_for(format_name: str) -> Writer:
    """The writer of one of TABLE_FORMATS; only that format's parts are imported. Raises KeyError."""
    match format_name:
        case "CSV":
            from portal.exports.writers.csv_text import CsvWriter  # noqa: PLC0415

            return CsvWriter()
        case "XLSX":
            from portal.exports.writers.xlsx import XlsxWriter  # noqa: PLC0415

            return XlsxWriter()
        case "PDF":
            from portal.exports.writers.pdf_table import PdfWriter  # noqa: PLC0415

            return PdfWriter()
        case "JSON_LINES":
            from portal.exports.writers.json_lines import JsonLinesWriter  # noqa: PLC0415

            return JsonLinesWriter()
        case "PARQUET":
            from portal.exports.writers.parquet import ParquetWriter  # noqa: PLC0415

            return ParquetWriter()
        case _:
            raise KeyError(format_name)
