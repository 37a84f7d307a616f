"""One message to one recipient over SMTP, with the server's own words for each step.

Flask-Mail brings the settings and the connection object; its `send` is not used: it loses partial refusals, waits
without limit and verifies no certificate. Here each command is sent by hand, so that the ledger can commit right before
DATA and can tell afterwards what is known:

| stage | 2xx (354) | 4xx, also 421 | 5xx | no answer: closed, timed out, not SMTP |
|---|---|---|---|---|
| connect, EHLO, STARTTLS, AUTH | go on | TEMPORARY | TEMPORARY | TEMPORARY |
| MAIL | go on | TEMPORARY | REJECTED (530: TEMPORARY) | TEMPORARY |
| RCPT | go on | TEMPORARY | REJECTED | TEMPORARY |
| DATA | go on | TEMPORARY | REJECTED | UNKNOWN |
| the final dot | ACCEPTED | TEMPORARY | REJECTED | UNKNOWN |
| QUIT | ignored | ignored | ignored | ignored |

A refusal before MAIL is an answer to this installation (its address, name, password), not to the person: it says
nothing about whether their mail can be delivered, so even a 5xx there is tried again. 530 at MAIL ("sign in first") is
of that kind too. Any other 5xx at MAIL is about the sender or the size of this very message and comes back each time.
No answer to DATA is UNKNOWN although none of the content was sent: state DATA is already committed, and from there on
only an answer of the server moves the ledger back. `stage` (DATA, not END) lets a person see that nothing went out.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Any, NoReturn, Self

from flask import current_app
from flask_mail import Connection

from portal.config import settings
from portal.plumbing.mail_text import UnusableAddressError, one_line, reply_words, wire_address
from portal.plumbing.smtp_host import BoundedHost, BoundedTlsHost, LostError, Patience, cause_of, on_the_wire


class Stage(StrEnum):
    """Where in the conversation a reply belongs. END is the answer to the final dot."""

    CONNECT = "connect"
    EHLO = "ehlo"
    TLS = "tls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    END = "end"


class Outcome(StrEnum):
    """What is known about one message to one recipient."""

    ACCEPTED = "accepted"
    TEMPORARY = "temporary"
    """Nothing was handed over; trying again may help."""
    REJECTED = "rejected"
    """Nothing was handed over; the same message to the same person will be refused again."""
    UNKNOWN = "unknown"
    """DATA was begun and no answer came: the recipient may or may not have it."""


@dataclass(frozen=True)
class SmtpReply:
    """The last word at one stage.

    `code` is the server's, or None when it gave no (readable) answer; then `text` is our sentence. `text` is one line,
    without control characters, of at most 1,000 characters.
    """

    stage: Stage
    code: int | None
    text: str


@dataclass(frozen=True)
class SmtpResult:
    """What became of one hand-over, and whether the same connection can take the next."""

    outcome: Outcome
    reply: SmtpReply
    connection_usable: bool

    @property
    def stage(self) -> Stage:
        return self.reply.stage


class NoConnectionError(Exception):
    """The mail server cannot be used now. `result` is TEMPORARY and names the stage and the words."""

    def __init__(self, reply: SmtpReply) -> None:
        super().__init__(reply.text)
        self.result = SmtpResult(Outcome.TEMPORARY, reply, connection_usable=False)


class MailConnection(Connection):
    """A connection to the mail server, opened when first needed, used for one recipient after the other.

    `mail` is what Flask-Mail made of its settings. Its `suppress` is not obeyed: nothing may be called accepted that
    was never sent. Its `debug` neither: it would print passwords and reports.
    """

    def __init__(self, mail: Any, patience: Patience | None = None, tls_context: ssl.SSLContext | None = None) -> None:
        super().__init__(mail)
        self.host: BoundedHost | None = None
        self._patience = patience or Patience()
        self._tls_context = tls_context or ssl.create_default_context()

    def __enter__(self) -> Self:
        """Does not connect yet: the ledger is to say so first. See `open`."""
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()

    def send(self, *_: object, **__: object) -> NoReturn:
        """Flask-Mail's way, closed: it would drop replies."""
        raise RuntimeError("Use MailConnection.hand_over: Flask-Mail's send loses the server's replies.")

    @property
    def size_limit(self) -> int | None:
        """Largest message in bytes that the server says it takes; None when it says nothing or is not connected."""
        stated = self.host.esmtp_features.get("size", "") if self.host else ""
        return int(stated) or None if re.fullmatch(r"[0-9]{1,18}", stated) else None

    def open(self) -> None:
        """Connected, signed in and ready for MAIL, on the connection at hand if it is still good.

        Raises NoConnectionError.
        """
        if self.host is not None:
            self.host.allow(self._patience.total)
            # Also tells a connection that the server has given up meanwhile.
            self._ask(Stage.MAIL, "RSET")
        if self.host is None:
            self.host = self.configure_host()

    def configure_host(self) -> BoundedHost:
        """A new connection, through EHLO, STARTTLS and AUTH as the settings ask. Raises NoConnectionError."""
        server = self.mail.server
        host = (
            BoundedTlsHost(server, self._patience, self._tls_context)
            if self.mail.use_ssl
            else BoundedHost(server, self._patience)
        )
        try:
            self._greet(host)
            self._say_hello(host)
            if self.mail.use_tls and not self.mail.use_ssl:
                self._encrypt(host)
                self._say_hello(host)
            if self.mail.username and self.mail.password:
                self._sign_in(host)
        except NoConnectionError:
            host.close()
            raise
        return host

    def close(self) -> None:
        """Say goodbye. What the server makes of that changes nothing for the messages before."""
        host, self.host = self.host, None
        if host is None:
            return
        try:
            host.allow(self._patience.quit)
            host.docmd("QUIT")
        except (smtplib.SMTPException, OSError):
            pass
        finally:
            host.close()

    def hand_over(
        self,
        *,
        sender: str,
        recipient: str,
        message: Iterable[bytes],
        size: int,
        before_data: Callable[[], None],
    ) -> SmtpResult:
        """One message to one recipient; the table at the top of this module is what comes out.

        `message` are its bytes in chunks, `size` their sum before dots are doubled. `before_data` is called when the
        recipient was taken and DATA comes next: the caller commits the point of no return there. If it raises, nothing
        is handed over and the error goes on to the caller. If reading `message` raises, the connection is dropped
        before the final dot and the error goes on: whoever committed DATA must take that for an unknown.
        """
        try:
            envelope = (wire_address(sender), wire_address(recipient))
        except UnusableAddressError as error:
            return self._result(Outcome.REJECTED, SmtpReply(Stage.RCPT, None, str(error)))
        try:
            self.open()
        except NoConnectionError as failed:
            return failed.result
        refused = self._address(*envelope, size)
        if refused is not None:
            return refused
        before_data()
        reply = self._ask(Stage.DATA, "DATA")
        if reply.code != 354:
            if reply.code is not None and reply.code < 400:
                self._drop()  # An answer that fits no question; nothing more is said to this server.
            return self._result(_judged(reply), reply)
        return self._content(message)

    def _address(self, sender: str, recipient: str, size: int) -> SmtpResult | None:
        """MAIL and RCPT; None when both were taken."""
        host = self._host()
        options = f" SIZE={size}" if host.has_extn("size") else ""
        host.command_encoding = "ascii"
        if not (sender.isascii() and recipient.isascii()):
            if not host.has_extn("smtputf8"):
                sentence = "The mail server takes no address with letters beyond A to Z before the @ sign."
                return self._result(Outcome.REJECTED, SmtpReply(Stage.MAIL, None, sentence))
            host.command_encoding = "utf-8"
            options += " BODY=8BITMIME SMTPUTF8"
        for stage, command in (
            (Stage.MAIL, f"MAIL FROM:<{sender}>{options}"),
            (Stage.RCPT, f"RCPT TO:<{recipient}>"),
        ):
            reply = self._ask(stage, command)
            if reply.code is None or not 200 <= reply.code <= 299:
                return self._result(_judged(reply), reply)
        return None

    def _content(self, message: Iterable[bytes]) -> SmtpResult:
        """Everything after 354, up to the answer to the final dot."""
        host = self._host()
        try:
            host.expect_silence()
            for chunk in on_the_wire(message):
                host.send(chunk)
        except LostError as lost:
            return self._broken_off(lost)
        except BaseException:
            self._drop()
            raise
        try:
            code, text = host.wait_for_reply(self._patience.end)
        except LostError as lost:
            self._drop()
            return self._result(Outcome.UNKNOWN, SmtpReply(Stage.END, None, str(lost)))
        reply = SmtpReply(Stage.END, code, reply_words(text))
        if code == 421:
            self._drop()
        return self._result(_judged(reply), reply)

    def _broken_off(self, lost: LostError) -> SmtpResult:
        """The content could not be sent to its end; the server may have said why before it closed."""
        reply = SmtpReply(Stage.END, None, str(lost))
        try:
            code, text = self._host().wait_for_reply(self._patience.quit)
        except LostError:
            pass
        else:
            # Nothing but a refusal can be believed here: the final dot was not sent, or not known to be.
            if code >= 400:
                reply = SmtpReply(Stage.END, code, reply_words(text))
        self._drop()
        return self._result(_judged(reply), reply)

    def _ask(self, stage: Stage, command: str) -> SmtpReply:
        """One command and its reply; the connection is dropped when none came or the server takes its leave."""
        try:
            code, text = self._host().docmd(command)
        except LostError as lost:
            self._drop()
            return SmtpReply(stage, None, str(lost))
        if code == 421 or (command == "RSET" and code != 250):
            self._drop()
        return SmtpReply(stage, code, reply_words(text))

    def _host(self) -> BoundedHost:
        if self.host is None:
            raise RuntimeError("The connection is not open.")
        return self.host

    def _drop(self) -> None:
        host, self.host = self.host, None
        if host is not None:
            host.close()

    def _result(self, outcome: Outcome, reply: SmtpReply) -> SmtpResult:
        return SmtpResult(outcome, reply, connection_usable=self.host is not None)

    def _greet(self, host: BoundedHost) -> None:
        try:
            code, text = host.connect(self.mail.server, self.mail.port or 0)
            if host.sock is not None:
                # The final dot is a small packet after a large one: it must not wait for an acknowledgement.
                host.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except LostError as lost:
            raise _no_connection(Stage.CONNECT, str(lost)) from lost
        except ssl.SSLError as error:
            raise _no_connection(Stage.TLS, _tls_sentence(error)) from error
        except (OSError, UnicodeError) as error:
            sentence = f"The mail server cannot be reached: {cause_of(error)}."
            raise _no_connection(Stage.CONNECT, sentence) from error
        if code != 220:
            raise _refused(Stage.CONNECT, code, text)

    def _say_hello(self, host: BoundedHost) -> None:
        # No falling back to HELO: without EHLO there is no STARTTLS, AUTH or SIZE either.
        try:
            code, text = host.ehlo()
        except LostError as lost:
            raise _no_connection(Stage.EHLO, str(lost)) from lost
        if code != 250:
            raise _refused(Stage.EHLO, code, text)

    def _encrypt(self, host: BoundedHost) -> None:
        if not host.has_extn("starttls"):
            sentence = "The mail server offers no encryption (STARTTLS), which MAIL_USE_TLS asks for. Nothing was sent."
            raise _no_connection(Stage.TLS, sentence)
        try:
            host.starttls(context=self._tls_context)
        except smtplib.SMTPResponseException as refusal:
            raise _refused(Stage.TLS, refusal.smtp_code, refusal.smtp_error) from refusal
        except LostError as lost:
            raise _no_connection(Stage.TLS, str(lost)) from lost
        except (ssl.SSLError, OSError) as error:
            raise _no_connection(Stage.TLS, _tls_sentence(error)) from error

    def _sign_in(self, host: BoundedHost) -> None:
        try:
            host.login(self.mail.username, self.mail.password)
        except smtplib.SMTPResponseException as refusal:
            raise _refused(Stage.AUTH, refusal.smtp_code, refusal.smtp_error) from refusal
        except LostError as lost:
            raise _no_connection(Stage.AUTH, str(lost)) from lost
        except (smtplib.SMTPException, ValueError):
            # `from None`: the text of an encoding error holds the password.
            sentence = "The mail server offers no way to sign in that fits MAIL_USERNAME and MAIL_PASSWORD."
            raise _no_connection(Stage.AUTH, sentence) from None


def connect_to_mail_server() -> MailConnection:
    """A connection by the application's mail settings, not opened yet; use it in `with`."""
    patience = Patience(reply=settings().mail_timeout_seconds)
    return MailConnection(current_app.extensions["mail"], patience)


def _judged(reply: SmtpReply) -> Outcome:
    """What a reply that ends the conversation means for this message."""
    code, stage = reply.code, reply.stage
    if code is None:
        return Outcome.UNKNOWN if stage in {Stage.DATA, Stage.END} else Outcome.TEMPORARY
    if code >= 500:
        return Outcome.TEMPORARY if (stage, code) == (Stage.MAIL, 530) else Outcome.REJECTED
    if stage is Stage.END and code < 400:
        # "Accepted" means 250 and nothing else; another success is an answer to no question of ours.
        return Outcome.ACCEPTED if code == 250 else Outcome.UNKNOWN
    return Outcome.TEMPORARY


def _no_connection(stage: Stage, sentence: str) -> NoConnectionError:
    return NoConnectionError(SmtpReply(stage, None, sentence))


def _refused(stage: Stage, code: int, text: bytes | str) -> NoConnectionError:
    return NoConnectionError(SmtpReply(stage, code, reply_words(text)))


def _tls_sentence(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = one_line(error.verify_message, 200)
        return f"The mail server's certificate is not to be trusted: {reason}. Nothing was sent."
    return f"No encrypted connection to the mail server came about: {cause_of(error)}. Nothing was sent."
