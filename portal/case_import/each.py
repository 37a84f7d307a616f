"""Cells that hold several values: `each` in a section."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from portal.case_import.errors import MappingError
from portal.case_import.value_spec import as_table, refuse_unknown


@dataclass(frozen=True)
class Each:
    """Columns whose cells hold several values, `separator` between them: a child for each value. Of several columns the
    first values go together, the second ones, and so on."""

    columns: tuple[str, ...]
    separator: str


def read_each(data: Any, place: str) -> Each:
    """{ column = … or columns = […], split = … }. Raises MappingError."""
    table = as_table(data, place)
    refuse_unknown(table, ("column", "columns", "split"), place)
    columns = table.get("columns", [table["column"]] if "column" in table else [])
    if ("column" in table) == ("columns" in table) or not isinstance(columns, list) or not columns:
        raise MappingError(f'{place}: "column" is the column, or "columns" the list of columns, to be taken apart.')
    if not all(isinstance(name, str) and name.strip() for name in columns):
        raise MappingError(f"{place}: the name of a column is missing.")
    separator = table.get("split")
    if not isinstance(separator, str) or not separator:
        raise MappingError(f'{place}: "split" is the text between the values of a cell.')
    return Each(tuple(columns), separator)
