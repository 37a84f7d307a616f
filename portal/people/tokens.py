"""Random tokens: they travel in a cookie or a link; the database keeps only their hash."""

from __future__ import annotations

import hashlib
import re
import secrets

_SHAPE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


def new_token() -> str:
    """43 characters, 256 random bits."""
    return secrets.token_urlsafe(32)


def hash_of(token: str) -> str:
    """Hex SHA-256. The token is random, so no salt and no slow hash is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def looks_right(token: str) -> bool:
    return _SHAPE.fullmatch(token) is not None
