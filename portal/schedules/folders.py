"""Where a schedule stores its file: a path pattern under the organization's own export folder."""

from __future__ import annotations

import re

TOKENS = ("{year}", "{month}", "{day}", "{schedule}")
LONGEST_PATTERN = 200
_PART = re.compile(r"[\w .@+-]{1,80}")
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


class FolderError(ValueError):
    """The pattern cannot be used. The text is one sentence for the person who typed it."""


def parse_folder(text: str) -> str:
    """The pattern as it is kept: relative, parts joined by `/`. Raises FolderError."""
    pattern = text.strip().replace("\\", "/").strip("/")
    shown = f"“{text.strip()[:60]}”"
    if text.strip().startswith(("/", "\\", "~")) or re.match(r"[A-Za-z]:", text.strip()):
        raise FolderError(f"{shown} must be a folder below the export folder: leave out the leading “/”.")
    if not pattern:
        raise FolderError("Name a folder, such as board/{year}.")
    if len(pattern) > LONGEST_PATTERN:
        raise FolderError(f"The folder is longer than {LONGEST_PATTERN} characters.")
    for part in pattern.split("/"):
        _check_part(part, shown)
    return pattern


def _check_part(part: str, shown: str) -> None:
    plain = part
    for token in TOKENS:
        plain = plain.replace(token, "x")
    if "{" in plain or "}" in plain:
        raise FolderError(f"{shown} has a placeholder that is not known; known are {', '.join(TOKENS)}.")
    if plain.strip(". ") == "" or plain != plain.strip() or plain.endswith(".") or plain.startswith("."):
        raise FolderError(f"{shown} has a part that is empty or begins or ends with a dot or a blank.")
    if not _PART.fullmatch(plain) or _DEVICE.fullmatch(plain):
        raise FolderError(f"{shown} has a character or name that not every system can keep; use letters, digits and -.")
