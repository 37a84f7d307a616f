"""LibreOffice as a reader of files: what a spreadsheet makes of an export."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

needs_libre_office = pytest.mark.skipif(
    shutil.which("soffice") is None,
    reason="LibreOffice (soffice) is not installed: what it makes of a file is untested",
)
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"


@dataclass(frozen=True)
class Opened:
    """A file as LibreOffice sees it."""

    formulas: list[str]
    sheets: dict[str, list[list[tuple[str, str]]]]
    """By sheet name, rows of (type, value) as OpenDocument says them; ("", "") for an empty cell."""


def open_in_libre_office(path: Path, csv_separators: str = "") -> Opened:
    """Opens the file; a CSV as UTF-8, split at any of `csv_separators`."""
    profile = path.parent / "libre-office-profile"
    codes = "/".join(str(ord(separator)) for separator in csv_separators)
    reader = [f"--infilter=Text - txt - csv (StarCalc):{codes},34,76,1"] if csv_separators else []
    subprocess.run(
        [
            *("soffice", "--headless", f"-env:UserInstallation={profile.as_uri()}", *reader),
            *("--convert-to", "fods", "--outdir", str(path.parent), str(path)),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    document = ET.parse(path.with_suffix(".fods"))
    tables = {table.get(f"{_TABLE}name", ""): _rows(table) for table in document.iter(f"{_TABLE}table")}
    formulas = [cell.get(f"{_TABLE}formula") for cell in document.iter(f"{_TABLE}table-cell")]
    return Opened([formula for formula in formulas if formula], tables)


def _rows(table: ET.Element) -> list[list[tuple[str, str]]]:
    rows = []
    for row in table.iter(f"{_TABLE}table-row"):
        cells: list[tuple[str, str]] = []
        for cell in row.iter(f"{_TABLE}table-cell"):
            times = int(cell.get(f"{_TABLE}number-columns-repeated", "1"))
            cells += [_value(cell)] * min(times, 100)
        rows.append(cells)
    return rows


def _value(cell: ET.Element) -> tuple[str, str]:
    kind = cell.get(f"{_OFFICE}value-type", "")
    for attribute in ("value", "date-value", "boolean-value"):
        value = cell.get(f"{_OFFICE}{attribute}")
        if value is not None:
            return kind, value
    return kind, "\n".join(_text(paragraph) for paragraph in cell.iter(f"{_TEXT}p"))


def _text(paragraph: ET.Element) -> str:
    parts = [paragraph.text or ""]
    for child in paragraph:
        spaces = {f"{_TEXT}s": " " * int(child.get(f"{_TEXT}c", "1")), f"{_TEXT}tab": "\t"}
        parts += [spaces.get(child.tag, child.text or ""), child.tail or ""]
    return "".join(parts)
