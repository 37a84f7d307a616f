"""Readers of exports that share no code with the writers: node, DuckDB, PDFium."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import unicodedata
from pathlib import Path
from typing import Any

import duckdb
import pypdfium2
import pytest

needs_node = pytest.mark.skipif(
    shutil.which("node") is None, reason="node is not installed: what it reads of a file is untested"
)

# RFC 4180 to the letter: a quote may stand only where it opens, doubles or closes a cell, a line ends in CR LF
_CSV = r"""
const [, path, delimiter] = process.argv;
const text = new TextDecoder("utf-8", { fatal: true }).decode(require("fs").readFileSync(path));
const rows = [];
let row = [], at = 0;
while (at < text.length) {
  let cell = "";
  if (text[at] === '"') {
    for (at += 1; ; at += 1) {
      if (at >= text.length) throw new Error("a quote is not closed");
      if (text[at] !== '"') cell += text[at];
      else if (text[at + 1] === '"') { cell += '"'; at += 1; }
      else break;
    }
    at += 1;
  } else {
    while (at < text.length && text[at] !== delimiter && text[at] !== "\r" && text[at] !== "\n") {
      if (text[at] === '"') throw new Error("a quote within a bare cell");
      cell += text[at];
      at += 1;
    }
  }
  row.push(cell);
  if (text[at] === delimiter) { at += 1; continue; }
  if (text.slice(at, at + 2) !== "\r\n") throw new Error("a cell is not ended at " + at);
  at += 2;
  rows.push(row);
  row = [];
}
process.stdout.write(JSON.stringify(rows));
"""
_JSON_LINES = r"""
const text = new TextDecoder("utf-8", { fatal: true }).decode(require("fs").readFileSync(process.argv[1]));
const lines = text.split("\n");
if (lines.pop() !== "") throw new Error("the last line is not ended");
process.stdout.write(JSON.stringify(lines.map((line) => Object.entries(JSON.parse(line)))));
"""


def csv_by_node(path: Path, delimiter: str = ",") -> list[list[str]]:
    """All rows, the header's first."""
    rows: list[list[str]] = _node(_CSV, str(path), delimiter)
    return rows


def json_lines_by_node(path: Path) -> list[list[tuple[str, Any]]]:
    """(key, value) of each line in their order."""
    return [[(key, value) for key, value in line] for line in _node(_JSON_LINES, str(path))]


def _node(script: str, *arguments: str) -> Any:
    done = subprocess.run(["node", "-e", script, *arguments], check=True, capture_output=True, timeout=60)
    return json.loads(done.stdout)


def csv_by_duckdb(path: Path, delimiter: str = ",") -> list[tuple[str | None, ...]]:
    """All rows but the header's; None for empty cells."""
    with duckdb.connect() as connection:
        options = "header=true, all_varchar=true, quote='\"', escape='\"', max_line_size=100000000, new_line='\\r\\n'"
        query = f"SELECT * FROM read_csv(?, delim='{delimiter}', {options})"
        return connection.execute(query, [str(path)]).fetchall()


def parquet_by_duckdb(path: Path, query: str = "SELECT * FROM parquet") -> list[tuple[Any, ...]]:
    """Rows of a query over the file, which is called `parquet`."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        source = str(path).replace("'", "''")
        return connection.execute(query.replace("parquet", f"read_parquet('{source}')")).fetchall()


def pdf_text(path: Path) -> str:
    """All that PDFium finds on the pages, without blanks and line ends, letters in their plain shapes."""
    document = pypdfium2.PdfDocument(path)
    return "".join(run_together(page.get_textpage().get_text_range()) for page in document)


def run_together(text: str) -> str:
    """Without the blanks and line ends at which lines are broken."""
    return re.sub(r"[\s\ufffe\x02]", "", unicodedata.normalize("NFKC", text))
