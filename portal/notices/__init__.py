"""Mails to owners and admins about what needs their eyes."""

from portal.notices.missed import tell_of_missed
from portal.notices.people import Recipient, admins, owner_and_admins, owner_or_admins
from portal.notices.post import post
from portal.notices.send import send_due

__all__ = ["Recipient", "admins", "owner_and_admins", "owner_or_admins", "post", "send_due", "tell_of_missed"]
