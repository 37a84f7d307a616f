"""File formats: each takes columns and pages of rows and writes one file; rows and formats do not know each other."""

from portal.exports.writers.base import (
    CoverValue,
    ExportLimit,
    HashingFile,
    Page,
    Row,
    Value,
    WriteOptions,
    Writer,
    Written,
)

FORMATS = {"XLSX": "Excel (XLSX)", "CSV": "CSV", "JSON_LINES": "JSON lines", "PARQUET": "Parquet"}
"""The formats that can be written, and what people call them."""

__all__ = [
    "FORMATS",
    "CoverValue",
    "ExportLimit",
    "HashingFile",
    "Page",
    "Row",
    "Value",
    "WriteOptions",
    "Writer",
    "Written",
    "writer_for",
]


def writer_for(format_name: str) -> Writer:
    """The writer of one of FORMATS. Raises KeyError. Heavy parts are imported only for the format that needs them."""
    match format_name:
        case "CSV":
            from portal.exports.writers.csv_text import CsvWriter  # noqa: PLC0415

            return CsvWriter()
        case "XLSX":
            from portal.exports.writers.xlsx import XlsxWriter  # noqa: PLC0415

            return XlsxWriter()
        case "JSON_LINES":
            from portal.exports.writers.json_lines import JsonLinesWriter  # noqa: PLC0415

            return JsonLinesWriter()
        case "PARQUET":
            from portal.exports.writers.parquet import ParquetWriter  # noqa: PLC0415

            return ParquetWriter()
        case _:
            raise KeyError(format_name)
