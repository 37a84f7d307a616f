"""The processes behind the pages: RQ workers and rq-scheduler. Each job is a doorway; the work stands in portal."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import structlog
from flask import Flask

from portal import create_app

P = ParamSpec("P")
T = TypeVar("T")


@functools.cache
def app() -> Flask:
    """One application for the process, built before RQ forks and connected to nothing until a job runs."""
    return create_app()


def in_app(job: Callable[P, T]) -> Callable[P, T]:
    """Run the job in a fresh application context, so that no session outlives it."""

    @functools.wraps(job)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        with app().app_context(), structlog.contextvars.bound_contextvars(job=job.__name__):
            return job(*args, **kwargs)

    return run
