"""The studentised range of k standard normal variables, which Nemenyi's test compares differences of mean ranks with.

Its upper tail is integrated as such, so that it keeps its digits where it is small; one minus the distribution function
has none left below 1e-11.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import special

#: Points of the trapezoidal rule, whose error falls faster than any power of their distance.
POINTS = 400
#: The largest variable lies within so much of where it most likely does.
REACH = 9.0


def range_sf(q: float, k: int) -> float:
    """P(largest - smallest > q) of k independent standard normal variables.

    With the largest at z the others lie below z, but not all of them above z - q:
    k int phi(z) [Phi(z)^(k-1) - (Phi(z) - Phi(z-q))^(k-1)] dz.
    """
    if math.isnan(q):
        return math.nan
    if math.isinf(q):
        return 0.0
    z = np.linspace(-REACH, REACH + q / 2, POINTS)
    with np.errstate(divide='ignore'):
        # Share of Phi(z)^(k-1) that is left: 1 - (1 - r)^(k-1) with r = Phi(z-q) / Phi(z).
        rest = -np.expm1((k - 1) * np.log1p(-special.ndtr(z - q) / special.ndtr(z)))
    largest = k * np.exp((k - 1) * special.log_ndtr(z) - z**2 / 2) / math.sqrt(2 * math.pi)
    return min(1.0, float((largest * rest).sum() * (z[1] - z[0])))


def range_isf(upper: float, k: int) -> float:
    """The q that the range exceeds with the probability ``upper``, between 0 and 1."""
    low, high = 0.0, 1.0
    while range_sf(high, k) > upper:
        low, high = high, 2 * high
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if range_sf(middle, k) > upper else (low, middle)
    return middle
