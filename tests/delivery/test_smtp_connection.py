"""The connection to the mail server: each reply, at each stage, ends in the state that the ledger may believe."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from portal.plumbing.mail_text import UnusableAddressError, one_line, wire_address
from portal.plumbing.smtp import MailConnection, NoConnectionError, Outcome, SmtpResult, Stage
from portal.plumbing.smtp_host import Patience, on_the_wire
from tests.support.scripted_smtp import (
    CLOSE,
    DRIP,
    HANG,
    ScriptedSmtp,
    certificate,
    raw,
    say,
    say_and_close,
)

MESSAGE = b"Message-ID: <one@example.org>\r\nSubject: Weekly cases\r\n\r\n.hidden dot\r\n"
PATIENT = Patience(connect=10, reply=10, end=10, quit=10, total=30)
QUICK = Patience(connect=10, reply=0.6, end=0.6, quit=0.6, total=10)
"""For servers that never answer."""

ACCEPTED, TEMPORARY, REJECTED, UNKNOWN = Outcome.ACCEPTED, Outcome.TEMPORARY, Outcome.REJECTED, Outcome.UNKNOWN
ANSWERS = {
    "4xx": say("451 4.3.0 not now"),
    "5xx": say("554 5.7.1 never"),
    "421": say_and_close("421 4.3.2 closing"),
    "close": CLOSE,
    "hang": HANG,
}
TABLE = {
    #            4xx        5xx        421        close      hang
    "connect": (TEMPORARY, TEMPORARY, TEMPORARY, TEMPORARY, TEMPORARY),
    "ehlo": (TEMPORARY, TEMPORARY, TEMPORARY, TEMPORARY, TEMPORARY),
    "mail": (TEMPORARY, REJECTED, TEMPORARY, TEMPORARY, TEMPORARY),
    "rcpt": (TEMPORARY, REJECTED, TEMPORARY, TEMPORARY, TEMPORARY),
    "data": (TEMPORARY, REJECTED, TEMPORARY, UNKNOWN, UNKNOWN),
    "end": (TEMPORARY, REJECTED, TEMPORARY, UNKNOWN, UNKNOWN),
    "quit": (ACCEPTED, ACCEPTED, ACCEPTED, ACCEPTED, ACCEPTED),
}
CELLS = [(stage, answer, outcome) for stage, row in TABLE.items() for answer, outcome in zip(ANSWERS, row, strict=True)]


def connection_to(server: ScriptedSmtp, patience: Patience = PATIENT, tls_context=None, **settings) -> MailConnection:
    given = {"server": "127.0.0.1", "port": server.port, "use_tls": False, "use_ssl": False}
    mail = SimpleNamespace(**(given | {"username": None, "password": None} | settings))
    return MailConnection(mail, patience, tls_context)


def hand_over(connection: MailConnection, recipient="ann@example.org", message=(MESSAGE,), before=None, **more):
    steps: list[str] = []
    result = connection.hand_over(
        sender=more.get("sender", "duepost@example.org"),
        recipient=recipient,
        message=message,
        size=more.get("size", sum(map(len, message))),
        before_data=before or (lambda: steps.append("before data")),
    )
    return result, bool(steps)


def over(script, patience: Patience = PATIENT, **more) -> tuple[SmtpResult, bool, ScriptedSmtp]:
    with ScriptedSmtp(script) as server:
        with connection_to(server, patience) as connection:
            result, committed = hand_over(connection, **more)
        return result, committed, server


@pytest.mark.parametrize(("stage", "answer", "outcome"), CELLS, ids=[f"{c[0]}-{c[1]}" for c in CELLS])
def test_each_answer_at_each_stage_ends_in_the_state_of_the_protocol(stage, answer, outcome):
    """D4, attack 45: the 35 cells."""
    result, committed, server = over({stage: ANSWERS[answer]}, QUICK if answer == "hang" else PATIENT)
    assert result.outcome is outcome
    assert result.stage == (Stage.END if stage == "quit" else stage)
    assert committed == (stage in {"data", "end", "quit"}), "the point of no return is committed right before DATA"
    assert [m.answer for m in server.received if m.answer == "250"] == (["250"] if outcome is ACCEPTED else [])
    if stage == "quit":
        assert result.reply.code == 250
    elif answer in {"close", "hang"}:
        assert result.reply.code is None
        assert result.reply.text.endswith(".")
    else:
        code, words = ANSWERS[answer].data.decode().strip().split(" ", maxsplit=1)
        assert (result.reply.code, result.reply.text) == (int(code), words)
    if answer in {"421", "close", "hang"} and stage != "quit":
        assert not result.connection_usable
    elif stage in {"mail", "rcpt", "data", "end"}:
        assert result.connection_usable


def test_the_sink_holds_the_very_bytes_with_dots_as_they_were():
    """D1."""
    result, committed, server = over({})
    assert (result.outcome, committed) == (ACCEPTED, True)
    assert server.received[0].data == MESSAGE
    assert server.received[0].message_id == "<one@example.org>"
    assert f"MAIL FROM:<duepost@example.org> SIZE={len(MESSAGE)}" in server.commands


def test_no_content_leaves_before_the_commit_and_none_if_it_fails():
    """D4: `before_data` may still say no."""

    def stop() -> None:
        raise LookupError("cancelled meanwhile")

    with ScriptedSmtp() as server, connection_to(server) as connection:
        with pytest.raises(LookupError):
            hand_over(connection, before=stop)
        assert "DATA" not in server.commands
        result, _ = hand_over(connection, "bob@example.org")
        assert result.outcome is ACCEPTED
        assert [m.rcpt_to for m in server.received] == ["bob@example.org"]
        assert server.connections == 1


def test_three_of_five_refused_each_gets_its_own_answer_over_one_connection():
    """D4, attack 46."""
    script = {
        "rcpt:b@example.org": say("550 5.1.1 no such person"),
        "rcpt:c@example.org": say("450 4.2.1 grey"),
        "rcpt:d@example.org": say("552 5.2.2 full"),
    }
    with ScriptedSmtp(script) as server, connection_to(server) as connection:
        outcomes = [hand_over(connection, f"{who}@example.org")[0].outcome for who in "abcde"]
        assert outcomes == [ACCEPTED, REJECTED, TEMPORARY, REJECTED, ACCEPTED]
        assert [m.rcpt_to for m in server.received] == ["a@example.org", "e@example.org"]
        assert server.connections == 1


def test_a_connection_that_died_between_two_people_is_opened_again():
    """D4: the second person does not pay for the server's limit per connection."""
    script = {"rset": [say_and_close("421 4.7.0 enough for one connection")]}
    with ScriptedSmtp(script) as server, connection_to(server) as connection:
        assert hand_over(connection, "a@example.org")[0].outcome is ACCEPTED
        assert hand_over(connection, "b@example.org")[0].outcome is ACCEPTED
        assert server.connections == 2


@pytest.mark.parametrize("stage", ["connect", "ehlo", "mail", "rcpt", "data", "end"])
def test_a_byte_at_a_time_prolongs_nothing(stage):
    """Attack 44, 45: patience is for the whole reply."""
    result, _, _ = over({stage: DRIP}, QUICK)
    assert result.outcome is (UNKNOWN if stage in {"data", "end"} else TEMPORARY)
    assert result.reply.code is None


def test_a_megabyte_of_reply_is_read_to_its_end_and_kept_short():
    """Attack 46."""
    flood = b"".join(b"550-%05d %s\r\n" % (n, b"x" * 90) for n in range(10_000)) + b"550 end\r\n"
    result, _, _ = over({"rcpt": raw(flood)})
    assert (result.outcome, result.reply.code) == (REJECTED, 550)
    assert len(result.reply.text) <= 1_000
    assert result.connection_usable


@pytest.mark.parametrize(
    "answer",
    [b"550-no end in sight\r\n" * 250_000, b"5" * 20_000, b"550-one\r\n250 two\r\n", b"hello there\r\n", b"\r\n"],
    ids=["endless", "one long line", "two codes", "words", "empty"],
)
def test_an_answer_that_is_not_smtp_is_no_answer(answer):
    """Attack 46."""
    result, _, _ = over({"rcpt": raw(answer)})
    assert (result.outcome, result.reply.code) == (TEMPORARY, None)
    assert not result.connection_usable
    result, _, _ = over({"end": raw(answer)})
    assert (result.outcome, result.reply.code) == (UNKNOWN, None)
    assert "in time" not in result.reply.text


def test_only_250_is_accepted():
    """D4: any other success after the final dot answers a question that was not asked."""
    assert over({"end": say("251 hm")})[0].outcome is UNKNOWN
    assert over({"data": say("250 ok already")})[0].outcome is TEMPORARY


def test_an_answer_given_ahead_is_not_believed():
    """D4: a 250 sent together with 354 was said before the message was there."""
    result, _, server = over({"data": raw(b"354 go\r\n250 kept\r\n")})
    assert result.outcome is UNKNOWN
    assert server.received == []
    assert over({"rcpt": raw(b"250 ok\r\n354 go\r\n")})[0].outcome is UNKNOWN


def test_the_reason_for_breaking_off_in_the_middle_is_heard():
    """D4: a server that refuses while the content is still coming, then closes."""
    big = [b"x" * 76 + b"\r\n"] * 200_000
    result, _, server = over({"content": say_and_close("552 5.3.4 too big")}, message=big)
    assert result.outcome in {REJECTED, UNKNOWN}, (
        "the answer may be lost with the connection, never turned into success"
    )
    assert server.received == []
    assert over({"content": CLOSE}, message=big)[0].outcome is UNKNOWN


def test_words_in_any_encoding_come_out_as_one_harmless_line():
    """Attack 46, 26: an 8-bit reply, control characters, bidi."""
    reply = "550-Bo\u00eete pleine\r\n".encode("latin-1") + b"550 \x1b[31mfull\x00\t now\r\n"
    assert over({"rcpt": raw(reply)})[0].reply.text == "Boîte pleine [31mfull now"
    assert over({"rcpt": raw("550 voll \u202egro\u00df\r\n".encode())})[0].reply.text == "voll groß"


def test_sign_in_needed_at_mail_is_about_us_and_tried_again():
    """D4."""
    assert over({"mail": say("530 5.7.0 sign in first")})[0].outcome is TEMPORARY
    assert over({"mail": say("552 5.3.4 too big")})[0].outcome is REJECTED


def test_the_size_limit_of_the_server_is_known_before_a_message_is_made():
    """D6, attack 47."""
    for said, expected in (("SIZE 1048576", 1_048_576), ("SIZE 0", None), ("SIZE", None), ("SIZE lots", None)):
        with ScriptedSmtp(extensions=(said,)) as server, connection_to(server) as connection:
            assert connection.size_limit is None
            connection.open()
            assert connection.size_limit == expected


def test_a_server_that_is_not_there_is_a_temporary_matter():
    """D4."""
    with ScriptedSmtp() as server:
        pass
    with connection_to(server) as connection:
        result, committed = hand_over(connection)
        assert (result.outcome, result.stage, committed) == (TEMPORARY, Stage.CONNECT, False)
        with pytest.raises(NoConnectionError, match="cannot be reached"):
            connection.open()


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    return certificate(tmp_path_factory.mktemp("tls"), "127.0.0.1")


def test_starttls_with_a_trusted_certificate_and_sign_in(tls):
    """D1: what MAIL_USE_TLS, MAIL_USERNAME and MAIL_PASSWORD promise."""
    server_side, client_side = tls
    with (
        ScriptedSmtp(extensions=("SIZE 5", "AUTH PLAIN"), tls=server_side) as server,
        connection_to(server, tls_context=client_side, use_tls=True, username="u", password="secret") as connection,
    ):
        assert hand_over(connection)[0].outcome is ACCEPTED
    words = [c.split()[0].upper() for c in server.commands]
    assert words[:5] == ["EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL"]


def test_tls_from_the_first_byte(tls):
    """D1: MAIL_USE_SSL."""
    server_side, client_side = tls
    with (
        ScriptedSmtp(tls=server_side, implicit_tls=True) as server,
        connection_to(server, tls_context=client_side, use_ssl=True) as connection,
    ):
        assert hand_over(connection)[0].outcome is ACCEPTED


def nothing_in_clear(server: ScriptedSmtp) -> bool:
    return not any(c.startswith(("AUTH", "MAIL", "RCPT", "DATA")) for c in server.commands)


def test_stripped_starttls_sends_nothing_in_clear():
    """Attack 46."""
    with (
        ScriptedSmtp(extensions=("AUTH PLAIN",)) as server,
        connection_to(server, use_tls=True, username="u", password="secret") as connection,
    ):
        result, committed = hand_over(connection)
    assert (result.outcome, result.stage, committed) == (TEMPORARY, Stage.TLS, False)
    assert "STARTTLS" in result.reply.text
    assert nothing_in_clear(server)


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("case", ["untrusted", "another name"])
def test_a_wrong_certificate_sends_nothing(case, implicit, tls, tmp_path):
    """Attack 46."""
    server_side, client_side = certificate(tmp_path, "mail.example.org") if case == "another name" else (tls[0], None)
    with (
        ScriptedSmtp(tls=server_side, implicit_tls=implicit) as server,
        connection_to(server, tls_context=client_side, use_tls=not implicit, use_ssl=implicit) as connection,
    ):
        result, committed = hand_over(connection)
    assert (result.outcome, result.stage, committed) == (TEMPORARY, Stage.TLS, False)
    assert "certificate" in result.reply.text
    assert nothing_in_clear(server)


@pytest.mark.parametrize("answer", ["4xx", "5xx", "421", "close", "hang"])
def test_a_refused_starttls_sends_nothing(answer, tls):
    """Attack 46."""
    with (
        ScriptedSmtp({"starttls": ANSWERS[answer]}, tls=tls[0]) as server,
        connection_to(server, QUICK, tls_context=tls[1], use_tls=True) as connection,
    ):
        result, _ = hand_over(connection)
        assert (result.outcome, result.stage) == (TEMPORARY, Stage.TLS)
        assert nothing_in_clear(server)


def test_what_was_injected_ahead_of_the_handshake_is_not_believed(tls):
    """Attack 46: a second reply in clear behind the 220."""
    script = {
        "starttls": raw(b"220 go\r\n250-injected\r\n250 SIZE 7\r\n"),
        "ehlo after tls": say("250 scripted.example.org"),
    }
    with (
        ScriptedSmtp(script, tls=tls[0]) as server,
        connection_to(server, tls_context=tls[1], use_tls=True) as connection,
    ):
        connection.open()
        assert connection.size_limit is None


@pytest.mark.parametrize("answer", ["4xx", "5xx", "421", "close", "hang"])
def test_a_refused_sign_in_is_temporary_and_keeps_the_password_to_itself(answer):
    """D4."""
    with (
        ScriptedSmtp({"auth": ANSWERS[answer]}, extensions=("AUTH PLAIN",)) as server,
        connection_to(server, QUICK, username="u", password="s3cret") as connection,
    ):
        result, _ = hand_over(connection)
    assert (result.outcome, result.stage) == (TEMPORARY, Stage.AUTH)
    assert "s3cret" not in repr(result)


def test_a_password_that_cannot_be_sent_and_a_server_without_sign_in():
    """D4."""
    for extensions, password in (("AUTH PLAIN",), "pässword"), (("SIZE 1",), "plain"):
        with (
            ScriptedSmtp(extensions=extensions) as server,
            connection_to(server, username="u", password=password) as connection,
        ):
            result, _ = hand_over(connection)
        assert (result.outcome, result.stage) == (TEMPORARY, Stage.AUTH)
        assert password not in repr(result)


def test_letters_beyond_ascii_before_the_at_sign():
    """D4: only where the server says SMTPUTF8; otherwise refused in a sentence, and the next person is served."""
    with ScriptedSmtp() as server, connection_to(server) as connection:
        result, committed = hand_over(connection, "zoë@example.org")
        assert (result.outcome, committed) == (REJECTED, False)
        assert hand_over(connection)[0].outcome is ACCEPTED
    with ScriptedSmtp(extensions=("8BITMIME", "SMTPUTF8")) as server, connection_to(server) as connection:
        assert hand_over(connection, "zoë@example.org")[0].outcome is ACCEPTED
        assert hand_over(connection)[0].outcome is ACCEPTED
        assert [m.rcpt_to for m in server.received] == ["zoë@example.org", "ann@example.org"]


@pytest.mark.parametrize(
    "address",
    [
        "a@b.example>\r\nRCPT TO:<eve@example.org",
        "a b@example.org",
        "a@exa mple.org",
        "<a@example.org>",
        "a",
        "@x",
        "a@",
        "",
        "a@\u2024\u2024",
        "a@example.org\n",
    ],
)
def test_an_address_that_is_none_reaches_no_server(address):
    """Attack 22, 48."""
    result, _, server = over({}, recipient=address)
    assert result.outcome is REJECTED
    assert server.connections == 0
    with pytest.raises(UnusableAddressError):
        wire_address(address)


def test_domains_travel_in_ascii():
    """Attack 48."""
    assert wire_address("ann@bücher.example") == "ann@xn--bcher-kva.example"
    assert wire_address('"a@evil"@ok.example') == '"a@evil"@ok.example'


@pytest.mark.parametrize(
    ("chunks", "wire"),
    [
        ([b"a\r\n"], b"a\r\n.\r\n"),
        ([b"a"], b"a\r\n.\r\n"),
        ([], b".\r\n"),
        ([b".a\r\n", b".b\r\n"], b"..a\r\n..b\r\n.\r\n"),
        ([b"a\r", b"\n.b\r\n"], b"a\r\n..b\r\n.\r\n"),
        ([b"a\n.\nMAIL FROM:<x>\n"], b"a\r\n..\r\nMAIL FROM:<x>\r\n.\r\n"),
        ([b"a\r.\r", b"b"], b"a\r\n..\r\nb\r\n.\r\n"),
        ([b"a", b".b", b"\r"], b"a.b\r\n.\r\n"),
    ],
)
def test_content_cannot_end_a_message_early(chunks, wire):
    """Attack 22: bare line ends and dots, also across chunks."""
    assert b"".join(on_the_wire(chunks)) == wire


def test_flask_mails_own_way_is_closed():
    """D4: it would lose replies."""
    with ScriptedSmtp() as server, connection_to(server) as connection, pytest.raises(RuntimeError):
        connection.send(object())


def test_one_line_is_one_line():
    """Attack 22, 23."""
    assert one_line("a\r\nBcc: b\u202ec\u200b\ud800", 40) == "a Bcc: bc"
    assert one_line("x" * 50, 10) == "x" * 9 + "…"
