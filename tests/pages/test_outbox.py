"""The demo's outbox: the mails that the sink kept, as they came."""

from __future__ import annotations

import hashlib
import smtplib
from email.message import EmailMessage

import pytest


@pytest.fixture
def app_settings(mail_sink):
    return {"DUEPOST_OUTBOX_FOLDER": str(mail_sink.folder)}


@pytest.fixture
def mail(mail_sink, page):
    """The address of the page of one hostile mail."""
    message = EmailMessage()
    message["Subject"] = "Open cases <script>alert(1)</script>"
    message["From"] = "duepost@example.org"
    message["To"] = "priya@example.org"
    message.set_content("The file is attached.\n{{7*7}}")
    message.add_alternative("<h1>Hello</h1><script>alert(1)</script>", subtype="html")
    message.add_attachment(b"a,b\r\n1,2\r\n", maintype="text", subtype="csv", filename="../../open-cases.csv")
    with smtplib.SMTP("127.0.0.1", mail_sink.port) as smtp:
        smtp.send_message(message)
    [link] = page.ana.get("/outbox").find("//main//a/@href")
    return link


def test_a_mail_is_shown_with_its_real_parts(page, mail):
    answer = page.ana.get(mail)
    assert "Open cases <script>alert(1)</script>" in answer.words
    assert "{{7*7}}" in answer.words
    assert hashlib.sha256(b"a,b\r\n1,2\r\n").hexdigest() in answer.words


def test_a_part_is_downloaded_byte_for_byte_and_never_opened_here(page, mail):
    links = page.ana.get(mail).find("//a[@download]/@href")
    answer = page.ana.get(links[-1])
    assert answer.data == b"a,b\r\n1,2\r\n"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    assert "/" not in answer.headers["Content-Disposition"]


def test_the_mails_html_runs_in_a_sandbox(page, mail):
    """attack 26"""
    answer = page.ana.get(mail)
    [frame] = answer.find("//iframe")
    assert frame.get("sandbox") == ""
    body = page.ana.get(frame.get("src"))
    assert body.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")


def test_refusals_are_listed(page, mail_sink):
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = "x", "duepost@example.org", "refused@example.org"
    message.set_content("x")
    with smtplib.SMTP("127.0.0.1", mail_sink.port) as smtp, pytest.raises(smtplib.SMTPRecipientsRefused):
        smtp.send_message(message)
    words = page.ana.get("/outbox").words
    assert "refused@example.org" in words
    assert "Refused" in words


def test_an_empty_outbox_says_what_it_is_for(page):
    assert "No mail yet" in page.otto.get("/outbox").words


@pytest.mark.parametrize("mail_id", ["x", "0000000000000-00000000", "..%2F..%2Fetc%2Fpasswd", "%2e%2e"])
def test_a_mail_that_is_not_there_is_no_page(page, mail_id):
    """attack 29"""
    assert page.ana.get(f"/outbox/{mail_id}").status in {404, 308}
    assert page.ana.get(f"/outbox/{mail_id}/html").status in {404, 308}
    assert page.ana.get(f"/outbox/{mail_id}/parts/1").status in {404, 308}


def test_without_the_sink_there_is_no_outbox(make_app):
    app = make_app(DUEPOST_OUTBOX_FOLDER="")
    assert app.test_client().get("/outbox").status_code == 404
