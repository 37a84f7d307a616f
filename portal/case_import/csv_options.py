"""What a mapping says about its CSV files: [csv], or `csv` in a section."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from typing import Any

from portal.case_import.errors import MappingError
from portal.case_import.value_spec import as_table, refuse_unknown


@dataclass(frozen=True)
class CsvOptions:
    """How a file is read; `delimiter` None is the one of the file's suffix."""

    encoding: str = "utf-8"
    delimiter: str | None = None
    skip_lines: int = 0
    allow_short_rows: bool = False


def read_csv_options(data: Any, place: str, base: CsvOptions) -> CsvOptions:
    """`base` with what the table says. Raises MappingError."""
    table = as_table(data, place)
    refuse_unknown(table, ("encoding", "delimiter", "skip_lines", "allow_short_rows"), place)
    options = replace(base, **table)
    if not isinstance(options.encoding, str) or not _is_encoding(options.encoding):
        raise MappingError(
            f'{place}: there is no text encoding "{options.encoding}"; utf-8, utf-16 or cp1252 are some.'
        )
    delimiter = options.delimiter
    if delimiter is not None and (not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n\0 '):
        raise MappingError(f'{place}: "delimiter" is one character, such as ; or "\\t".')
    lines = options.skip_lines
    if not isinstance(lines, int) or isinstance(lines, bool) or not 0 <= lines <= 1000:
        raise MappingError(f'{place}: "skip_lines" is a number of lines from 0 to 1000.')
    if not isinstance(options.allow_short_rows, bool):
        raise MappingError(f'{place}: "allow_short_rows" is true or false.')
    return options


def _is_encoding(name: str) -> bool:
    try:
        io.TextIOWrapper(io.BytesIO(), encoding=name)
    except (LookupError, ValueError):
        return False
    return True
