"""How one event hangs on the one before: the MAC over its columns and the previous MAC, and the key it is made with."""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from datetime import UTC, datetime
from typing import Any

from portal.config import Settings

GENESIS = "0" * 64
# one for all: json.dumps would make a new one for each event
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def audit_key(settings: Settings) -> tuple[str, bytes]:
    """(key id, key). The id tells a key of its own from one derived from SECRET_KEY, and one key from the next."""
    if settings.audit_key:
        key = settings.audit_key.encode()
        return f"own-{hashlib.sha256(key).hexdigest()[:12]}", key
    key = hmac.digest(settings.secret_key.encode(), b"duepost audit chain", "sha256")
    return f"derived-{hashlib.sha256(key).hexdigest()[:12]}", key


def canonical(value: Any) -> bytes:
    """The same JSON bytes for the same value, whichever database gave it back."""
    return _CANONICAL.encode(value).encode()


def body_hash(salt: str, body: Any) -> str:
    """Hex SHA-256 over salt and body; salted, so that an erased body cannot be guessed from its hash."""
    return hashlib.sha256(salt.encode() + canonical(body)).hexdigest()


def event_mac(  # every column the chain protects stands here by name
    key: bytes,
    *,
    chain_id: uuid.UUID,
    sequence: int,
    at: datetime,
    actor: tuple[str, str | None, str],
    action: str,
    subject: tuple[str, str],
    hash_of_body: str,
    previous_mac: str,
) -> str:
    """Hex HMAC-SHA256 of one event; `at` counts to the microsecond in UTC."""
    columns = [
        str(chain_id),
        sequence,
        at.astimezone(UTC).isoformat(timespec="microseconds"),
        *actor,
        action,
        *subject,
        hash_of_body,
        previous_mac,
    ]
    return hmac.digest(key, canonical(columns), "sha256").hex()
