"""smtplib's client with an end to every wait and to every reply."""

from __future__ import annotations

import functools
import re
import smtplib
import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from portal.plumbing.mail_text import one_line, reply_words

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_REPLY_LINE_BYTES = 8_192
_REPLY_BYTES = 4 * 1024 * 1024
"""A longer reply is read no further: the server is broken or hostile."""
_BARE_LINE_END = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True)
class Patience:
    """Seconds to wait. `reply` and `end` are for one whole reply, so that a byte a second does not prolong them."""

    connect: float = 15
    reply: float = 60
    end: float = 300
    """For the answer to the final dot: giving up there makes an unknown, so it is the longest."""
    quit: float = 5
    total: float = 900
    """For opening a connection, and again for each message."""


class LostError(smtplib.SMTPServerDisconnected):
    """No readable answer; the message is a sentence. A subclass so that smtplib's own steps let it through."""


def on_the_wire(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks of a message as they travel after DATA: line ends CRLF, leading dots doubled, the final dot added.

    Bare CR and LF never pass: some servers take them for line ends and would read a second message out of the first.
    """
    line_start, held = True, b""
    for piece in chunks:
        chunk = held + piece
        held = b"\r" if chunk.endswith(b"\r") else b""
        chunk = chunk[: len(chunk) - len(held)]
        if not chunk:
            continue
        if not chunk.count(b"\r\n") == chunk.count(b"\n") == chunk.count(b"\r"):
            chunk = _BARE_LINE_END.sub(b"\r\n", chunk)
        stuffed = chunk.replace(b"\n.", b"\n..")
        yield b"." + stuffed if line_start and stuffed.startswith(b".") else stuffed
        line_start = chunk.endswith(b"\n")
    yield b".\r\n" if line_start and not held else b"\r\n.\r\n"


@functools.cache
def _own_name() -> str:
    # smtplib's way to a name for EHLO asks the resolver, each time, for seconds when it is down.
    return str(smtplib.SMTP().local_hostname)


class BoundedHost(smtplib.SMTP):
    """smtplib's client with an end to every wait and to every reply."""

    def __init__(self, server: str, patience: Patience) -> None:
        super().__init__(local_hostname=_own_name(), timeout=patience.connect)
        self._host = server  # the name that the certificate must carry
        self._patience = patience
        self._reply_seconds = patience.reply
        self._inbox = b""
        self.allow(patience.total)

    def allow(self, seconds: float) -> None:
        """Whatever follows ends within `seconds`."""
        self._deadline = time.monotonic() + seconds

    def wait_for_reply(self, seconds: float) -> tuple[int, bytes]:
        """One reply with a patience of its own."""
        self._reply_seconds = seconds
        try:
            return self.getreply()
        finally:
            self._reply_seconds = self._patience.reply

    def getreply(self) -> tuple[int, bytes]:
        """Code and text of the next reply, lines joined by LF; of a long text only the beginning.

        Raises LostError when no complete, readable reply comes in time.
        """
        until = min(time.monotonic() + self._reply_seconds, self._deadline)
        lines: list[bytes] = []
        codes: set[bytes] = set()
        read = kept = 0
        while True:
            line = self._next_line(until)
            read += len(line)
            if read > _REPLY_BYTES:
                self._lose("The mail server's answer has no end.")
            codes.add(line[:3])
            if kept < _REPLY_LINE_BYTES:
                lines.append(line[4:].strip())
                kept += len(line)
            if line[3:4] != b"-":
                break
        code = line[:3]
        if len(codes) > 1 or not re.fullmatch(rb"[2-5][0-9]{2}", code):
            self._lose(f"The mail server's answer is not SMTP: {reply_words(line)}")
        return int(code), b"\n".join(lines)

    def _next_line(self, until: float) -> bytes:
        while b"\n" not in self._inbox:
            if len(self._inbox) > _REPLY_LINE_BYTES:
                self._lose("The mail server's answer has a line without end.")
            if self.sock is None:
                self._lose("The mail server closed the connection.")
            left = until - time.monotonic()
            if left <= 0:
                self._lose("The mail server did not answer in time.")
            try:
                self.sock.settimeout(left)
                got = self.sock.recv(2_048)
            except TimeoutError:
                self._lose("The mail server did not answer in time.")
            except OSError as error:
                self._lose(f"The connection to the mail server broke: {cause_of(error)}.")
            if not got:
                self._lose("The mail server closed the connection without an answer.")
            self._inbox += got
        line, _, self._inbox = self._inbox.partition(b"\n")
        return line

    def docmd(self, cmd: str, args: str = "") -> tuple[int, bytes]:
        """One command and its reply. Raises LostError."""
        self.expect_silence()
        return super().docmd(cmd, args)

    def expect_silence(self) -> None:
        """A reply that came before its question would be taken for the answer to the next one. Raises LostError."""
        if self._inbox:
            self._lose("The mail server answered before it was asked.")

    def send(self, s: ReadableBuffer | str) -> None:
        """Send all of it, within the patience for one reply and the deadline. Raises LostError."""
        data = s.encode(self.command_encoding) if isinstance(s, str) else s
        left = min(self._patience.reply, self._deadline - time.monotonic())
        if self.sock is None or left <= 0:
            self._lose("The mail server did not take the message in time.")
        try:
            self.sock.settimeout(left)
            self.sock.sendall(data)
        except TimeoutError:
            self._lose("The mail server did not take the message in time.")
        except OSError as error:
            # Not closed: the server's reason may be waiting to be read.
            raise LostError(f"The connection to the mail server broke: {cause_of(error)}.") from error

    def starttls(self, *_: object, context: ssl.SSLContext | None = None, **__: object) -> tuple[int, bytes]:
        """As smtplib's; what the server sent ahead of the handshake is never believed."""
        answer = super().starttls(context=context)
        self._inbox = b""
        return answer

    def _lose(self, sentence: str) -> NoReturn:
        self.close()
        raise LostError(sentence)


class BoundedTlsHost(BoundedHost):
    """TLS from the first byte (MAIL_USE_SSL)."""

    default_port = smtplib.SMTP_SSL_PORT

    def __init__(self, server: str, patience: Patience, context: ssl.SSLContext) -> None:
        super().__init__(server, patience)
        self._context = context

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain = socket.create_connection((host, port), timeout)
        try:
            return self._context.wrap_socket(plain, server_hostname=self._host)
        except BaseException:
            plain.close()
            raise


def cause_of(error: Exception) -> str:
    """Why a connection broke, in a few words."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return one_line(getattr(error, "strerror", None) or type(error).__name__, 200)
