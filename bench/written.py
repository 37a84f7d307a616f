"""The writers' own measurement (writers.py) in the shape of the others: medians of figures by way."""

from __future__ import annotations

from collections.abc import Sequence

from bench import writers
from bench.measure import Figures, Found, Say, found


def writer_ways(ways: Sequence[str], rows: int, repeats: int, say: Say) -> dict[str, Found]:
    """Each of these ways of writers.WAYS over so many made rows, in turns; making the rows is not timed."""
    samples: dict[str, list[Figures]] = {way: [] for way in ways}
    for turn in range(1, repeats + 1):
        for way in ways:
            (measured,) = writers.measure(rows, [way])
            seconds = measured.rows / measured.rows_per_second
            say(f"  {way}, {turn} of {repeats}: {seconds:.2f} s, {measured.peak_mb:.0f} MB")
            samples[way].append(
                {
                    "wall_seconds": seconds,
                    "cpu_seconds": measured.cpu_seconds,
                    "peak_mb": measured.peak_mb,
                    "rows": measured.rows,
                    "cells": measured.rows * len(writers.COLUMNS),
                    "bytes": measured.bytes,
                }
            )
    return {way: found(way, taken) for way, taken in samples.items()}
