"""Mails of 1 MB to many recipients, one message each, against a server in another process that swallows them."""

from __future__ import annotations

import contextlib
import hashlib
import socketserver
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BufferedIOBase

from bench.measure import ROOT, Figures, Say, Timed, Way, compare
from bench.registers import Register, app_on
from bench.report import Figure, Subject

FILE_BYTES = 1_000_000
FILE_NAME = "All-cases-2026-11-02.csv"
OURS = "Duepost: encoded once, one connection"
FLASK_MAIL = "Flask-Mail's loop on one connection"


def ours(url: str, mails: int) -> Figures:
    from portal.delivery.mail_message import EncodedAttachment, MailFacts, build_message
    from portal.plumbing.smtp import Outcome, connect_to_mail_server

    content = _content()
    digest = hashlib.sha256(content).hexdigest()
    with contextlib.ExitStack() as held:
        port = held.enter_context(swallowing_server())
        held.enter_context(app_on(url, MAIL_PORT=str(port)))
        with (
            Timed() as timed,
            connect_to_mail_server() as connection,
            EncodedAttachment.from_chunks([content], "text/csv") as file,
        ):
            for number in range(mails):
                facts = MailFacts(
                    sender="Duepost <duepost@example.org>",
                    recipient=f"person{number}@example.org",
                    subject="All cases: last week",
                    message_id=f"<{number}@example.org>",
                    date=datetime(2026, 11, 2, 14, tzinfo=UTC),
                    report_name="All cases",
                    organization="Benchmark Mutual",
                    period="last week",
                    planned_for="2 November 2026, 09:00",
                    last_import="Mon 23 Nov 2026, 05:40 EST",
                    rows=5_000,
                    file_name=FILE_NAME,
                    file_size=len(content),
                    sha256=digest,
                    run_reference="a run",
                )
                message = build_message(facts, file)
                answer = connection.hand_over(
                    sender=message.envelope_sender,
                    recipient=message.envelope_recipient,
                    message=message.chunks(),
                    size=message.size,
                    before_data=lambda: None,
                )
                assert answer.outcome is Outcome.ACCEPTED, answer
    return timed.figures() | {"mails": mails}


def by_flask_mail(url: str, mails: int) -> Figures:
    from flask_mail import Message

    from portal.extensions import mail

    content = _content()
    with contextlib.ExitStack() as held:
        port = held.enter_context(swallowing_server())
        held.enter_context(app_on(url, MAIL_PORT=str(port)))
        with Timed() as timed, mail.connect() as connection:
            for number in range(mails):
                message = Message(
                    "All cases: last week", recipients=[f"person{number}@example.org"], body="As planned."
                )
                message.attach(FILE_NAME, "text/csv", content)
                connection.send(message)
    return timed.figures() | {"mails": mails}


def measure(register: Register, mails: int, repeats: int, say: Say) -> Subject:
    ways = [
        Way(OURS, ours, {"url": register.url, "mails": mails}),
        Way(FLASK_MAIL, by_flask_mail, {"url": register.url, "mails": mails}),
    ]
    found = compare(ways, repeats, say)
    mine = found[OURS].per_second("mails")
    figures = [
        Figure.shown("mails a second", mine, "mails/s"),
        Figure.at_least("times Flask-Mail's loop", mine / found[FLASK_MAIL].per_second("mails"), 1.8, "×"),
    ]
    return Subject("mails", f"{mails} mails of 1 MB", "mails", list(found.values()), figures)


def _content() -> bytes:
    return (b"C-2026-000001,OPEN,HIGH,2026-10-26T09:12:44-04:00,Hotline\r\n" * (FILE_BYTES // 59 + 1))[:FILE_BYTES]


@contextlib.contextmanager
def swallowing_server() -> Iterator[int]:
    """Its port."""
    with subprocess.Popen([sys.executable, "-m", "bench.mails"], cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield int(server.stdout.readline())
        finally:
            server.terminate()


class Swallow(socketserver.StreamRequestHandler):
    """Says yes to everything and keeps nothing; what a message says is not looked at."""

    rbufsize = 1 << 18

    def handle(self) -> None:
        self._say(b"220 swallows")
        for line in self.rfile:
            command = line[:4].upper()
            if command == b"EHLO":
                self._say(b"250 SIZE 100000000")
            elif command == b"DATA":
                self._say(b"354 go on")
                self._swallow(self.rfile)
                self._say(b"250 swallowed")
            else:
                self._say(b"250 yes")
            if command == b"QUIT":
                return

    def _say(self, words: bytes) -> None:
        self.wfile.write(words + b"\r\n")

    @staticmethod
    def _swallow(lines: BufferedIOBase) -> None:
        for line in lines:
            if line == b".\r\n":
                return


def main() -> None:
    """`python -m bench.mails`: be the server, on a free port, which is printed."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Swallow) as server:
        server.daemon_threads = True
        print(server.server_address[1], flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
