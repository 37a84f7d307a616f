"""The pages of runs: one run, and the history of all."""

from portal.pages.runs import history, views

__all__ = ["history", "views"]
