"""A notice as a mail: the same bytes at every try, plain text with simple HTML beside it."""

from __future__ import annotations

import hashlib
from email import policy
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import parseaddr

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from portal.config import ROOT, settings
from portal.models import Notice
from portal.plumbing.mail_text import UnusableAddressError, one_line, wire_address

_templates = Environment(
    loader=FileSystemLoader(ROOT / "templates" / "email"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def envelope_sender() -> str:
    return wire_address(parseaddr(settings().mail_default_sender)[1])


def message_of(notice: Notice) -> bytes:
    """The whole mail. Raises ValueError (UnusableAddressError among them) for an address that cannot be one."""
    message = EmailMessage(policy=policy.SMTP)
    sender, recipient = envelope_sender(), wire_address(notice.address)
    name = one_line(parseaddr(settings().mail_default_sender)[0], 100)
    message["From"] = _mailbox(sender, _plain(name))
    try:
        message["To"] = _mailbox(recipient)
    except (MessageError, AttributeError, IndexError) as error:  # the library's own stumbles over what is odd
        raise UnusableAddressError("The address cannot be written into a mail.") from error
    message["Subject"] = _plain(one_line(notice.subject, 200))
    message["Date"] = notice.created_at
    message["Message-ID"] = notice.message_id
    # no answering machine should write back
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "OOF, AutoReply"
    message.set_content(notice.text, cte="quoted-printable")
    html = _templates.get_template("notice.html").render(subject=notice.subject, blocks=_blocks(notice.text))
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    message.set_boundary("duepost-" + hashlib.sha256(notice.message_id.encode()).hexdigest()[:40])
    return message.as_bytes(policy=policy.SMTP if (sender + recipient).isascii() else policy.SMTPUTF8)


def _mailbox(address: str, name: str = "") -> Address:
    local, _, domain = address.rpartition("@")
    # read as one piece, a quoted local part is understood; given in two, one with letters beyond A to Z
    return Address(name, addr_spec=address) if local.startswith('"') else Address(name, local, domain)


def _blocks(text: str) -> list[tuple[str, list[str]]]:
    """("link", [address]), ("list", [line, …]) or ("words", [line, …]), in order."""
    own = settings().public_url.rstrip("/") + "/"
    blocks = []
    for block in text.strip().split("\n\n"):
        lines = block.splitlines()
        if len(lines) == 1 and lines[0].startswith(own) and " " not in lines[0]:
            blocks.append(("link", lines))
        elif all(line.startswith("- ") for line in lines):
            blocks.append(("list", [line.removeprefix("- ") for line in lines]))
        else:
            blocks.append(("words", lines))
    return blocks


def _plain(text: str) -> str:
    """What looks like a header's encoded word would be shown decoded, with whatever characters hide in it."""
    return text.replace("=?", "= ?")
