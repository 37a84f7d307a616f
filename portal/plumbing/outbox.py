"""Reading what the demo's mail sink kept: the folder behind /outbox, newest first, with the real MIME parts.

Each message is `<id>.eml` and, written after it, `<id>.json` with its envelope; refusals stand in `refused.jsonl`.
Everything in it came by mail and is hostile: names and media types are shown as text, never used as paths.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from portal.plumbing.mail_text import one_line

REFUSALS = "refused.jsonl"
_ID = re.compile(r"[0-9]{13}-[0-9a-f]{8}")
_HEADER_BYTES = 64 * 1024
_SHOWN_CHARACTERS = 500


class NoSuchMailError(LookupError):
    """There is no such message or part in the folder."""


@dataclass(frozen=True)
class MailEntry:
    """One message, as the list shows it. `size` in bytes; `date` as the message states it, None if it states none."""

    id: str
    mail_from: str
    rcpt_tos: tuple[str, ...]
    received_at: datetime
    subject: str
    message_id: str
    date: datetime | None
    size: int


@dataclass(frozen=True)
class MailPart:
    """One leaf of the MIME tree. `size` and `sha256` are of the decoded bytes."""

    number: int
    content_type: str
    file_name: str | None
    size: int
    sha256: str


@dataclass(frozen=True)
class Mail:
    """One message whole: its entry, all header lines, and its parts in order."""

    entry: MailEntry
    headers: tuple[tuple[str, str], ...]
    parts: tuple[MailPart, ...]
    text: str | None
    html: str | None


@dataclass(frozen=True)
class Refusal:
    """A recipient that the sink did not take."""

    at: datetime
    mail_from: str
    rcpt_to: str
    reply: str


def list_messages(folder: Path, limit: int = 100) -> list[MailEntry]:
    """The newest messages, newest first; an absent folder holds none."""
    ids = sorted((path.stem for path in folder.glob("*.json") if _ID.fullmatch(path.stem)), reverse=True)
    return [_entry(folder, id_) for id_ in ids[:limit]]


def list_refusals(folder: Path, limit: int = 100) -> list[Refusal]:
    """The newest refusals, newest first."""
    path = folder / REFUSALS
    lines = path.read_text("utf-8").splitlines()[-limit:] if path.exists() else []
    return [_refusal(json.loads(line)) for line in reversed(lines)]


def read_message(folder: Path, message_id: str) -> Mail:
    """One message by its id in the folder. Raises NoSuchMailError."""
    entry = _entry(folder, message_id)
    message = _parsed(folder, message_id)
    parts = tuple(part for part, _ in _leaves(message))
    headers = tuple((_shown(name), _shown(value)) for name, value in message.items())
    return Mail(entry, headers, parts, _body(message, "text/plain"), _body(message, "text/html"))


def read_part(folder: Path, message_id: str, number: int) -> tuple[MailPart, bytes]:
    """One part with its decoded bytes. Raises NoSuchMailError."""
    for part, data in _leaves(_parsed(folder, message_id)):
        if part.number == number:
            return part, data
    raise NoSuchMailError("This mail has no such part.")


def _path(folder: Path, message_id: str, ending: str) -> Path:
    if not _ID.fullmatch(message_id):
        raise NoSuchMailError("There is no such mail.")
    return folder / f"{message_id}.{ending}"


def _entry(folder: Path, message_id: str) -> MailEntry:
    source = _path(folder, message_id, "eml")
    try:
        envelope = json.loads(_path(folder, message_id, "json").read_text("utf-8"))
        size = source.stat().st_size
        with source.open("rb") as file:
            head = BytesHeaderParser().parsebytes(file.read(_HEADER_BYTES))
    except FileNotFoundError as error:
        raise NoSuchMailError("There is no such mail.") from error
    return MailEntry(
        id=message_id,
        mail_from=_shown(envelope["mail_from"]),
        rcpt_tos=tuple(_shown(address) for address in envelope["rcpt_tos"]),
        received_at=datetime.fromisoformat(envelope["received_at"]),
        subject=_shown(head["Subject"]),
        message_id=_shown(head["Message-ID"]),
        date=_date(head["Date"]),
        size=size,
    )


def _parsed(folder: Path, message_id: str) -> Message:
    try:
        return BytesParser().parsebytes(_path(folder, message_id, "eml").read_bytes())
    except FileNotFoundError as error:
        raise NoSuchMailError("There is no such mail.") from error


def _leaves(message: Message) -> Iterator[tuple[MailPart, bytes]]:
    """Each part that is no container, with its decoded bytes, numbered in order from 0."""
    leaves = (part for part in message.walk() if not part.is_multipart())
    for number, part in enumerate(leaves):
        payload = part.get_payload(decode=True)
        data = payload if isinstance(payload, bytes) else b""
        name = part.get_filename()
        yield (
            MailPart(
                number=number,
                content_type=_shown(part.get_content_type()),
                file_name=_shown(name) if name else None,
                size=len(data),
                sha256=hashlib.sha256(data).hexdigest(),
            ),
            data,
        )


def _body(message: Message, content_type: str) -> str | None:
    """The first text of this type that is no attachment."""
    for part in message.walk():
        if part.get_content_type() == content_type and not part.get_filename():
            payload = part.get_payload(decode=True)
            data = payload if isinstance(payload, bytes) else b""
            try:
                text = data.decode(part.get_content_charset("utf-8"), "replace")
            except LookupError:
                text = data.decode("utf-8", "replace")
            return text.replace("\r\n", "\n")
    return None


def _date(value: object) -> datetime | None:
    try:
        return parsedate_to_datetime(str(value))
    except ValueError:
        return None


def _shown(value: object) -> str:
    """A header's or an envelope's text, encoded words decoded, as one line."""
    text = "" if value is None else str(value)
    with contextlib.suppress(HeaderParseError, LookupError, ValueError):  # badly encoded: shown as it came
        text = str(make_header(decode_header(text)))
    return one_line(text, _SHOWN_CHARACTERS)


def _refusal(row: dict[str, Any]) -> Refusal:
    return Refusal(
        at=datetime.fromisoformat(row["at"]),
        mail_from=_shown(row["mail_from"]),
        rcpt_to=_shown(row["rcpt_to"]),
        reply=_shown(row["reply"]),
    )
