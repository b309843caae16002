"""Boundaries of group-sequential tests by recursive numerical integration (Armitage, McPherson and Rowe 1969).

Z_1, .., Z_K are normal scores at the information I_1 < .. < I_K with the canonical joint distribution: the mean of Z_k
is theta sqrt(I_k), and Z_k given Z_(k-1) = x is normal with the mean x r (without drift) and the variance 1 - r^2,
r = sqrt(I_(k-1) / I_k) (Jennison and Turnbull 1999, chapters 3 and 19). Differences of crossed seeds and images have
it, since what images contribute is common to all looks and what seeds contribute is a running mean.

G: number of cases (levels, drifts) that are worked at together, K: looks.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import special

from ..arrays import Floats
from .spending import spent

#: Nodes of the quadrature over the scores at which a test goes on, and where the scores' tails are cut.
NODES, FURTHEST = 128, 8.5
#: Levels below this are not reached: no boundary.
NOTHING = 1e-15
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(NODES)


class Paths:
    """Scores of those who went on until now: their sub-density at nodes within the last boundaries.

    Args:
        cases: G.
        drift: theta, times the square root of the information a score's mean; shape (G,).
    """

    def __init__(self, cases: int, drift: Floats | float = 0.0) -> None:
        self.drift = np.broadcast_to(np.asarray(drift, np.float64), (cases,))
        self.information = 0.0
        #: Scores without their drift, and the probability that each stands for; shape (G, nodes).
        self.scores, self.mass = np.zeros((cases, 1)), np.ones((cases, 1))

    def _next(self, information: float) -> tuple[float, float, Floats]:
        """Correlation with the next score, its spread given this one, and its mean; shape (G,)."""
        share = self.information / information
        return share**0.5, max(1 - share, 1e-300) ** 0.5, self.drift * information**0.5

    def above(self, information: float, bound: Floats) -> Floats:
        """Probability of going on until now and then exceeding ``bound``, shape (G,), at the next information."""
        r, spread, mean = self._next(information)
        tail: Floats = special.ndtr((r * self.scores - (bound - mean)[:, None]) / spread)
        found: Floats = (self.mass * tail).sum(axis=1)
        return found

    def density(self, information: float, at: Floats) -> Floats:
        """Sub-density of the next score at ``at``, shape (G, ..)."""
        r, spread, mean = self._next(information)
        at = at - mean[:, None]
        gap = (at[:, :, None] - r * self.scores[:, None, :]) / spread
        found: Floats = (np.exp(-gap**2 / 2) @ self.mass[:, :, None])[:, :, 0] / (spread * (2 * np.pi) ** 0.5)
        return found

    def go_on(self, information: float, low: Floats, high: Floats) -> None:
        """Keeps those whose next score lies between the bounds, shape (G,)."""
        mean = self._next(information)[2]
        low = np.clip(low, mean - FURTHEST, mean + FURTHEST)[:, None]
        high = np.clip(high, mean - FURTHEST, mean + FURTHEST)[:, None]
        scores = (low + high) / 2 + (high - low) / 2 * _NODES
        mass = self.density(information, scores) * _WEIGHTS * (high - low) / 2
        self.scores, self.mass, self.information = scores - mean[:, None], mass, information


def boundaries(fractions: Sequence[float] | Floats, level: Floats | float, spending: str, sided: int = 2) -> Floats:
    """Boundaries of the scores by spending.

    Args:
        fractions: Information fractions t_1 < .. < t_K in (0, 1]; level is spent by them.
        level: Of the test, shape (G,) or a number.
        spending: See :func:`.spending.spent`.
        sided: 2: |Z| is compared with the boundary; 1: Z is.

    Returns:
        Shape (G, K), or (K,) for one level; infinite where nothing is spent.

    Raises:
        ValueError: Fractions that don't rise within (0, 1], or another number of sides.
    """
    times = np.asarray(fractions, np.float64)
    levels = np.atleast_1d(np.asarray(level, np.float64))
    if sided not in (1, 2) or not len(times) or times[0] <= 0 or times[-1] > 1 or (np.diff(times) <= 0).any():
        raise ValueError(f'fractions {[*times]} with {sided} sides: give some that rise within (0, 1], and 1 or 2')
    paths = Paths(len(levels))
    found = np.stack([next_bound(paths, float(time), levels, spending, sided) for time in times], axis=1)
    return found if np.ndim(level) else found[0]


def next_bound(paths: Paths, time: float, levels: Floats, spending: str, sided: int = 2) -> Floats:
    """Boundary of the next look, shape (G,); the paths go on from there.

    Args:
        paths: Scores of those who went on until now; changed in place.
        time: Information fraction of the next look.
        levels: Of the tests, shape (G,).
        spending: See :func:`.spending.spent`.
        sided: 1 or 2.
    """
    # A one-sided test spends as either side of a two-sided one with twice the level does.
    share = spent(2 * levels / sided, time, spending) * sided / 2
    if paths.information > 0:
        share = share - spent(2 * levels / sided, paths.information, spending) * sided / 2
    bound = _bound(paths, time, share, sided)
    paths.go_on(time, -bound if sided == 2 else np.full(len(levels), -np.inf), bound)
    return bound


def _bound(paths: Paths, information: float, share: Floats, sided: int) -> Floats:
    """Bound that is crossed with the probability ``share``, by Newton's steps on its logarithm from above."""
    known = share > NOTHING
    target = np.log(np.where(known, share, 1.0))
    bound = -special.ndtri(np.where(known, share, 0.5) / sided)
    lower = np.full(bound.shape, -FURTHEST if sided == 1 else 0.0)
    upper = np.maximum(bound, lower)
    for _ in range(60):
        crossed, slope = paths.above(information, bound), paths.density(information, bound[:, None])[:, 0]
        if sided == 2:  # symmetric, as nothing drifts
            crossed, slope = 2 * crossed, 2 * slope
        with np.errstate(divide='ignore', invalid='ignore'):
            excess = np.log(crossed) - target
            step = np.where(slope > 0, excess * crossed / slope, np.nan)
        lower, upper = np.where(excess > 0, bound, lower), np.where(excess <= 0, bound, upper)
        moved = bound + step
        moved = np.where((moved > lower) & (moved < upper), moved, (lower + upper) / 2)
        done = np.abs(moved - bound) < 1e-12
        bound = moved
        if (done | ~known).all():
            break
    return np.where(known, bound, np.inf)


def crossing(information: Sequence[float] | Floats, low: Floats, high: Floats,
             drift: Floats | float = 0.0) -> tuple[Floats, Floats]:
    """Probabilities of leaving through either boundary for the first time at each look.

    Args:
        information: I_1 < .. < I_K.
        low: Lower boundaries of the scores, shape (K,) or (G, K).
        high: Upper ones.
        drift: theta, shape (G,) or a number.

    Returns:
        Through the lower and through the upper boundary, shape (G, K).
    """
    cases = max(np.size(drift), np.atleast_2d(low).shape[0], np.atleast_2d(high).shape[0])
    shape = (cases, len(information))
    low, high = np.broadcast_to(low, shape), np.broadcast_to(high, shape)
    paths, below, above = Paths(cases, drift), np.empty(shape), np.empty(shape)
    for place, value in enumerate(information):
        everyone = paths.mass.sum(axis=1)
        above[:, place] = paths.above(float(value), high[:, place])
        below[:, place] = everyone - paths.above(float(value), low[:, place])
        paths.go_on(float(value), low[:, place], high[:, place])
    return below, above
