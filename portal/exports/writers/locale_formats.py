"""How a place writes dates, times and numbers, in the signs of a workbook's number formats.

A workbook says how many decimals and where a thousand is set off, and each reader's program puts its own signs there;
the order of a date's parts, the clock of 12 or 24 hours and the blank before `%` are the file's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from babel import Locale

_TOKEN = re.compile(r"y+|M+|d+|H+|h+|m+|s+|a|'[^']*'|.", re.DOTALL)
_SIGNS = {"y": "yyyy", "a": "AM/PM", "\u202f": " ", "\xa0": " ", "\u200e": "", "\u200f": ""}
_AS_IT_IS = " :"


@dataclass(frozen=True, slots=True)
class SheetFormats:
    """Number formats, in the English signs that files have; empty where the usual way will do."""

    day: str = "yyyy-mm-dd"
    moment: str = "yyyy-mm-dd hh:mm:ss"
    whole: str = ""
    """Of counts."""
    blank_before_percent: bool = False

    def number(self, wanted: str) -> str:
        """A column's own number format as this place writes it."""
        return wanted.replace("%", "\xa0%") if self.blank_before_percent else wanted


def sheet_formats(locale: str) -> SheetFormats:
    """Of a locale that Babel knows; dates as 2026-11-02 where it is empty."""
    if not locale:
        return SheetFormats()
    place = Locale.parse(locale)
    day = _in_signs(place.datetime_skeletons["yMd"].pattern)
    clock = _in_signs(place.time_formats["medium"].pattern)
    return SheetFormats(day, f"{day} {clock}", "#,##0", "\xa0%" in place.percent_formats[None].pattern)


def _in_signs(pattern: str) -> str:
    """A pattern of the Unicode locale data ("d.M.y") as a number format ("d\\.m\\.yyyy")."""
    return "".join(_in_sign(token) for token in _TOKEN.findall(pattern)).strip()


def _in_sign(token: str) -> str:
    if token[0] in _SIGNS:
        return _SIGNS[token[0]]
    if token[0] in "MdHhms":
        return token.lower()[:2]
    if token[0] == "'":
        return f'"{token[1:-1]}"'
    # a bare / would become the separator of the reader's own place
    return token if token in _AS_IT_IS else f"\\{token}"
