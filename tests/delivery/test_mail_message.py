"""The mail of one recipient: what it says, that hostile text stays text, that a retry is the same bytes."""

from __future__ import annotations

import email
import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.delivery.mail_message import (
    BuiltMessage,
    EncodedAttachment,
    MailFacts,
    build_message,
    envelope_sender,
    message_size,
    safe_file_name,
    subject_line,
)
from portal.plumbing.mail_text import UnusableAddressError, one_line
from portal.plumbing.smtp_host import on_the_wire

FILE = bytes(range(256)) * 700 + b"x"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FACTS = MailFacts(
    sender="Duepost <duepost@example.org>",
    recipient="ann@example.org",
    subject="Weekly cases: 16 to 22 November 2026",
    message_id="<d-17.9f2c@example.org>",
    date=datetime(2026, 11, 23, 13, 0, tzinfo=UTC),
    report_name="Weekly cases",
    organization="Marlow & Finch",
    period="16 to 22 November 2026",
    planned_for="Mon 23 Nov 2026, 08:00 EST (New York)",
    last_import="Mon 23 Nov 2026, 05:40 EST",
    rows=12_345,
    file_name="weekly-cases-2026-11-23.xlsx",
    file_size=len(FILE),
    sha256=hashlib.sha256(FILE).hexdigest(),
    run_reference="run 17",
)
LINKED = replace(
    FACTS, link_url="https://duepost.example.org/d/abc?x=1&y=2", link_expiry="until Mon 7 Dec 2026, 08:00 EST"
)


@pytest.fixture
def attachment():
    with EncodedAttachment.from_chunks([FILE], XLSX) as encoded:
        yield encoded


def raw(built: BuiltMessage) -> bytes:
    data = b"".join(built.chunks())
    assert len(data) == built.size
    return data


def parsed(built: BuiltMessage) -> EmailMessage:
    message = email.message_from_bytes(raw(built), policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert not any(part.defects for part in message.walk())
    return message


def words(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def test_text_html_and_the_very_file(attachment):
    """D1: report name, period, rows, moment with zone, hash; the attached bytes are the artifact's."""
    message = parsed(build_message(FACTS, attachment))
    assert [p.get_content_type() for p in message.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        XLSX,
    ]
    (file,) = message.iter_attachments()
    assert (file.get_content(), file.get_filename()) == (FILE, FACTS.file_name)
    for fact in (FACTS.period, "12,345", FACTS.planned_for, FACTS.last_import, FACTS.sha256, FACTS.run_reference):
        assert fact in words(message, "plain")
        assert fact in words(message, "html")
    assert "is attached" in words(message, "plain")
    assert "Marlow & Finch" in words(message, "plain")
    assert "Marlow &amp; Finch" in words(message, "html")


def test_headers(attachment):
    """D1: one recipient, no answering machines, the given id and date."""
    message = parsed(build_message(FACTS, attachment))
    assert (
        dict(message.items()).items()
        >= {
            "From": "Duepost <duepost@example.org>",
            "To": "ann@example.org",
            "Subject": FACTS.subject,
            "Date": "Mon, 23 Nov 2026 13:00:00 +0000",
            "Message-ID": FACTS.message_id,
            "Auto-Submitted": "auto-generated",
        }.items()
    )


def test_link_instead_of_the_file_and_why():
    """D6, attack 47: too big is said in the mail."""
    facts = replace(LINKED, why_link="It is too big to attach (26.1 MB), so here is a link instead.")
    message = parsed(build_message(facts, None))
    assert message.get_content_type() == "multipart/alternative"
    for kind in ("plain", "html"):
        assert "too big to attach" in words(message, kind)
        assert "until Mon 7 Dec 2026, 08:00 EST" in words(message, kind)
        assert "is attached" not in words(message, kind)
    assert "https://duepost.example.org/d/abc?x=1&y=2" in words(message, "plain")
    assert 'href="https://duepost.example.org/d/abc?x=1&amp;y=2"' in words(message, "html")


def test_file_and_link_and_a_remark(attachment):
    """D1."""
    message = parsed(build_message(replace(LINKED, remark="This run was 3 hours late."), attachment))
    assert "is attached" in words(message, "plain")
    assert "/d/abc" in words(message, "plain")
    assert "3 hours late" in words(message, "plain")
    assert "3 hours late" in words(message, "html")


def test_a_retry_sends_the_same_bytes_also_from_an_attachment_made_anew(attachment):
    """protocol.md: the same Message-ID, the same bytes, after the worker was lost."""
    first = raw(build_message(FACTS, attachment))
    assert raw(build_message(FACTS, attachment)) == first
    with EncodedAttachment.from_chunks((FILE[i : i + 1_000] for i in range(0, len(FILE), 1_000)), XLSX) as again:
        assert raw(build_message(FACTS, again)) == first


def test_one_encoding_serves_everyone(attachment):
    """Same MIME part for all, another header and text for each."""
    for who in "abc":
        facts = replace(FACTS, recipient=f"{who}@example.org", message_id=f"<{who}@example.org>")
        message = parsed(build_message(facts, attachment))
        assert message["To"] == f"{who}@example.org"
        assert next(message.iter_attachments()).get_content() == FILE


def test_a_file_that_is_not_the_one_spoken_of_is_not_sent():
    """Attack 54: one byte changed in storage."""
    with EncodedAttachment.from_chunks([FILE[:-1] + b"y"], XLSX) as changed, pytest.raises(ValueError, match="not the"):
        build_message(FACTS, changed)


@given(data=st.binary(max_size=400), cut=st.integers(1, 60))
@settings(deadline=None)
def test_any_file_in_any_chunks_comes_back(data, cut):
    """D1: also the empty one, and one that ends in the middle of a base64 line."""
    with EncodedAttachment.from_chunks((data[i : i + cut] for i in range(0, len(data), cut)), "text/csv") as encoded:
        facts = replace(FACTS, sha256=encoded.sha256, file_size=encoded.size)
        built = build_message(facts, encoded)
        assert next(parsed(built).iter_attachments()).get_payload(decode=True) == data
        assert raw(built).count(b"\n") == raw(built).count(b"\r\n") == raw(built).count(b"\r")
        assert max(map(len, raw(built).splitlines())) <= 998
        assert raw(built).isascii()
        assert built.size <= message_size(len(data))


def test_a_large_file_goes_through_a_temporary_file():
    """Memory flat."""
    block = b"0123456789abcdef" * 65_536
    with EncodedAttachment.from_chunks((block for _ in range(12)), "text/csv") as encoded:
        assert encoded.size == 12 * len(block)
        assert encoded._spool._rolled  # type: ignore[attr-defined]
        assert sum(map(len, encoded.chunks())) == encoded.encoded_size
        assert encoded.encoded_size <= message_size(encoded.size)
        assert encoded.encoded_size > 4 / 3 * encoded.size


HOSTILE = [
    "a\r\nBcc: eve@example.org",
    "a\nX-Evil: 1\n\n<script>alert(1)</script>",
    "report\u202exslx.exe",
    "z\u200be\u200dr\ufeffo",
    "\x00\x0b\ud800\ufffe",
    "<img src=x onerror=alert(1)>\"'`",
    "{{7*7}} {% raw %} ${7*7}",
    "\U0001f4a9" * 400,
    "e" + "\u0301" * 1_000,
    "=?utf-8?b?QmNjOiBldmU=?= <eve@example.org>, x",
    "=?utf-8?q?=E2=80=AE?= hidden override",
    'Ö, "Ünal" <eve@example.org>; (x)',
    "x" * 5_000,
    ".\r\n.\r\n",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_one_line_of_text(text, attachment):
    """Attack 22, 23, 26, 27: in every field that a person may have typed."""
    facts = replace(
        LINKED,
        subject=text,
        report_name=text,
        organization=text,
        period=text,
        planned_for=text,
        file_name=text,
        run_reference=text,
        link_expiry=text,
        why_link=text,
        remark=text,
    )
    built = build_message(facts, attachment)
    message = parsed(built)
    assert sorted(message.keys()) == sorted(parsed(build_message(FACTS, attachment)).keys())
    assert message["Subject"] == one_line(text, 300).replace("=?", "= ?")
    assert message["To"] == "ann@example.org"
    assert raw(built).isascii()
    assert max(map(len, raw(built).splitlines())) <= 998
    (file,) = message.iter_attachments()
    assert set(str(file.get_filename())) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
    html = words(message, "html")
    assert "<script" not in html
    assert "<img" not in html
    assert "\u202e" not in html + words(message, "plain")
    assert "49" not in words(message, "plain").replace(FACTS.sha256, "").replace("179,201", "")
    assert b"".join(on_the_wire(built.chunks())).count(b"\r\n.\r\n") == 1


@given(text=st.text(max_size=400))
@settings(deadline=None, max_examples=150)
def test_any_subject_comes_out_as_it_was_seen(text):
    """Attack 25."""
    message = parsed(build_message(replace(LINKED, subject=text, report_name=text), None))
    assert message["Subject"] == one_line(text, 300).replace("=?", "= ?")
    assert message["To"] == "ann@example.org"


@pytest.mark.parametrize("name", [h for h in HOSTILE if "\n" not in h])
def test_a_hostile_sender_name_makes_no_second_sender(name):
    """Attack 22."""
    clean = name.replace('"', "").replace("\\", "")
    message = parsed(build_message(replace(LINKED, sender=f'"{clean}" <duepost@example.org>'), None))
    assert [a.addr_spec for a in message["From"].addresses] == ["duepost@example.org"]


@pytest.mark.parametrize(
    "recipient", ["a@b.example\r\nBcc: eve@example.org", "a@b.example, eve@example.org", "", "a", "a b@example.org"]
)
def test_a_recipient_is_one_address(recipient):
    """Attack 22, 48."""
    with pytest.raises(UnusableAddressError):
        build_message(replace(LINKED, recipient=recipient), None)


def test_addresses_beyond_ascii():
    """Attack 48: the domain goes out in ASCII; a local part that cannot needs SMTPUTF8."""
    built = build_message(replace(LINKED, recipient="ann@bücher.example"), None)
    assert built.envelope_recipient == "ann@xn--bcher-kva.example"
    assert b"To: ann@xn--bcher-kva.example\r\n" in raw(built)
    built = build_message(replace(LINKED, recipient="zoë@example.org"), None)
    assert "To: zoë@example.org\r\n".encode() in raw(built)
    assert envelope_sender("Duepost <duepost@example.org>") == "duepost@example.org"


@pytest.mark.parametrize(
    "change",
    [
        {"message_id": "no brackets"},
        {"message_id": "<a@b>\r\nBcc: x"},
        {"date": datetime(2026, 11, 23)},  # noqa: DTZ001  # what is refused
        {"link_url": "javascript:alert(1)"},
        {"link_url": 'https://x" onclick="y'},
        {"link_url": None},
    ],
    ids=str,
)
def test_what_cannot_be_sent_is_refused(change):
    """Attack 22."""
    with pytest.raises(ValueError, match=r"\.$"):
        build_message(replace(LINKED, **change), None)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("Weekly cases.xlsx", "Weekly-cases.xlsx"),
        ("../../etc/passwd", "etc-passwd"),
        ("Fälle, Zürich.csv", "Falle-Zurich.csv"),
        ("日本.xlsx", "export.xlsx"),
        ("", "export"),
        ('a".exe\r\nX: y.csv', "a-.exe-X-y.csv"),
        (".htaccess", "export.htaccess"),
        ("x" * 300 + ".csv", "x" * 96 + ".csv"),
    ],
)
def test_file_names(name, safe):
    """Attack 22, 23, 29."""
    assert safe_file_name(name) == safe


def test_the_subject_says_what_and_when():
    """D1."""
    assert subject_line("Weekly cases", "16 to 22 November 2026") == "Weekly cases: 16 to 22 November 2026"
