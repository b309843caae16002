"""Counts how often tests reject and intervals cover, and says which rates lie where they have to."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from benchmark.statistics.arrays import Floats, Masks
from benchmark.statistics.terms import PROCEDURE

from .model import Cell
from .procedures import MISDECLARED, OTHERS, PAIRED_T

ALPHA = 0.05
#: Where a rate has to be. One-sided where only an upper (lower) bound is promised.
BOUNDS = {
    'type I': (0.03, 0.07), 'coverage': (0.93, 0.97), 'family-wise': (0.0, 0.07), 'joint coverage': (0.93, 1.0),
    'equivalent at the margin': (0.0, 0.07), 'non-inferior at the margin': (0.0, 0.045), 'rare failures': (0.0, 0.07)}


class Tally:
    """Counts of how often something happened, out of how many times it could."""

    def __init__(self) -> None:
        self.counts: dict[tuple[str, str, str, str], list[int]] = defaultdict(lambda: [0, 0, 0])

    def add(self, study: str, scope: str, test: str, endpoint: str, happened: Masks,
            known: Masks | None = None) -> None:
        """Adds replications.

        Args:
            study: What is counted, a key of BOUNDS or ``power``.
            scope: ``procedure`` or ``networks``.
            test: Name of the test or interval.
            endpoint: ME, FR or AUC.
            happened: Whether it did, one boolean per replication.
            known: Where there was a result at all; the rate is over these (default: all).
        """
        happened = np.atleast_1d(happened)
        known = np.ones(happened.shape, dtype=bool) if known is None else np.atleast_1d(known)
        counts = self.counts[study, scope, test, endpoint]
        counts[0] += int(np.count_nonzero(happened & known))
        counts[1] += int(np.count_nonzero(known))
        counts[2] += happened.size

    def rejects(self, scope: str, test: str, endpoint: str, p: Floats, study: str = 'type I') -> None:
        """Adds tests of a true hypothesis; where there is no p-value it is not rejected."""
        self.add(study, scope, test, endpoint, np.asarray(p) < ALPHA)

    def covers(self, scope: str, test: str, endpoint: str, interval: Sequence[Floats] | Floats,
               truth: Floats | float) -> None:
        """Adds intervals; the rate is over those that exist."""
        low, high = interval
        self.add('coverage', scope, test, endpoint, (low <= truth) & (truth <= high), ~np.isnan(low))

    def rows(self, cell: Cell) -> list[dict[str, Any]]:
        """One dict per rate, with its Monte Carlo standard error and whether it lies where it has to."""
        found = []
        for (study, scope, test, endpoint), (hits, known, count) in self.counts.items():
            rate = hits / known if known else math.nan
            low, high = BOUNDS.get(study, (0.0, 1.0))
            found.append({
                'study': study, 'scope': scope, 'test': test, 'endpoint': endpoint, **asdict(cell),
                'ours': test not in OTHERS + (MISDECLARED,) and (test, scope) != (PAIRED_T, PROCEDURE),
                'rate': rate, 'se': math.sqrt(rate * (1 - rate) / known) if known else math.nan,
                'replications': count, 'without_result': count - known, 'inside': low <= rate <= high})
        return found
