"""An SMTP server in a process of its own that writes down what it got and what it said: the witness from outside.

    python -m tests.faults.mail_witness PORT JOURNAL MOOD SEED

A line of JSON when a message's final dot came, before the answer; another when the answer was sent. MOOD is a file
with one word: how the server is today.
"""

from __future__ import annotations

import email
import hashlib
import json
import os
import random
import sys
import threading
import time
from dataclasses import dataclass, field
from email import policy
from pathlib import Path

from tests.support.scripted_smtp import CLOSE, DRIP, HANG, Received, ScriptedSmtp, Step, raw, say, say_and_close

FRIENDLY = "friendly"
# mood: {stage: what is said there instead}; played every second time
MOODS: dict[str, dict[str, Step]] = {
    FRIENDLY: {},
    "busy": {"rcpt": say("450 4.2.0 later"), "end": say("452 4.3.1 no room"), "mail": say("451 4.3.0 later")},
    "refusing": {"rcpt": say("550 5.1.1 no such mailbox"), "end": say("554 5.6.0 not wanted")},
    "away": {"connect": say_and_close("421 4.3.2 closing"), "ehlo": CLOSE, "mail": say_and_close("421 4.3.2 closing")},
    "silent": {"end": CLOSE, "data": CLOSE, "content": CLOSE},
    "hanging": {"connect": HANG, "mail": HANG, "data": HANG, "end": HANG},
    "dripping": {"rcpt": DRIP, "end": DRIP},
    "lying": {"end": say("451 4.3.0 failed, though it is kept"), "rcpt": say("250 2.1.5 ok")},
    "babbling": {"ehlo": raw(b"\x00\xff hello\r\n"), "rcpt": raw(b"999 what\r\n"), "end": raw(b"25\r\n")},
    "taking leave": {"quit": CLOSE, "rset": say_and_close("421 4.4.2 too long"), "end": say_and_close("250 kept")},
}


@dataclass
class MailWitness(ScriptedSmtp):
    """`journal` is appended to line by line, so that a killed witness has said all it knew."""

    journal: Path = field(kw_only=True)
    mood: Path = field(kw_only=True)
    seed: int = field(kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._random = random.Random(self.seed)
        self._file = self.journal.open("a", encoding="utf-8", buffering=1)
        self._writing = threading.Lock()

    def step(self, *names: str) -> Step | None:
        odd = MOODS.get(self.mood.read_text(encoding="utf-8").strip(), {})
        with self._writing:
            if self._random.random() < 0.5:
                return None
        return next((odd[name] for name in names if name in odd), None)

    def keep(self, received: Received) -> None:
        message = email.message_from_bytes(received.data, policy=policy.default)
        parts = [part.get_payload(decode=True) for part in message.walk() if part.get_content_disposition()]
        self._note(
            received,
            "got",
            answer=received.answer,
            sha256=hashlib.sha256(received.data).hexdigest(),
            files=[hashlib.sha256(part).hexdigest() for part in parts if isinstance(part, bytes)],
        )

    def said(self, received: Received) -> None:
        self._note(received, "said")

    def saw(self, command: str) -> None:
        pass

    def saw_content(self, data: bytes) -> None:
        pass

    def _note(self, received: Received, event: str, **more: object) -> None:
        line = {"event": event, "message_id": received.message_id, "rcpt": received.rcpt_to, **more}
        with self._writing:
            self._file.write(json.dumps(line) + "\n")


def main(port: str, journal: str, mood: str, seed: str) -> None:
    witness = MailWitness(
        port=int(port), journal=Path(journal), mood=Path(mood), seed=int(seed) + os.getpid(), hang_seconds=8
    )
    with witness:
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    main(*sys.argv[1:])
