"""Who is inside an organization: its active users, and the mail domains that it calls its own."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.models import Organization, User

SETTING = "inside_domains"
# where anybody may have an address: one colleague's says nothing about others
PUBLIC_DOMAINS = frozenset(
    {
        "aol.com", "fastmail.com", "gmail.com", "gmx.com", "gmx.de", "gmx.net", "googlemail.com", "hotmail.com",
        "icloud.com", "live.com", "mail.com", "mail.ru", "me.com", "msn.com", "naver.com", "outlook.com", "proton.me",
        "protonmail.com", "qq.com", "web.de", "yahoo.com", "yandex.com", "yandex.ru", "zoho.com",
    }
)  # fmt: skip
_DOMAIN = re.compile(r"(?=.{1,253}$)[^\s@.,;/]+(\.[^\s@.,;/]+)+")


@dataclass(frozen=True)
class Insiders:
    """Addresses of active users, and domains; all case-folded."""

    addresses: frozenset[str]
    domains: frozenset[str]

    def hold(self, address: str) -> bool:
        """Whether whoever has the address is inside. A domain is meant alone, without those below it."""
        folded = address.strip().casefold()
        return folded in self.addresses or folded.rpartition("@")[2] in self.domains


def load_insiders(db: Session, organization_id: uuid.UUID) -> Insiders:
    """Where the organization names no domains of its own, they are those of its active users, but public ones."""
    settings = db.scalar(sa.select(Organization.settings).where(Organization.id == organization_id)) or {}
    users = sa.select(User.email).where(User.organization_id == organization_id, User.active)
    return insiders_of(settings, db.scalars(users))


def insiders_of(settings: Mapping[str, Any], active_users: Iterable[str]) -> Insiders:
    """The same of settings and addresses that are known already."""
    addresses = frozenset(email.casefold() for email in active_users)
    named = named_domains(settings)
    domains = frozenset(each.rpartition("@")[2] for each in addresses) - PUBLIC_DOMAINS
    return Insiders(addresses, frozenset(named) if named else domains)


def named_domains(settings: Mapping[str, Any]) -> Sequence[str]:
    """Those that the organization's settings name; none: nobody has named any."""
    return [str(each).casefold() for each in settings.get(SETTING) or ()]


def parse_domains(text: str) -> tuple[list[str], list[str]]:
    """(domains, each once, in order; what is none), of a text with one a line or by commas."""
    words = [word.lstrip("@").casefold() for word in re.split(r"[\s,;]+", text) if word]
    good = [word for word in dict.fromkeys(words) if _DOMAIN.fullmatch(word)]
    return good, [word for word in words if not _DOMAIN.fullmatch(word)]
