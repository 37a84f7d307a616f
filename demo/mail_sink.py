"""The demo's mail server: keeps what it gets in a folder and sends nothing on.

`refused@…` is refused for good, `busy@…` twice before it is taken, so that partial runs and retries can be watched.
Messages are kept as `<id>.eml` with `<id>.json` beside it, refusals as lines of `refused.jsonl`; portal.plumbing.outbox
reads them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import signal
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from portal.plumbing.outbox import REFUSALS

SIZE_LIMIT_BYTES = 30 * 1024 * 1024
BUSY_REFUSALS = 2
NOT_KNOWN = "550 5.1.1 This mailbox does not exist here"
COME_BACK = "451 4.7.1 Greylisted, please try again later"


class MailSink:
    """aiosmtpd's handler: decides on each recipient and keeps each message."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._busy: Counter[str] = Counter()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take the recipient, or refuse it by the rules above."""
        refusal = self._refusal(address)
        if refusal:
            self._note_refusal(envelope.mail_from or "", address, refusal)
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Recipient taken"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep the message; 250 only once it is in the folder."""
        content = envelope.content
        data = content.encode() if isinstance(content, str) else content or b""
        now = datetime.now(UTC)
        name = f"{int(now.timestamp() * 1000):013d}-{secrets.token_hex(4)}"
        side = {"mail_from": envelope.mail_from, "rcpt_tos": envelope.rcpt_tos, "received_at": now.isoformat()}
        self._write(f"{name}.eml", data)
        self._write(f"{name}.json", json.dumps(side).encode())  # last: what has it is complete
        return f"250 2.0.0 Kept as {name}"

    def _refusal(self, address: str) -> str | None:
        key = address.casefold()
        local = key.rpartition("@")[0]
        if local == "refused":
            return NOT_KNOWN
        if local == "busy":
            self._busy[key] += 1
            if self._busy[key] <= BUSY_REFUSALS:
                return COME_BACK
            del self._busy[key]
        return None

    def _note_refusal(self, mail_from: str, address: str, reply: str) -> None:
        line = {"at": datetime.now(UTC).isoformat(), "mail_from": mail_from, "rcpt_to": address, "reply": reply}
        with (self._folder / REFUSALS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def _write(self, name: str, data: bytes) -> None:
        draft = self._folder / f".{name}.part"
        draft.write_bytes(data)
        draft.replace(self._folder / name)


async def serve(host: str, port: int, folder: Path, stop: asyncio.Event) -> None:
    """Serve until `stop` is set. Raises OSError when the port is taken."""
    sink = MailSink(folder)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(sink, data_size_limit=SIZE_LIMIT_BYTES, enable_SMTPUTF8=True, hostname="sink.example.org"),
        host,
        port,
    )
    async with server:
        at = server.sockets[0].getsockname()[1]
        print(f"Mail sink: listening on {host}:{at}, keeping mail in {folder}", flush=True)
        await stop.wait()


async def _run(host: str, port: int, folder: Path) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve(host, port, folder, stop)


def main() -> None:
    """`python -m demo.mail_sink --host 127.0.0.1 --port 1025 --folder DIR`; SIGTERM or Ctrl-C ends it."""
    parser = argparse.ArgumentParser(prog="python -m demo.mail_sink", description="Keeps mail in a folder.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True, help="0 takes any free port and prints it")
    parser.add_argument("--folder", type=Path, required=True)
    given = parser.parse_args()
    try:
        asyncio.run(_run(given.host, given.port, given.folder))
    except OSError as error:
        parser.exit(2, f"The mail sink cannot start on {given.host}:{given.port}: {error.strerror or error}.\n")


if __name__ == "__main__":
    main()
