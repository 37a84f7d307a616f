"""What a mapping says of files that tell what an id stands for: [lookups.NAME]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from portal.case_import.csv_options import CsvOptions, read_csv_options
from portal.case_import.errors import MappingError
from portal.case_import.value_spec import as_table, refuse_unknown, texts


@dataclass(frozen=True)
class LookupSpec:
    """A file that says what an id stands for."""

    name: str
    files: tuple[str, ...]
    key: str
    csv: CsvOptions


def read_lookups(data: Any, csv: CsvOptions) -> tuple[LookupSpec, ...]:
    """`csv` is the mapping's own way. Raises MappingError."""
    made = []
    for name, each in as_table(data, "[lookups]").items():
        place = f"[lookups.{name}]"
        table = as_table(each, place)
        refuse_unknown(table, ("files", "key", "csv"), place)
        key = table.get("key")
        if "files" not in table or not isinstance(key, str) or not key.strip():
            raise MappingError(f'{place}: "files" says where is looked, "key" which column there is the id.')
        options = read_csv_options(table.get("csv", {}), f"{place} csv", csv)
        made.append(LookupSpec(name, texts(table["files"], f"{place} files"), key, options))
    return tuple(made)
