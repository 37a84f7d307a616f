"""Text that goes into mail or comes from a mail server, made harmless: one line, no hidden characters."""

from __future__ import annotations

import re
import unicodedata

import idna

REPLY_CHARACTERS = 1_000
_BEARABLE_ADDRESS = re.compile(r"[^\s<>\x00-\x1f\x7f]{1,512}")


class UnusableAddressError(ValueError):
    """The text cannot be an envelope address; the message is a sentence."""


def one_line(text: str, limit: int) -> str:
    """`text` as one harmless line of at most `limit` characters.

    Control, format (bidi, zero-width), surrogate and unassigned characters go; runs of white space become one blank.
    """
    spaced = (" " if ch.isspace() else ch for ch in text[: limit * 8])
    kept = "".join(ch for ch in spaced if unicodedata.category(ch) not in {"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"})
    line = " ".join(kept.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def wire_address(address: str) -> str:
    """`address` with its domain in ASCII, ready for MAIL, RCPT and a header.

    Raises UnusableAddressError for white space, control characters, angle brackets or a domain that is none.
    """
    local, at, domain = address.rpartition("@")
    if not (local and at and domain and _BEARABLE_ADDRESS.fullmatch(address)):
        raise UnusableAddressError("This is not an e-mail address that can be used: correct it and try again.")
    if domain.isascii():
        return address
    try:
        return f"{local}@{idna.encode(domain, uts46=True).decode('ascii')}"
    except idna.IDNAError as error:
        raise UnusableAddressError("The domain of this e-mail address cannot exist: correct it.") from error


def reply_words(text: bytes | str) -> str:
    """A server's words as one line, whatever their encoding, of at most 1,000 characters."""
    if isinstance(text, str):
        return one_line(text, REPLY_CHARACTERS)
    try:
        return one_line(text.decode("utf-8"), REPLY_CHARACTERS)
    except UnicodeDecodeError:
        return one_line(text.decode("latin-1"), REPLY_CHARACTERS)
