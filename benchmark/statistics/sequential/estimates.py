"""Estimates after an early stop.

Who stops where the difference is large overstates it. By the stage-wise ordering of what could have been seen (Tsiatis,
Rosner and Mehta 1984) an early crossing is more extreme than a later one, and at one look a larger difference than a
smaller one; the median-unbiased estimate is the difference theta under which what was seen, or more, has the
probability .5.

Standard errors of few seeds make t tails, so a score is no linear function of the difference. For each theta what was
seen is the score of (estimate - theta) by the two-part rule (:mod:`..parts`), and an earlier look's is that of the
difference at which it would have stopped, minus theta, by the tails that are known now.

G: number of thetas, K: looks until the stop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special
from scipy.interpolate import PchipInterpolator

from ..arrays import Floats
from ..estimates import Estimate
from .boundaries import crossing
from .levels import score, tail

#: Looks whose information is nearer to the next one's than this are one.
APART = 0.98
#: Scores of (estimate - theta) for which the probability is computed.
GRID = np.linspace(0.25, 6, 24)


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


def exceeded(theta: Floats, one: Estimate, information: Sequence[float], bounds: Sequence[float]) -> Floats:
    """Probability of what was seen, or more, upwards, by the stage-wise ordering.

    Args:
        theta: True differences, shape (G,).
        one: The estimate at the stop.
        information: 1 / V at all looks until the stop, K of them; only ratios enter.
        bounds: Differences, of either sign, beyond which the looks before would have stopped, K - 1 of them.

    Returns:
        Shape (G,).
    """
    shares = [float(now) / float(information[-1]) for now in information]
    upper, lower = [], []
    for share, bound in zip(shares, bounds, strict=False):
        upper.append(_scores(one, (bound - theta) * share**0.5))
        lower.append(_scores(one, (-bound - theta) * share**0.5))
    upper.append(_scores(one, one.estimate - theta))
    lower.append(np.full(len(theta), -np.inf))
    _, above = crossing(shares, np.stack(lower, axis=1), np.stack(upper, axis=1))
    found: Floats = above.sum(axis=1)
    return found


def after_stop(one: Estimate, information: Sequence[float], bounds: Sequence[float], level: float = 0.95) -> Unbiased:
    """The median-unbiased estimate and its interval.

    Args:
        one: The estimate at the stop, one number.
        information: 1 / V at all looks until the stop, from the components known there; only ratios enter.
        bounds: Differences, of either sign, beyond which the looks before would have stopped.
        level: Coverage of the interval.

    Returns:
        At a first look the estimate and its interval, as they are: nothing was chosen.
    """
    if not len(bounds):
        return Unbiased(float(one.estimate), *map(float, one.interval(level)))
    halves = np.array([float(half) for half in one.half_widths([1 - float(tail(at)) for at in GRID])])
    theta = float(one.estimate) + np.concatenate([-halves[::-1], [0.0], halves])
    # Between the thetas the score of the probability is nearly a line over the score of (theta - estimate).
    at = special.ndtri(np.clip(exceeded(theta, one, information, bounds), 1e-12, 1 - 1e-12))
    rising = np.flatnonzero(np.diff(np.maximum.accumulate(at), prepend=-np.inf) > 0)
    scores = PchipInterpolator(at[rising], np.concatenate([-GRID[::-1], [0.0], GRID])[rising])(
        special.ndtri([0.5, (1 - level) / 2, (1 + level) / 2]))
    moved = [float(np.copysign(one.half_widths([1 - float(tail(now))])[0], now)) for now in scores]
    return Unbiased(*(float(one.estimate) + by for by in moved))


def told_apart(information: Sequence[float]) -> list[int]:
    """Places of the looks that count as looks of their own, the last one among them, by their information."""
    kept = [len(information) - 1]
    for place in reversed(range(len(information) - 1)):
        if information[place] < APART * information[kept[0]]:
            kept.insert(0, place)
    return kept


def _scores(one: Estimate, error: Floats) -> Floats:
    """Normal scores of errors of the estimate, by its own tails."""
    finite = np.isfinite(error)
    found = np.copysign(score(2 * one.below(one.estimate - np.abs(np.where(finite, error, 0.0)))), error)
    return np.where(finite, found, error)
