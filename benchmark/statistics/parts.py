"""A difference whose variance has parts of which some are hardly known: its p-value and interval.

V = X + Y, X the seeds' part, from few degrees of freedom, Y the images' part, from many. An estimate of X that is small
by chance must not make the difference look certain, so X is not taken for known: whatever was found, the true one is
X / g with g like chi2_nu / nu. The p-value is the mean of the t tests over g (Behrens-Fisher's problem; a generalised
p-value, Weerahandi 1995)::

    p = E_g[2 T_k(-|d| / sqrt(V_g))],   V_g = X / g + Y,   k = m (V_g / Y)^2

with T_k the t distribution (normal where Y = 0) and m the degrees of freedom of Y. The interval is made of the d with
p above 1 - level. With several parts of seeds, V_g = sum of X_j / g_j + Y, all g_j independent.

The expectation is a trapezoid rule in s, log g = s - exp(-s), which makes the long lower tail short.

``...``: any leading axes, over which everything is vectorised; what is large goes in portions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from .arrays import Floats

#: What is left out of the distribution of g at its lower and upper end.
LOWER, UPPER = 1e-18, 1e-14
#: Points of the rule by the number of the seeds' parts: 11 digits with one, 9 with two.
POINTS = {1: 101, 2: 61}
#: The same where four digits are enough.
ROUGH = 31
#: Numbers that are held at a time, of each of some ten arrays.
HELD = 1 << 18
#: More degrees of freedom than these are endlessly many.
ENDLESS = 1e15
#: With as many degrees of freedom a normal transformation of t finds the root, and the distribution itself corrects it
#: in a last step; with as many the two agree to 13 digits.
MANY, ALIKE = 11, 300


@dataclass(frozen=True)
class Part:
    """A part of a variance.

    Attributes:
        variance: As estimated, shape (...).
        df: Its degrees of freedom, whole or not, shape (...).
    """

    variance: Floats
    df: Floats

    def at(self, index: Any) -> Part:
        """That at an index of the leading axes."""
        return Part(self.variance[index], self.df[index])

    @classmethod
    def stacked(cls, several: Sequence[Part]) -> Part:
        """Those of several estimates along a new first axis."""
        return cls(np.stack([one.variance for one in several]), np.stack([one.df for one in several]))


@dataclass(frozen=True)
class Parts:
    """The variance of a mean or a difference of means in parts.

    Attributes:
        seeds: Parts that are known from few degrees of freedom, one or two.
        images: The rest.
        spread: Half the variance of the rest's estimate, which enters Satterthwaite's degrees of freedom.
    """

    seeds: tuple[Part, ...]
    images: Part
    spread: Floats

    @property
    def seed_variance(self) -> Floats:
        """X, the sum of the seeds' parts."""
        total: Floats = np.sum([part.variance for part in self.seeds], axis=0)
        return total

    @property
    def seed_spread(self) -> Floats:
        """Half the variance of the estimate of X."""
        total: Floats = np.sum([part.variance**2 / part.df for part in self.seeds], axis=0)
        return total

    @property
    def variance(self) -> Floats:
        """V = X + Y."""
        return self.seed_variance + self.images.variance

    @property
    def df(self) -> Floats:
        """Satterthwaite's (1946) degrees of freedom of V, not below those of the seeds' part."""
        with np.errstate(invalid='ignore', divide='ignore'):
            df = self.variance**2 / (self.seed_spread + self.spread)
        bounded: Floats = np.maximum(df, np.min([part.df for part in self.seeds], axis=0))
        return bounded

    def below(self, value: Floats) -> Floats:
        """E_g[T_k(value / sqrt(V_g))], the distribution function of the difference's error."""
        return self._portions(lambda mixture, x: mixture.below(x), value)

    def p(self, difference: Floats) -> Floats:
        """Two-sided p-value of a difference."""
        return np.minimum(1.0, 2 * self.below(-np.abs(difference)))  # at 0 the rule's weights can make it 1 + 2e-16

    def half_width(self, level: Floats | float, rough: bool = False) -> Floats:
        """Half the width of the interval: the difference of which p is 1 - level.

        Args:
            level: Two-sided coverage.
            rough: Four digits are enough, as for plans.
        """
        return self._portions(lambda mixture, tail: mixture.quantile(tail), (1 - np.asarray(level, np.float64)) / 2,
                              ROUGH if rough else None)

    def at(self, index: Any) -> Parts:
        """Those at an index of the leading axes."""
        return Parts(tuple(part.at(index) for part in self.seeds), self.images.at(index), self.spread[index])

    @classmethod
    def stacked(cls, several: Sequence[Parts]) -> Parts:
        """Those of several estimates along a new first axis; all with as many parts."""
        return cls(tuple(map(Part.stacked, zip(*(one.seeds for one in several), strict=True))),
                   Part.stacked([one.images for one in several]), np.stack([one.spread for one in several]))

    def _portions(self, work: Callable[[_Mixture, Floats], Floats], value: Floats | float,
                  points: int | None = None) -> Floats:
        """What ``work`` makes of the mixtures and of a value for each, portion by portion."""
        arrays = np.broadcast_arrays(np.asarray(value, np.float64), self.images.variance, self.images.df,
                                     *(one for part in self.seeds for one in (part.variance, part.df)))
        flat = [one.ravel() for one in arrays]
        count = points or POINTS[len(self.seeds)]
        size = max(1, HELD // count ** len(self.seeds))
        found = [work(_Mixture(count, *(one[start:start + size] for one in flat[1:])), flat[0][start:start + size])
                 for start in range(0, flat[0].size, size)]
        joined: Floats = np.concatenate(found) if found else np.empty(0)
        return joined.reshape(arrays[0].shape)


def nodes(df: Floats, count: int) -> tuple[Floats, Floats]:
    """Points 1 / g and their weights, which sum to 1, for g like chi2_df / df.

    Args:
        df: Degrees of freedom, shape (n,).
        count: Points.

    Returns:
        Two arrays of shape (n, count).
    """
    half = df / 2
    ends = np.log([special.gammaincinv(half, LOWER), special.gammainccinv(half, UPPER)]) - np.log(half)
    start, stop = ends + special.lambertw(np.exp(-ends)).real
    s = start[:, None] + (stop - start)[:, None] * np.linspace(0, 1, count)
    shrunk = np.exp(-s)
    log_g = s - shrunk
    over_g = np.exp(-log_g)
    weights = np.exp(half[:, None] * (log_g - 1 / over_g + 1)) * (1 + shrunk)
    return over_g, weights / weights.sum(axis=1, keepdims=True)


class _Mixture:
    """Mixtures of t distributions, one a row.

    Args:
        count: Points of the rule.
        images: Y, shape (n,).
        images_df: m.
        seeds: X and nu of each of the seeds' parts, in turn.
    """

    def __init__(self, count: int, images: Floats, images_df: Floats, *seeds: Floats) -> None:
        self.rough = count == ROUGH
        self.seeds = [*zip(seeds[::2], seeds[1::2], strict=True)]
        self.images, self.images_df = images, images_df
        variance, weights = images[:, None], np.ones((len(images), 1))
        for part, df in self.seeds:
            over_g, own = nodes(df, count)
            variance = (variance[:, :, None] + (part[:, None] * over_g)[:, None, :]).reshape(len(images), -1)
            weights = (weights[:, :, None] * own[:, None, :]).reshape(len(images), -1)
        self.weights = weights
        with np.errstate(all='ignore'):
            self.scale = 1 / np.sqrt(variance)
            self.df = np.fmin(images_df[:, None] * (variance / images[:, None]) ** 2, ENDLESS)

    def below(self, value: Floats) -> Floats:
        """The distribution function."""
        with np.errstate(all='ignore'):
            x = np.abs(value)[:, None] * self.scale
            tails = special.ndtr(-self._normal(x)[0])
            few = self.df < ALIKE
            tails[few] = special.stdtr(self.df[few], -x[few])
            tail: Floats = (self.weights * tails).sum(axis=1)
        return np.where(value > 0, 1 - tail, tail)

    def quantile(self, tail: Floats) -> Floats:
        """The value that is exceeded with the probability ``tail``, below 1/2: Newton's steps in its logarithm."""
        with np.errstate(all='ignore'):
            squares = special.stdtrit(self.images_df, tail) ** 2 * self.images
            for part, df in self.seeds:
                squares = squares + special.stdtrit(df, tail) ** 2 * part
            value: Floats = np.sqrt(squares)
            low, high = np.zeros_like(value), np.full_like(value, np.inf)
            quick = bool(self.images_df.min() >= MANY)
            for _ in range(100):
                found, density = self._tail(value) if quick else (self.below(-value), self._tail(value)[1])
                low, high = np.where(found > tail, value, low), np.where(found > tail, high, value)
                step = np.log(found / tail) * found / (density * value)
                stepped = value * np.exp(np.clip(step, -2, 2))
                outside = ~((low <= stepped) & (stepped <= high))
                stepped = np.where(outside & np.isfinite(high), (low + high) / 2, stepped)
                moved = np.abs(stepped / value - 1)
                value = stepped
                if not (moved > (3e-3 if self.rough else 1e-4 if quick else 1e-13)).any():
                    break
            if self.rough:
                return value
            _, density = self._tail(value)
            found = self.below(-value)
            corrected: Floats = value * np.exp(np.log(found / tail) * found / (density * value))
        return corrected

    def _tail(self, value: Floats) -> tuple[Floats, Floats]:
        """P(above the value) by the normal transformation, and the density there."""
        df = self.df
        z, grown = self._normal(value[:, None] * self.scale)
        # The constant of the t density, to three terms of its series in 1 / df.
        constant = (1 - (1 - (1 + 2.5 / df) / (8 * df)) / (4 * df)) / np.sqrt(2 * np.pi)
        density = constant * self.scale * np.exp(-(df + 1) / 2 * grown)
        return (self.weights * special.ndtr(-z)).sum(axis=1), (self.weights * density).sum(axis=1)

    def _normal(self, x: Floats) -> tuple[Floats, Floats]:
        """Normal scores of t values of 0 or above (Hill 1970), and log(1 + x^2 / df)."""
        grown = np.log1p(x**2 / self.df)
        a = self.df - 0.5
        b, square = 48 * a**2, a * grown
        z = np.sqrt(square) * (1 + (square + 3) / b - (((4 * square + 33) * square + 240) * square + 855) / (
            10 * b * (b + 0.8 * square**2 + 100)))
        return z, grown
