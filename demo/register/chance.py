"""Small tools of chance, quick enough to be asked fifty times a case."""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Iterable, Sequence
from itertools import accumulate
from random import Random
from typing import Generic, TypeVar

T = TypeVar("T")


class Weighted(Generic[T]):
    """Things with weights; `pick` gives one of them as often as its weight says."""

    __slots__ = ("_sums", "_things", "_total")

    def __init__(self, pairs: Iterable[tuple[T, float]]) -> None:
        pairs = list(pairs)
        self._things = [thing for thing, _ in pairs]
        self._sums = list(accumulate(weight for _, weight in pairs))
        self._total = self._sums[-1]

    def pick(self, rng: Random) -> T:
        return self._things[bisect(self._sums, rng.random() * self._total, 0, len(self._things) - 1)]


def one_of(rng: Random, things: Sequence[T]) -> T:
    """Any of the things, each as likely (a quarter of the cost of `Random.choice`)."""
    return things[int(rng.random() * len(things))]


def spread(rng: Random, median: float, sigma: float) -> float:
    """Log-normal around the median: never negative, with the long tail that durations and sizes have."""
    return median * math.exp(rng.gauss(0.0, sigma))
