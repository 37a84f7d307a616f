"""An SMTP server that says what the test's script tells it to, at any stage, or says nothing at all.

    with ScriptedSmtp({"rcpt": say("450 4.2.0 later")}) as server: ...

Stages: connect, ehlo, starttls, auth, mail, rcpt, data, end (the answer to the final dot), rset, quit. A stage without
a script is answered as a friendly server would. `{"rcpt": [a, b]}` plays a, then b, then is friendly again.
`{"rcpt:bob@example.org": a}` is for one recipient.
"""

from __future__ import annotations

import contextlib
import email
import math
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class Step:
    """What the server does in place of its friendly answer."""

    data: bytes = b""
    then: str = "go on"
    """"go on", "close", "hang" (until the server is released) or "drip" (a byte at a time until released)."""


def say(line: str) -> Step:
    return Step(f"{line}\r\n".encode())


def raw(data: bytes) -> Step:
    return Step(data)


def say_and_close(line: str) -> Step:
    return Step(f"{line}\r\n".encode(), "close")


CLOSE = Step(then="close")
HANG = Step(then="hang")
DRIP = Step(b"2", "drip")

Script = Mapping[str, Step | list[Step]]


@dataclass(frozen=True)
class Received:
    """A message whose final dot arrived; `answer` is the server's code, or "" when it gave none."""

    mail_from: str
    rcpt_to: str
    data: bytes
    answer: str

    @property
    def message_id(self) -> str:
        return str(email.message_from_bytes(self.data)["Message-ID"])


@dataclass
class ScriptedSmtp:
    """Serves one connection after the other, each in a thread of its own, on 127.0.0.1."""

    script: Script = field(default_factory=dict)
    extensions: tuple[str, ...] = ("SIZE 30000000",)
    tls: ssl.SSLContext | None = None
    """Offers STARTTLS where set."""
    implicit_tls: bool = False
    port: int = 0
    """0: any that is free."""
    hang_seconds: float | None = None
    """How long "hang" and "drip" last; None: until the server is released."""

    def __post_init__(self) -> None:
        self.received: list[Received] = []
        self.commands: list[str] = []
        self.connections = 0
        self.data_seen = b""
        """Every byte that came after a 354, also of messages that never ended."""
        self.released = threading.Event()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self._listener.shutdown(socket.SHUT_RDWR)  # close alone does not wake a waiting accept
        self._listener.close()

    def step(self, *names: str) -> Step | None:
        """The script's next step for the first of `names` that has one."""
        with self._lock:
            for name in names:
                entry = self.script.get(name)
                if isinstance(entry, Step):
                    return entry
                if entry:
                    return entry.pop(0)
        return None

    def keep(self, received: Received) -> None:
        """The final dot has come; the answer has not been said."""
        self.received.append(received)

    def said(self, received: Received) -> None:
        """The answer is on its way."""

    def saw(self, command: str) -> None:
        """One line of the client's."""
        self.commands.append(command)

    def saw_content(self, data: bytes) -> None:
        self.data_seen += data

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError, _OverError), contextlib.closing(_Talk(self, client)) as talk:
            talk.run()


class _OverError(Exception):
    """The conversation has ended."""


class _Talk:
    """One connection."""

    def __init__(self, server: ScriptedSmtp, client: socket.socket) -> None:
        self.server = server
        self.sock: socket.socket = client
        self.inbox = b""
        self.mail_from = self.rcpt_to = ""
        self.encrypted = False

    def close(self) -> None:
        self.sock.close()

    def run(self) -> None:
        if self.server.implicit_tls:
            self._encrypt()
        self._answer("220 scripted.example.org", "connect")
        verbs: dict[str, Callable[[str], object]] = {
            "EHLO": self._ehlo,
            "STARTTLS": self._starttls,
            "AUTH": lambda _: self._answer("235 2.7.0 signed in", "auth"),
            "MAIL": self._mail,
            "RCPT": self._rcpt,
            "DATA": self._data,
            "RSET": lambda _: self._answer("250 2.0.0 ok", "rset"),
            "QUIT": self._quit,
        }
        for line in self._lines():
            command = line.decode("utf-8", "replace")
            self.server.saw(command)
            verb = verbs.get(command[:8].split(" ", maxsplit=1)[0].upper())
            if verb is None:
                self._send(b"500 5.5.2 not known\r\n")
            else:
                verb(command)

    def _lines(self) -> Iterator[bytes]:
        while True:
            while b"\r\n" not in self.inbox:
                self._receive()
            line, _, self.inbox = self.inbox.partition(b"\r\n")
            yield line

    def _receive(self) -> None:
        got = self.sock.recv(65536)
        if not got:
            raise _OverError
        self.inbox += got

    def _send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def _answer(self, friendly: str, *names: str) -> str:
        """Play the script's step, or say the friendly line. Returns the code that was said."""
        step = self.server.step(*names)
        if step is None:
            self._send(f"{friendly}\r\n".encode())
            return friendly[:3]
        self._play(step)
        return step.data[:3].decode("latin-1")

    def _play(self, step: Step) -> None:
        released = self.server.released
        if step.then == "drip":
            over = time.monotonic() + (self.server.hang_seconds or math.inf)
            while not released.wait(0.05) and time.monotonic() < over:
                self._send(step.data)
        else:
            self._send(step.data)
        if step.then == "hang":
            released.wait(self.server.hang_seconds)
        if step.then != "go on":
            raise _OverError

    def _ehlo(self, _: str) -> None:
        lines = ["scripted.example.org", *self.server.extensions]
        if self.server.tls and not self.encrypted:
            lines.append("STARTTLS")
        text = "".join(f"250-{line}\r\n" for line in lines[:-1]) + f"250 {lines[-1]}"
        self._answer(text, "ehlo after tls" if self.encrypted else "ehlo", "ehlo")

    def _starttls(self, _: str) -> None:
        if self._answer("220 2.0.0 go ahead", "starttls") == "220":
            self._encrypt()

    def _encrypt(self) -> None:
        assert self.server.tls is not None
        self.sock = self.server.tls.wrap_socket(self.sock, server_side=True)
        self.inbox = b""
        self.encrypted = True

    def _mail(self, command: str) -> None:
        self.mail_from = command[command.index("<") + 1 : command.index(">")]
        self._answer("250 2.1.0 ok", "mail")

    def _rcpt(self, command: str) -> None:
        self.rcpt_to = command[command.index("<") + 1 : command.index(">")]
        self._answer("250 2.1.5 ok", f"rcpt:{self.rcpt_to}", "rcpt")

    def _data(self, _: str) -> None:
        if self._answer("354 go ahead", "data") != "354":
            return
        in_the_middle = self.server.step("content")
        if in_the_middle is not None:
            self._receive()
            self.server.saw_content(self.inbox)
            self._play(in_the_middle)
        self._answer_message(self._content())

    def _content(self) -> bytes:
        """All up to the final dot, dots still doubled."""
        held = b"\r\n" + self.inbox
        self.inbox = b""
        while b"\r\n.\r\n" not in held:
            self._receive()
            held, self.inbox = held + self.inbox, b""
        content, _, self.inbox = held.partition(b"\r\n.\r\n")
        self.server.saw_content(content)
        return content[2:] + b"\r\n"

    def _answer_message(self, content: bytes) -> None:
        data = (b"\r\n" + content).replace(b"\r\n.", b"\r\n")[2:]
        step = self.server.step("end")
        answer = "250" if step is None else step.data[:3].decode("latin-1")
        received = Received(self.mail_from, self.rcpt_to, data, answer)
        self.server.keep(received)
        if step is None:
            self._send(b"250 2.0.0 kept\r\n")
            self.server.said(received)
        else:
            self._play(step)

    def _quit(self, _: str) -> None:
        self._answer("221 2.0.0 bye", "quit")
        raise _OverError


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A new self-signed certificate for `name`: the server's context, and one of a client that trusts it."""
    key, cert = folder / f"{name}.key", folder / f"{name}.pem"
    subject = f"IP:{name}" if name[0].isdigit() else f"DNS:{name}"
    new_key = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    naming = ["-subj", "/CN=scripted", "-addext", f"subjectAltName={subject}"]
    subprocess.run(["openssl", "req", *new_key, *naming, "-keyout", key, "-out", cert], check=True, capture_output=True)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(cert, key)
    return server, ssl.create_default_context(cafile=str(cert))
