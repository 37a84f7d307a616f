"""Addresses as people paste them: one or many, with or without names, by comma, semicolon or line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.headerregistry import Address
from email.utils import parseaddr

from email_validator import EmailNotValidError, validate_email

from portal.plumbing.mail_text import one_line

MOST_RECIPIENTS = 500
_SEPARATORS = re.compile(r'[,;\n\r]+(?=(?:[^"]*"[^"]*")*[^"]*$)')


@dataclass(frozen=True)
class Recipient:
    """`address` is normalised (domain lower-case); `name` may be empty."""

    address: str
    name: str = ""

    def __str__(self) -> str:
        return str(Address(self.name, addr_spec=self.address)) if self.name else self.address


def parse_recipients(text: str) -> tuple[list[Recipient], list[str]]:
    """(recipients without repeats, in order; a sentence for each piece that is no address)."""
    found: dict[str, Recipient] = {}
    problems: list[str] = []
    for piece in _pieces(text):
        try:
            recipient = _recipient(piece)
        except ValueError as error:
            problems.append(str(error))
        else:
            found.setdefault(recipient.address.casefold(), recipient)
    if len(found) > MOST_RECIPIENTS:
        problems.append(f"{len(found)} recipients are more than the {MOST_RECIPIENTS} one schedule may have.")
    return list(found.values()), problems


def _pieces(text: str) -> list[str]:
    pieces: list[str] = []
    for part in _SEPARATORS.split(text):
        words = part.split()
        # addresses parted by blanks alone; "Priya Raman <priya@example.org>" stays whole
        if len(words) > 1 and all("@" in word and "<" not in word for word in words):
            pieces += words
        elif part.strip():
            pieces.append(part.strip())
    return pieces


def _recipient(piece: str) -> Recipient:
    shown = one_line(piece, 80)
    name, address = parseaddr(piece) if "<" in piece else ("", piece)
    if "@" not in address:
        raise ValueError(f"“{shown}” is not an address: it has no @.")
    try:
        checked = validate_email(address, check_deliverability=False, allow_quoted_local=False)
    except EmailNotValidError as error:
        raise ValueError(f"“{shown}” is not an address: {_lower_first(str(error))}") from error
    return Recipient(checked.normalized, one_line(name, 200))


def _lower_first(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
