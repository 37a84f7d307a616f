"""The audit log: who did what to what, before and after, in the transaction that did it."""

from portal.audit.record import Actor, operator, recipient, record, system, user_actor

__all__ = ["Actor", "operator", "recipient", "record", "system", "user_actor"]
