"""Passwords: what is asked of one, and argon2 over it."""

from __future__ import annotations

import functools

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

LEAST = 12
MOST = 200
RULES = f"At least {LEAST} characters, and not your address. A few words in a row are good; no need for symbols."

_hasher = PasswordHasher()


def problem_with(password: str, email: str, name: str) -> str | None:
    """One sentence on why this password will not do, or None."""
    if len(password) < LEAST:
        return f"Use at least {LEAST} characters."
    if len(password) > MOST:
        return f"Use at most {MOST} characters."
    folded = password.casefold().strip()
    if folded in {email.casefold(), name.casefold().strip()}:
        return "Do not use your own address or name as the password."
    if len(set(password)) < 5:
        return "Use more than a few different characters."
    return None


def hash_of(password: str) -> str:
    return _hasher.hash(password)


def fits(password: str, stored: str | None) -> bool:
    """Whether the password is the stored one. Takes as long when there is none to compare with."""
    try:
        right = _hasher.verify(stored or _nobodys_hash(), password[:MOST])
    except (VerificationError, InvalidHashError):
        return False
    return right and stored is not None


def outdated(stored: str) -> bool:
    """Whether the hash was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(stored)


@functools.cache
def _nobodys_hash() -> str:
    return _hasher.hash("no account has this password")
