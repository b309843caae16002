"""From the p-value of a look to the level at which the test has been crossed, and back.

The information of a look is counted in seeds: t_k = S_k / S_max, with the correlation sqrt(S_j / S_k) between looks.
In truth images add information that all looks share, so that looks are more alike than that; boundaries from the lower
correlation are on the safe side (Slepian 1962), need no estimated variance, and are known before there are results. A
fraction from estimated variances would be large just where seeds lie close together by chance, which is where the test
errs. With unequal seeds the harmonic mean counts: where the method with fewer seeds both grows and makes up the
variance, the true correlation is lower than that, and the safe side is not given (up to 1.22 times the level).

L: levels in the table, K: looks.
"""

from __future__ import annotations

from copy import copy
from functools import lru_cache

import numpy as np
from scipy import special
from scipy.interpolate import PchipInterpolator

from ..arrays import Floats
from .boundaries import Paths, next_bound

#: Scores of the levels that a table holds.
SCORES = np.concatenate([np.linspace(0.025, 5, 41), np.linspace(5.25, 8, 7)])


def score(p: Floats | float) -> Floats:
    """Normal score that a two-sided p-value stands for, at least 0 and at most that of 1e-300."""
    found: Floats = -special.ndtri(np.clip(p, 1e-300, 1.0) / 2)
    return found


def tail(scores: Floats | float) -> Floats:
    """The two-sided p-value of a score."""
    found: Floats = 2 * special.ndtr(-np.abs(scores))
    return found


#: Levels that a table holds, of two-sided tests: from .98 to 1e-15.
LEVELS = tuple(float(one) for one in tail(SCORES))


@lru_cache(maxsize=1024)
def _look(times: tuple[float, ...], levels: tuple[float, ...], spending: str) -> tuple[Floats, Paths]:
    """Boundaries of the last of these looks, shape (L,), and who goes on from there; each look is worked at once."""
    # From the first look on, so that one that is not known yet needs only the one before.
    for count in range(1, len(times) - 1):
        _look(times[:count], levels, spending)
    paths = Paths(len(levels)) if len(times) == 1 else copy(_look(times[:-1], levels, spending)[1])
    return next_bound(paths, times[-1], np.array(levels), spending), paths


def bound(times: tuple[float, ...], level: float, spending: str) -> float:
    """Boundary of the last of these looks, as a score; infinite where nothing is spent."""
    return float(_look(times, (level,), spending)[0][0])


def nominal(times: tuple[float, ...], level: float, spending: str) -> float:
    """p-value below which the last of these looks crosses, at a two-sided level; 0 where nothing is spent."""
    return float(tail(bound(times, level, spending)))


def reached(p: Floats | float, times: tuple[float, ...], spending: str) -> Floats:
    """Level at which the last of these looks crosses with its p-value: the smallest two-sided one.

    Args:
        p: Two-sided p-values of the look alone, of any shape.
        times: Fractions of the planned seeds, up to this look.
        spending: How the level is spent.
    """
    bounds = _look(times, LEVELS, spending)[0]
    known = np.isfinite(bounds)
    found = np.zeros(np.shape(p))
    if known.sum() > 1:
        # Boundaries rise with the scores of their levels, so the way back is one curve.
        turned = PchipInterpolator(bounds[known], SCORES[known], extrapolate=False)
        at = score(p)
        found = np.nan_to_num(turned(np.clip(at, bounds[known][0], bounds[known][-1])))
        found = np.where(at < bounds[known][0], 0.0, found)
    return tail(found)


def sequential_p(p: Floats, times: tuple[float, ...], spending: str) -> Floats:
    """Sequential p-values: the smallest level that has been crossed until each look.

    Args:
        p: Two-sided p-values of the looks alone, shape (.., K).
        times: Fractions of the planned seeds, of all K looks.
        spending: How the level is spent.

    Returns:
        The same shape; never rising along the looks.
    """
    p = np.asarray(p, np.float64)
    single = [reached(p[..., place], times[:place + 1], spending) for place in range(len(times))]
    found: Floats = np.minimum.accumulate(np.stack(single, axis=-1), axis=-1)
    return found
