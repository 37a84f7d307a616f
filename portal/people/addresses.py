"""A person's e-mail address as it is kept: checked, case-folded, one spelling."""

from __future__ import annotations

from email_validator import EmailNotValidError, validate_email

LONGEST = 254


class AddressError(ValueError):
    """Not a usable address. The text is one sentence for the person who typed it."""


def parse_address(text: str) -> str:
    """The address, case-folded. Raises AddressError."""
    typed = text.strip()
    if len(typed) > LONGEST:
        raise AddressError(f"An address has at most {LONGEST} characters.")
    try:
        valid = validate_email(typed, check_deliverability=False)
    except EmailNotValidError as error:
        shown = "".join(ch for ch in typed if ch.isprintable())[:80]
        raise AddressError(f"“{shown}” is not an e-mail address; write it like name@example.org.") from error
    return valid.normalized.casefold()
