"""Fixture `mail_sink`: the demo's own SMTP server on a free port, keeping what it gets."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller

from demo.mail_sink import MailSink

__all__ = ["Sink", "mail_sink"]


@dataclass(frozen=True)
class Sink:
    port: int
    folder: Path

    def messages(self) -> list[EmailMessage]:
        """What was accepted, oldest first."""
        files = sorted(self.folder.glob("*.eml"))
        return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]

    def raw(self) -> list[bytes]:
        return [file.read_bytes() for file in sorted(self.folder.glob("*.eml"))]


class AnyPortController(Controller):
    """aiosmtpd's own knocks at the port it was told, which is 0 here, before it says that it has started."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture
def mail_sink(tmp_path: Path) -> Iterator[Sink]:
    folder = tmp_path / "mail"
    controller = AnyPortController(MailSink(folder), hostname="127.0.0.1", port=0)
    controller.start()
    yield Sink(controller.port, folder)
    controller.stop()


def attachment_of(message: EmailMessage) -> bytes:
    (part,) = message.iter_attachments()
    content: bytes = part.get_payload(decode=True)  # type: ignore[assignment]
    return content
