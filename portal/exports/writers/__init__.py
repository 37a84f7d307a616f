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

FORMATS = ("CSV", "XLSX")

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
        case _:
            raise KeyError(format_name)
