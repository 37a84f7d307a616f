"""The mail that one recipient gets: built from facts alone, so that a retry sends the same bytes.

The attachment is encoded once (EncodedAttachment) and travels under a header and text of each person's own.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any, Self

import humanize
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from portal.config import ROOT
from portal.plumbing.mail_text import UnusableAddressError, one_line, wire_address

LINE_CHARACTERS = 300
_IN_MEMORY_BYTES = 8 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024
_ENCODED_LINE_BYTES = 57
"""Raw bytes of one base64 line of 76 characters (MIME's limit)."""
_BLOCK_BYTES = _ENCODED_LINE_BYTES * 1024
_TEXT_ALLOWANCE_BYTES = 32 * 1024
"""More than the headers and both texts ever come to."""
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]{0,100}")
_MESSAGE_ID = re.compile(r"<[A-Za-z0-9.=_+-]{1,120}@[A-Za-z0-9.-]{1,120}>")
_LINK = re.compile(r"https?://[^\s<>\"\x00-\x1f\x7f]{1,2000}")

_templates = Environment(
    loader=FileSystemLoader(ROOT / "templates" / "email"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


@dataclass(frozen=True)
class MailFacts:
    """All that one mail says. Every text may be hostile: it comes out as one line without hidden characters."""

    sender: str
    """`duepost@example.org` or `Duepost <duepost@example.org>`."""
    recipient: str
    subject: str
    message_id: str
    """With its angle brackets; the same for every attempt."""
    date: datetime
    """Aware; the same for every attempt."""
    report_name: str
    organization: str
    period: str
    """In words: `16 to 22 November 2026`."""
    planned_for: str
    """In words, with its zone: `Mon 23 Nov 2026, 08:00 EST (New York)`."""
    last_import: str
    """When the register was last imported before the file was made, in words."""
    rows: int
    file_name: str
    file_size: int
    """Bytes, before base64."""
    sha256: str
    run_reference: str
    link_url: str | None = None
    link_expiry: str | None = None
    """In words: `until Mon 7 Dec 2026, 08:00 EST`."""
    why_link: str | None = None
    """A sentence, where an attachment was asked for and a link is sent instead."""
    remark: str | None = None
    """A sentence about the file, such as that the run was late or leaves something out."""
    changes: str | None = None
    """Where the export is one of changes, since when: `Only cases new or changed since Mon 16 Nov 2026, 08:00 EST`."""
    nothing: str | None = None
    """The sentence of a notice that there is nothing to report. Such a mail speaks of no file and leads to none."""
    filters: str | None = None
    """What the report is narrowed to, in words; notices alone tell it, files have it on their cover."""


@dataclass(frozen=True)
class EncodedAttachment:
    """A file in base64, encoded once, read by each message in turn (not by two at a time).

    Kept in memory up to 8 MB, beyond that in a temporary file. `size` and `sha256` are of the raw bytes read, to be
    compared with those of the artifact: build_message refuses a file that is not the one its facts speak of.
    """

    media_type: str
    size: int
    sha256: str
    encoded_size: int
    _spool: tempfile.SpooledTemporaryFile[bytes]

    @classmethod
    def from_chunks(cls, chunks: Iterable[bytes], media_type: str) -> Self:
        """Encode the file whose bytes come in `chunks` of any size."""
        spool = tempfile.SpooledTemporaryFile[bytes](max_size=_IN_MEMORY_BYTES)  # closed by close()
        digest, size, encoded = hashlib.sha256(), 0, 0
        for block in _blocks(chunks):
            digest.update(block)
            size += len(block)
            encoded += spool.write(base64.encodebytes(block).replace(b"\n", b"\r\n"))
        encoded += spool.write(b"" if size else b"\r\n")
        kind = media_type if _MEDIA_TYPE.fullmatch(media_type) else "application/octet-stream"
        return cls(kind, size, digest.hexdigest(), encoded, spool)

    def chunks(self) -> Iterator[bytes]:
        """The encoded lines, each ended by CRLF."""
        self._spool.seek(0)
        while chunk := self._spool.read(_CHUNK_BYTES):
            yield chunk

    def close(self) -> None:
        """Give the memory or the temporary file back."""
        self._spool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True)
class BuiltMessage:
    """A message ready to hand over."""

    envelope_sender: str
    envelope_recipient: str
    head: bytes
    attachment: EncodedAttachment | None
    tail: bytes

    @property
    def size(self) -> int:
        """Bytes, as the SIZE of SMTP counts them."""
        return len(self.head) + (self.attachment.encoded_size if self.attachment else 0) + len(self.tail)

    def chunks(self) -> Iterator[bytes]:
        """The message, as often as asked, always the same bytes."""
        yield self.head
        if self.attachment:
            yield from self.attachment.chunks()
        yield self.tail


def message_size(attachment_bytes: int) -> int:
    """An upper bound for the whole message around an attachment of so many raw bytes: base64, line ends, texts."""
    lines = math.ceil(attachment_bytes / _ENCODED_LINE_BYTES)
    return math.ceil(attachment_bytes / 3) * 4 + 2 * lines + _TEXT_ALLOWANCE_BYTES


def subject_line(report_name: str, period: str) -> str:
    """The subject where the schedule has none of its own."""
    return f"{one_line(report_name, 150)}: {one_line(period, 100)}"


def nothing_subject_line(report_name: str, period: str) -> str:
    """The subject of a notice that there is nothing to report."""
    return f"Nothing to report: {subject_line(report_name, period)}"


def safe_file_name(name: str) -> str:
    """`name` in letters, digits, dot, dash and underline, at most 100 characters, its ending kept."""
    plain = unicodedata.normalize("NFKD", one_line(name, len(name) + 1)).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", plain)
    stem, dot, ending = plain.rpartition(".")
    if not (dot and re.fullmatch(r"[A-Za-z0-9]{1,10}", ending)):
        stem, dot, ending = plain, "", ""
    stem = re.sub(r"\.{2,}", ".", stem).strip("-._")[: 99 - len(ending)] or "export"
    return f"{stem}{dot}{ending}"


def envelope_sender(sender: str) -> str:
    """The bare address of a sender setting. Raises UnusableAddressError."""
    return wire_address(parseaddr(sender)[1])


def build_message(facts: MailFacts, attachment: EncodedAttachment | None) -> BuiltMessage:
    """The mail of one recipient: the file attached or (without `attachment`) behind the link alone, or a notice that
    there is nothing to report.

    Equal facts give equal bytes. Raises UnusableAddressError for a sender or recipient that is no address, and
    ValueError for a message id, date or link that cannot be sent or a file that is not the one of the facts.
    """
    facts = _cleaned(facts)
    if (attachment is None and facts.link_url is None) is (facts.nothing is None):
        raise ValueError("A mail needs the file or a link to it, and a notice neither.")
    if attachment is not None and attachment.sha256 != facts.sha256:
        raise ValueError("The file read for this mail is not the one that the run made.")
    token = "duepost-" + hashlib.sha256(facts.message_id.encode()).hexdigest()[:40]
    message = EmailMessage(policy=policy.SMTP)
    _set_headers(message, facts)
    context = {"facts": facts, "attached": attachment is not None, "file_size": humanize.naturalsize(facts.file_size)}
    words = "export" if facts.nothing is None else "nothing"
    text = _templates.get_template(f"{words}.txt").render(context)
    html = _templates.get_template(f"{words}.html").render(context)
    message.set_content(text, cte="quoted-printable")
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    message.set_boundary(f"{token}-words")
    if attachment is not None:
        _add_placeholder(message, attachment.media_type, facts.file_name, token)
    sender, recipient = envelope_sender(facts.sender), wire_address(facts.recipient)
    raw = message.as_bytes(policy=policy.SMTP if (sender + recipient).isascii() else policy.SMTPUTF8)
    if attachment is None:
        return BuiltMessage(sender, recipient, raw, None, b"")
    # The last occurrence is the attachment's: what the recipient's facts say stands before it, encoded.
    head, _, tail = raw.rpartition(f"{token}-file\r\n".encode())
    return BuiltMessage(sender, recipient, head, attachment, tail)


def _blocks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in blocks that are whole base64 lines, but for the last."""
    held = b""
    for chunk in chunks:
        held += chunk
        whole = len(held) - len(held) % _ENCODED_LINE_BYTES
        for start in range(0, whole, _BLOCK_BYTES):
            yield held[start : min(start + _BLOCK_BYTES, whole)]
        held = held[whole:]
    if held:
        yield held


def _cleaned(facts: MailFacts) -> MailFacts:
    """The facts with every text that is shown made one harmless line, and what is used as it is looked at."""
    as_they_are = {"sender", "recipient", "message_id", "link_url"}
    shown: dict[str, Any] = {
        name: one_line(value, LINE_CHARACTERS)
        for name, value in vars(facts).items()
        if isinstance(value, str) and name not in as_they_are
    }
    if not _MESSAGE_ID.fullmatch(facts.message_id):
        raise ValueError("This message id cannot be sent.")
    if facts.date.tzinfo is None:
        raise ValueError("The date of a mail needs its zone.")
    if facts.link_url is not None and not _LINK.fullmatch(facts.link_url):
        raise ValueError("A link in a mail must be a web address.")
    return replace(facts, **shown | {"file_name": safe_file_name(facts.file_name)})


def _set_headers(message: EmailMessage, facts: MailFacts) -> None:
    name = one_line(parseaddr(facts.sender)[0], 100)
    message["From"] = _mailbox(envelope_sender(facts.sender), _unencoded(name))
    message["To"] = _mailbox(wire_address(facts.recipient))
    message["Subject"] = _unencoded(facts.subject)
    message["Date"] = facts.date.astimezone(UTC)
    message["Message-ID"] = facts.message_id
    # No answering machine should write back; "All" instead of these two would also stop the notices of failed delivery.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "OOF, AutoReply"


def _unencoded(text: str) -> str:
    """Text that looks like a header's encoded word would be shown decoded, with whatever characters hide in it."""
    return text.replace("=?", "= ?")


def _mailbox(address: str, name: str = "") -> Address:
    local, _, domain = address.rpartition("@")
    try:
        if local.startswith('"'):
            return Address(name, addr_spec=address)
        return Address(name, username=local, domain=domain)
    except (ValueError, IndexError) as error:
        raise UnusableAddressError("This is not an e-mail address that can be used: correct it.") from error


def _add_placeholder(message: EmailMessage, media_type: str, file_name: str, token: str) -> None:
    """An attachment whose content is a line of its own, to be replaced by the encoded file."""
    main, _, sub = media_type.partition("/")
    message.add_attachment(b"", maintype=main, subtype=sub, filename=file_name)
    message.set_boundary(f"{token}-parts")
    message.get_payload()[-1].set_payload(f"{token}-file\r\n")  # type: ignore[union-attr, index]
