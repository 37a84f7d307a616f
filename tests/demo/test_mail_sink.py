"""The demo's mail sink and the reading of its folder."""

from __future__ import annotations

import hashlib
import signal
import smtplib
import socket
import subprocess
import sys
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from types import SimpleNamespace

import pytest

from demo.mail_sink import COME_BACK, NOT_KNOWN, SIZE_LIMIT_BYTES
from portal.delivery.mail_message import EncodedAttachment, MailFacts, build_message
from portal.plumbing.outbox import NoSuchMailError, list_messages, list_refusals, read_message, read_part
from portal.plumbing.smtp import MailConnection, Outcome

ROOT = Path(__file__).parents[2]
FILE = b"case,state\r\n.1,open\r\n" * 5_000


class Sink:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        command = [sys.executable, "-m", "demo.mail_sink", "--port", "0", "--folder", str(folder)]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        said = self.process.stdout.readline()
        self.port = int(said.split(",")[0].rpartition(":")[2])

    def send(self, recipient: str, subject: str = "Weekly cases") -> None:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "duepost@example.org", recipient, subject
        message["Message-ID"], message["Date"] = "<one@example.org>", "Mon, 23 Nov 2026 13:00:00 +0000"
        message.set_content("Grüße\n")
        message.add_alternative("<p>Grüße</p>", subtype="html")
        message.add_attachment(FILE, maintype="text", subtype="csv", filename="cases.csv")
        with smtplib.SMTP("127.0.0.1", self.port) as client:
            client.send_message(message)


@pytest.fixture
def sink(tmp_path):
    started = Sink(tmp_path / "mail")
    yield started
    started.process.kill()
    started.process.wait()


def refusal(sink: Sink, recipient: str) -> str:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        sink.send(recipient)
    code, text = refused.value.recipients[recipient]
    return f"{code} {text.decode()}"


def test_a_mail_is_kept_with_its_envelope_and_its_very_parts(sink):
    """D1."""
    sink.send("ann@example.org", "Fälle der Woche")
    sink.send("bob@example.org")
    newest, oldest = list_messages(sink.folder)
    assert (newest.rcpt_tos, oldest.rcpt_tos) == (("bob@example.org",), ("ann@example.org",))
    assert (oldest.subject, oldest.message_id, oldest.mail_from) == (
        "Fälle der Woche",
        "<one@example.org>",
        "duepost@example.org",
    )
    assert oldest.date is not None
    assert oldest.date.isoformat() == "2026-11-23T13:00:00+00:00"
    mail = read_message(sink.folder, oldest.id)
    assert mail.entry == oldest
    assert [p.content_type for p in mail.parts] == ["text/plain", "text/html", "text/csv"]
    assert (mail.text, mail.html) == ("Grüße\n", "<p>Grüße</p>\n")
    attached = mail.parts[2]
    assert (attached.file_name, attached.size) == ("cases.csv", len(FILE))
    assert attached.sha256 == hashlib.sha256(FILE).hexdigest()
    assert read_part(sink.folder, oldest.id, 2) == (attached, FILE)
    assert len(list_messages(sink.folder, limit=1)) == 1


def test_refused_is_refused_for_good_and_busy_twice_before_each_mail(sink):
    """D4, D5: what a person watches in the demo."""
    assert [refusal(sink, "refused@example.org") for _ in range(4)] == [NOT_KNOWN] * 4
    for _ in range(2):
        assert [refusal(sink, "Busy@example.org") for _ in range(2)] == [COME_BACK] * 2
        sink.send("Busy@example.org")
    assert refusal(sink, "busy@else.example.org") == COME_BACK
    assert len(list_messages(sink.folder)) == 2
    noted = list_refusals(sink.folder)
    assert len(noted) == 9
    assert (noted[0].rcpt_to, noted[0].reply) == ("busy@else.example.org", COME_BACK)
    assert noted[-1].reply == NOT_KNOWN


def test_the_bytes_at_the_sink_are_those_of_the_file(sink):
    """D1, protocol.md: all recipients of one file get the same bytes, by the sink as witness."""
    digest = hashlib.sha256(FILE).hexdigest()
    mail = SimpleNamespace(server="127.0.0.1", port=sink.port, use_tls=False, use_ssl=False, username="", password="")
    outcomes = []
    with EncodedAttachment.from_chunks([FILE], "text/csv") as attachment, MailConnection(mail) as connection:
        connection.open()
        assert connection.size_limit == SIZE_LIMIT_BYTES
        for who in ("ann", "refused", "bob", "busy"):
            facts = MailFacts(
                sender="Duepost <duepost@example.org>",
                recipient=f"{who}@example.org",
                subject="Weekly cases: 16 to 22 November 2026",
                message_id=f"<{who}@example.org>",
                date=datetime(2026, 11, 23, 13, tzinfo=UTC),
                report_name="Weekly cases",
                organization="Marlow & Finch",
                period="16 to 22 November 2026",
                planned_for="Mon 23 Nov 2026, 08:00 EST (New York)",
                last_import="Mon 23 Nov 2026, 05:40 EST",
                rows=5_000,
                file_name="cases.csv",
                file_size=len(FILE),
                sha256=digest,
                run_reference="run 17",
            )
            built = build_message(facts, attachment)
            result = connection.hand_over(
                sender=built.envelope_sender,
                recipient=built.envelope_recipient,
                message=built.chunks(),
                size=built.size,
                before_data=lambda: None,
            )
            outcomes.append(result.outcome)
    assert outcomes == [Outcome.ACCEPTED, Outcome.REJECTED, Outcome.ACCEPTED, Outcome.TEMPORARY]
    kept = [read_message(sink.folder, entry.id) for entry in list_messages(sink.folder)]
    assert {mail.entry.rcpt_tos[0]: mail.parts[-1].sha256 for mail in kept} == {
        "ann@example.org": digest,
        "bob@example.org": digest,
    }


def test_the_folder_outlives_the_sink_and_sigterm_ends_it(sink):
    """D1."""
    sink.send("ann@example.org")
    sink.process.send_signal(signal.SIGTERM)
    assert sink.process.wait(timeout=10) == 0
    assert len(list_messages(sink.folder)) == 1


def test_a_taken_port_is_a_sentence(tmp_path):
    """commands.md: exit 2 with one sentence."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "demo.mail_sink", "--port", port, "--folder", str(tmp_path)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("The mail sink cannot start")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("id_", ["../secret", "", "x", "0" * 13 + "-0000000g", "0" * 13 + "-00000000", "a/b", "\x00"])
def test_an_id_is_an_id_and_no_path(id_, tmp_path):
    """Attack 29."""
    (tmp_path / "secret.eml").write_text("no")
    (tmp_path / "secret.json").write_text("{}")
    folder = tmp_path / "mail"
    folder.mkdir()
    with pytest.raises(NoSuchMailError):
        read_message(folder, id_)
    with pytest.raises(NoSuchMailError):
        read_part(folder, id_, 0)


def test_an_empty_or_absent_folder_holds_nothing(tmp_path):
    """D1."""
    assert list_messages(tmp_path / "none") == []
    assert list_refusals(tmp_path / "none") == []


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"Subject: =?utf-8?b?!!!?=\r\nDate: tomorrow\r\n\r\n",
        b"Subject: =?nope?q?x?=\r\nContent-Type: text/plain; charset=nope\r\n\r\n\xff",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Disposition: inline; filename*=nope''%ff\r\n",
        b"Content-Type: message/rfc822\r\n\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!!\r\n",
        "Subject: a\u202eb\x00\r\n\r\n".encode(),
    ],
)
def test_a_hostile_mail_can_be_looked_at(raw, tmp_path):
    """Attack 23, 26: broken encodings, hidden characters."""
    id_ = "0" * 13 + "-00000000"
    (tmp_path / f"{id_}.eml").write_bytes(raw)
    envelope = '{"mail_from": null, "rcpt_tos": ["a@example.org"], "received_at": "2026-11-23T13:00:00+00:00"}'
    (tmp_path / f"{id_}.json").write_text(envelope)
    mail = read_message(tmp_path, list_messages(tmp_path)[0].id)
    assert "\u202e" not in mail.entry.subject
    assert len(mail.parts) >= 1
    with pytest.raises(NoSuchMailError):
        read_part(tmp_path, id_, 99)
