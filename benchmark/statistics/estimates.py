"""A mean or a difference of means with its p-value and its intervals, from the parts of its variance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy import special

from .arrays import Floats
from .parts import Part, Parts

#: Differences below this share of the scores' size are rounding, not data.
ZERO = 1e-12
#: With fewer images p is at least that of the t test with Satterthwaite's degrees of freedom (seeds' part cut off at
#: 0), and the interval at least as wide: so few images do not tell the parts apart.
FEW_IMAGES = 12
#: In that test a seed mean square counts as larger than the residual one where it is by more than this share: the
#: degrees of freedom jump there, and must not do so by the order in which numbers were added.
EXCESS = 1e-9


def two_sided_p(t: Floats | float, df: Floats | float) -> Floats:
    """Two-sided p-value of t; what :data:`scipy.stats.t` gives, without its checks of arguments."""
    above: Floats = special.stdtr(df, -np.abs(t))
    return 2 * above


def t_quantile(upper: Floats | float, df: Floats | float) -> Floats:
    """The value that t exceeds with the probability ``upper``."""
    below: Floats = special.stdtrit(df, upper)
    return -below


@dataclass(frozen=True)
class Estimate:
    """A mean or a difference of means with its uncertainty; arrays of one shape, in the unit of the scores.

    Where no variance can be estimated (one seed in the procedure scope, one image) or none is there (all differences
    are equal), ``se`` and ``df`` are NaN, and so is everything that follows from them.

    Attributes:
        estimate: The mean, or mean(a) - mean(b).
        se: Its standard error.
        df: Satterthwaite's degrees of freedom.
        parts: The variance in parts, from which p-value and interval come; None: they are those of t with ``df``.
        least: Standard error and degrees of freedom of a t test than which p is not smaller and the interval not
            narrower; None where there is no such bound.
    """

    estimate: Floats
    se: Floats
    df: Floats
    parts: Parts | None = None
    least: tuple[Floats, Floats] | None = None

    @property
    def t(self) -> Floats:
        """estimate / se."""
        return self.estimate / self.se

    @cached_property
    def p(self) -> Floats:
        """Two-sided p-value of the hypothesis that the mean is 0."""
        with np.errstate(invalid='ignore', divide='ignore'):
            p = two_sided_p(self.t, self.df) if self.parts is None else self.parts.p(self.estimate)
            if self.least is not None:
                p = np.fmax(p, two_sided_p(self.estimate / self.least[0], self.least[1]))
        return self._known(p)

    def below(self, value: float | Floats) -> Floats:
        """P(theta < value | data) under a flat prior, which is the one-sided p-value read forwards."""
        error = value - self.estimate
        share: Floats = (special.stdtr(self.df, error / self.se) if self.parts is None
                         else self.parts.below(error))
        if self.least is not None:
            with np.errstate(invalid='ignore', divide='ignore'):
                other = special.stdtr(self.least[1], error / self.least[0])
            share = np.where(np.abs(other - 0.5) < np.abs(share - 0.5), other, share)
        return self._known(share)

    def interval(self, level: float = 0.95) -> tuple[Floats, Floats]:
        """The values that are not rejected at 1 - level, two-sided."""
        half, = self.half_widths([level])
        return self.estimate - half, self.estimate + half

    def half_widths(self, levels: Sequence[float]) -> list[Floats]:
        """Half the widths of the intervals with these levels; several at a time cost little more than one."""
        missing = [level for level in dict.fromkeys(levels) if level not in self._widths]
        if missing:
            column = np.reshape(missing, (-1, *(1,) * np.ndim(self.se)))
            found = (t_quantile((1 - column) / 2, self.df) * self.se if self.parts is None
                     else self.parts.half_width(column))
            if self.least is not None:
                found = np.fmax(found, t_quantile((1 - column) / 2, self.least[1]) * self.least[0])
            found = self._known(found)
            self._widths.update(zip(missing, found, strict=True))
        return [self._widths[level] for level in levels]

    def at(self, index: Any) -> Estimate:
        """The estimates at an index of the leading axes."""
        least = None if self.least is None else (self.least[0][index], self.least[1][index])
        return Estimate(self.estimate[index], self.se[index], self.df[index],
                        None if self.parts is None else self.parts.at(index), least)

    def with_more(self, variance: Floats | float) -> Estimate:
        """The same with more variance in the images' part."""
        se, parts, least = np.sqrt(self.se**2 + variance), self.parts, self.least
        if parts is not None:
            parts = replace(parts, images=Part(parts.images.variance + variance, parts.images.df))
        if least is not None:
            least = np.sqrt(least[0]**2 + variance), least[1]
        return Estimate(self.estimate, se, self.df, parts, least)

    @classmethod
    def together(cls, several: Sequence[Estimate], levels: Sequence[float]) -> None:
        """Computes the p-values and half widths of several estimates, of any numbers of seeds, at once.

        Args:
            several: Estimates of one number each; they keep what is found.
            levels: Of the half widths.
        """
        groups: dict[Any, list[Estimate]] = {}
        for one in several:
            if one.parts is not None:
                groups.setdefault((len(one.parts.seeds), one.least is None), []).append(one)
        for (_, free), group in groups.items():
            lows = [one.least for one in group if one.least is not None]
            row = cls(np.stack([one.estimate for one in group]), np.stack([one.se for one in group]),
                      np.stack([one.df for one in group]),
                      Parts.stacked([one.parts for one in group if one.parts is not None]),
                      None if free else (np.stack([se for se, _ in lows]), np.stack([df for _, df in lows])))
            widths = row.half_widths(levels)
            for place, one in enumerate(group):
                vars(one)['p'] = row.p[place]
                one._widths.update(zip(levels, (width[place] for width in widths), strict=True))

    def _known(self, values: Floats) -> Floats:
        """NaN where the standard error is."""
        return np.where(np.isnan(self.se), np.nan, values)

    @cached_property
    def _widths(self) -> dict[float, Floats]:
        """Half widths by level, as far as they were asked for."""
        return {}


def of_parts(mean: Floats, images: Part, seeds: Sequence[Part], noise: Sequence[Part],
             size: Floats | float = 0.0) -> Estimate:
    """The estimate of a mean, or of a difference of means, from the parts of its variance.

    Where the means of the seeds are all equal (whole numbers of failures; copies) nothing is known of their part, and
    the images' variance is taken with the residuals in it.

    Args:
        mean: The mean, shape (...).
        images: The images' variance, with the residuals in it.
        seeds: The seeds' part of each method, or of the differences; with the residuals in it too. None where seeds are
            fixed.
        noise: The residuals in these, in the same order.
        size: Size of the scores.
    """
    if not seeds:
        return _told_apart(mean, np.sqrt(images.variance), images.df, size)
    with np.errstate(invalid='ignore', divide='ignore', over='ignore', under='ignore'):
        told = _sum(part.variance for part in seeds) > (ZERO * np.asarray(size)) ** 2
        rest = np.where(told, np.maximum(0.0, images.variance - _sum(part.variance for part in noise)), images.variance)
        spread = _sum(part.variance**2 / part.df for part in (images, *noise))
        parts = Parts(_joined(seeds), Part(rest, images.df), spread)
        se, df = np.sqrt(parts.variance), np.where(told, parts.df, images.df)
        least = None
        if np.min(images.df) + 1 < FEW_IMAGES:
            least = satterthwaite(images, seeds, noise)
    return _told_apart(mean, se, df, size, parts, least)


def satterthwaite(images: Part, seeds: Sequence[Part], noise: Sequence[Part]) -> tuple[Floats, Floats]:
    """Standard error and degrees of freedom of the t test with the seeds' parts cut off at 0.

    Args:
        images: The images' variance, with the residuals in it.
        seeds: The seeds' parts, with the residuals in them too.
        noise: The residuals in these, in the same order.
    """
    variance, weight = images.variance, images.variance**2 / images.df
    for own, residual in zip(seeds, noise, strict=True):
        excess = own.variance - residual.variance
        variance = variance + np.maximum(0.0, excess)
        weight = weight + np.where(excess > EXCESS * residual.variance, own.variance**2 / own.df
                                   + residual.variance**2 / residual.df, 0.0)
    return np.sqrt(variance), variance**2 / weight


def _sum(values: Iterable[Floats]) -> Floats:
    """Their sum."""
    total: Floats = sum(values, np.float64(0.0))
    return total


def _joined(seeds: Sequence[Part]) -> tuple[Part, ...]:
    """One part where methods have equally many seeds: their sum, with Satterthwaite's degrees of freedom."""
    if len(seeds) == 1 or not np.array_equal(seeds[0].df, seeds[1].df):
        return tuple(seeds)
    total = _sum(part.variance for part in seeds)
    with np.errstate(invalid='ignore', divide='ignore'):
        df = total**2 / _sum(part.variance**2 / part.df for part in seeds)
    return Part(total, np.where(np.isfinite(df), df, seeds[0].df)),


def _told_apart(mean: Floats, se: Floats, df: Floats, size: Floats | float, parts: Parts | None = None,
                least: tuple[Floats, Floats] | None = None) -> Estimate:
    """Means of rounding's size are 0, standard errors of that size unknown."""
    mean = np.where(np.abs(mean) > ZERO * size, mean, 0.0)
    known = se > ZERO * size
    if not known.any():
        parts = least = None
    return Estimate(mean, np.where(known, se, np.nan), np.where(known, df, np.nan), parts, least)
