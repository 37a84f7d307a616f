"""The pages of runs: one run and what may be done about it, and the history of all."""

from portal.pages.runs import actions, history, views

__all__ = ["actions", "history", "views"]
