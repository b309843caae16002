"""Estimates after an early stop.

Who stops where the difference is large overstates it. By the stage-wise ordering of what could have been seen (Tsiatis,
Rosner and Mehta 1984) an early crossing is more extreme than a later one, and at one look a larger score than a smaller
one; the median-unbiased estimate is the difference under which what was seen, or more, has the probability .5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from ..arrays import Floats
from .boundaries import FURTHEST, crossing


@dataclass(frozen=True)
class Unbiased:
    """What is left of a difference after an early stop.

    Attributes:
        estimate: Median-unbiased.
        low: Lower end of the interval by the same ordering.
        high: Its upper end.
    """

    estimate: float
    low: float
    high: float


def exceeded(drift: Floats | float, information: Sequence[float], bounds: Sequence[float], last: float) -> Floats:
    """Probability of what was seen, or more, upwards, by the stage-wise ordering.

    Args:
        drift: theta, shape (G,) or a number, in the unit of 1 / sqrt(information).
        information: At all looks until the stop, K of them.
        bounds: Two-sided boundaries of the looks before the stop, K - 1 scores.
        last: The score at the stop.

    Returns:
        Shape (G,).
    """
    upper = np.array([*bounds, last])
    lower = np.array([*(-bound for bound in bounds), -np.inf])
    _, above = crossing(information, lower, upper, drift)
    found: Floats = above.sum(axis=1)
    return found


def after_stop(estimate: float, se: float, last: float, information: Sequence[float], bounds: Sequence[float],
               level: float = 0.95) -> Unbiased:
    """The median-unbiased estimate and its interval.

    Args:
        estimate: The difference at the stop.
        se: Its standard error.
        last: Its normal score (:attr:`.records.LookedContrast.z`).
        information: 1 / V at all looks until the stop, from the components known there; its last one may be any
            multiple, since only ratios enter.
        bounds: Boundaries of the looks before, as scores.
        level: Coverage of the interval.

    Returns:
        At a first look the estimate itself, and the interval of its score.
    """
    # The score has the tail of a t: what one unit of it is worth is read from the estimate, or from its error at 0.
    unit = estimate / last if abs(last) > 1e-3 else se
    shares = [float(one) / float(information[-1]) for one in information]
    reach = abs(last) + FURTHEST + 4

    def at(share: float) -> float:
        def excess(drift: float) -> float:
            return float(exceeded(drift, shares, bounds, last)[0]) - share
        found: float = brentq(excess, -reach, reach, xtol=1e-8)
        return found
    tail = (1 - level) / 2
    return Unbiased(unit * at(0.5), unit * at(tail), unit * at(1 - tail))
