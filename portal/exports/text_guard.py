"""Text made harmless: nothing a spreadsheet would run, nothing a file cannot hold.

Two separate things. `clean` replaces what UTF-8 or XML cannot carry and is needed in every format. `guard` is for
CSV only, where a reader sees no types: there a text that looks like a formula becomes one.
"""

import re

REPLACEMENT = "\ufffd"
"""U+FFFD, put in place of each character that no file can hold."""

_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_CONTROLS = bytes(code for code in range(0x20) if chr(code) not in "\t\n\r")
_LIVE_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_PLAIN_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")

_SEAM = "¦"
"""Joins the cells of a column so that one search looks at all of them; in a cell it only costs a second look."""
_LIVE_CELL = re.compile(f"{_SEAM}[{re.escape(''.join(_LIVE_STARTS))}]")


def clean(text: str) -> str:
    """Replace NUL, other C0 controls (TAB, LF and CR stay), lone surrogates, U+FFFE and U+FFFF by U+FFFD."""
    return _UNWRITABLE.sub(REPLACEMENT, text)


def guard(text: str) -> str:
    """Put `'` before a text a spreadsheet would run, unless the whole text is a plain number (-5, +3.2, 1e5)."""
    if text.startswith(_LIVE_STARTS) and not _PLAIN_NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def joined(texts: list[str]) -> str:
    """All cells of a column in one string for `may_need_clean` and `may_need_guard`.

    Raises TypeError when one of them is not a string.
    """
    return _SEAM + _SEAM.join(texts)


def may_need_clean(cells: str) -> bool:
    """Whether any of the `joined` cells holds a character that `clean` replaces.

    Bytes without controls are shorter exactly when there were some: three times as fast as searching.
    """
    try:
        data = cells.encode()
    except UnicodeEncodeError:
        return True
    return len(data.translate(None, _CONTROLS)) != len(data) or "\ufffe" in cells or "\uffff" in cells


def may_need_guard(cells: str) -> bool:
    """Whether any of the `joined` cells may begin like a formula; False is certain, True wants a look at each."""
    return _LIVE_CELL.search(cells) is not None
