"""What an export's file is called."""

import re
import unicodedata
from datetime import date

_LONGEST = 100
_OTHERS = re.compile(r"[^A-Za-z0-9]+")
_LETTERS = str.maketrans(
    {"ß": "ss", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "œ": "oe", "Œ": "OE", "ł": "l", "Ł": "L"}
)


def file_name(schedule_name: str, planned_local_date: date, extension: str) -> str:
    """ "Weekly-hotline-report-2026-11-02.xlsx": ASCII letters, digits and `-` only, so that no system or mail
    program has to make sense of the rest; a name without any of them becomes "Export"."""
    plain = unicodedata.normalize("NFKD", schedule_name.translate(_LETTERS))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    stem = _OTHERS.sub("-", plain).strip("-")[:_LONGEST].strip("-") or "Export"
    return f"{stem}-{planned_local_date.isoformat()}.{extension}"
