"""Mails to owners and admins about what needs their eyes."""
