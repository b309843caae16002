"""A contrast over several data sets: d[k] with variance v[k] from each of K, combined.

*Random* (K of at least :data:`FEWEST`): the data sets are a sample of those that there might be. The model is
d[k] = mu + u[k] + e[k] with var(u) = tau^2 and var(e[k]) = v[k]; w[k] = 1 / (tau^2 + v[k])::

    mu = sum(w d) / sum(w),   V = q / sum(w),   q = sum(w (d - mu)^2) / (K - 1),   t with K - 1 degrees of freedom

(Hartung and Knapp 2001; Sidik and Jonkman 2002). tau^2 solves sum(w (d - mu)^2) = K - 1 (Paule and Mandel 1982), or is
0 where the sum is smaller there; so q is 1 where tau^2 is above 0, and below 1 where data sets differ less than chance
makes them. The interval may then be narrower, by luck, than one of these data sets alone, for which all v[k] are known
and tau is 0: p is at least that of its normal test, |sum(d / v)| / sqrt(sum(1 / v)), and the interval at least as wide.
Without that floor the test errs too often; taking q for 1 where it is smaller (Röver, Knapp and Friede 2015) is far too
cautious with few data sets. Rates of all three: ``docs/validation.md``, Several data sets.

*Fixed* (fewer): these very data sets and no others. The mean is not weighted, its variance is sum(v) / K^2, in the two
parts of :mod:`..parts`: the seeds' parts of all data sets are one, with Satterthwaite's (1946) degrees of freedom, and
so are the images'.

K: data sets, on the last axis of d and v; ``...``: any leading axes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from ..arrays import Floats
from ..estimates import Estimate
from ..parts import ENDLESS, Part, Parts

#: With fewer data sets nothing is said of others.
FEWEST = 5
#: Newton's steps in tau^2, which come from below and never pass the root; the last one is smaller than this share.
STEPS, PRECISE = 200, 1e-10


@dataclass(frozen=True)
class Heterogeneity:
    """How much the data sets differ beyond chance.

    Attributes:
        q: Cochran's Q, sum((d - mu)^2 / v) about the mean weighted by 1 / v.
        df: K - 1.
        p: Of chi squared, that they do not differ.
        i2: max(0, (Q - df) / Q), the share of Q that chance does not explain (Higgins and Thompson 2002).
        tau: Standard deviation of the data sets' true differences (Paule and Mandel).
        low: Lower end of its interval, by Q profiles (Viechtbauer 2007); NaN where no tau fits, as data sets are more
            alike than chance makes them with any.
        high: Upper end.
    """

    q: float
    df: int
    p: float
    i2: float
    tau: float
    low: float
    high: float


def spread_about(d: Floats, v: Floats, tau2: Floats | float) -> tuple[Floats, Floats, Floats]:
    """The weighted mean, sum(w (d - mu)^2) and the w of a tau^2; shapes (...), (...) and (..., K)."""
    weights = 1 / (v + np.asarray(tau2)[..., None])
    mean = (weights * d).sum(axis=-1) / weights.sum(axis=-1)
    return mean, (weights * (d - mean[..., None])**2).sum(axis=-1), weights


def paule_mandel(d: Floats, v: Floats, target: Floats | float | None = None) -> Floats:
    """tau^2 at which sum(w (d - mu)^2) is K - 1; 0 where it is smaller at 0.

    Args:
        d: Differences, shape (..., K).
        v: Their variances, above 0.
        target: Another value, above 0, in the place of K - 1; of any shape that fits d's leading axes.
    """
    wanted = np.asarray(d.shape[-1] - 1 if target is None else target)
    tau2 = np.zeros(np.broadcast_shapes(d.shape[:-1], wanted.shape))
    for _ in range(STEPS):
        mean, total, weights = spread_about(d, v, tau2)
        slope = (weights**2 * (d - mean[..., None])**2).sum(axis=-1)
        step = np.where(total > wanted, (total - wanted) / np.where(slope > 0, slope, 1.0), 0.0)
        tau2 = tau2 + step
        if not (step > PRECISE * tau2).any():
            break
    return tau2


def heterogeneity(d: Floats, v: Floats, level: float = 0.95) -> Heterogeneity:
    """Q, I^2 and tau of one contrast, shapes (K,)."""
    df = len(d) - 1
    q = float(spread_about(d, v, 0.0)[1])
    ends = [float(special.chdtri(df, tail)) for tail in ((1 - level) / 2, (1 + level) / 2)]
    low, high = (float(np.sqrt(paule_mandel(d, v, end))) for end in ends) if q >= ends[1] else (math.nan, math.nan)
    return Heterogeneity(q, df, float(special.chdtrc(df, q)), max(0.0, (q - df) / q) if q > 0 else 0.0,
                         float(np.sqrt(paule_mandel(d, v))), low, high)


def over_random(d: Floats, v: Floats) -> Estimate:
    """The mean over random data sets.

    Args:
        d: Differences, shape (..., K).
        v: Their variances, above 0.
    """
    df = d.shape[-1] - 1.0
    mean, total, weights = spread_about(d, v, paule_mandel(d, v))
    se = np.sqrt(total / df / weights.sum(axis=-1))
    known = (1 / v).sum(axis=-1) ** -0.5
    return Estimate(mean, se, np.full_like(se, df), least=(known, np.full_like(se, ENDLESS)))


def over_fixed(several: Sequence[Estimate]) -> Estimate:
    """The unweighted mean over these data sets.

    Args:
        several: The contrast in each of them, of one shape, all with a standard error.
    """
    count = len(several)
    mean = np.mean([one.estimate for one in several], axis=0)
    rest = [(one.parts.images if one.parts else Part(one.se**2, one.df)) for one in several]
    spread = np.sum([one.parts.spread if one.parts else one.se**4 / one.df for one in several], axis=0) / count**4
    images = _satterthwaite([(part.variance, part.variance**2 / part.df, part.df) for part in rest], count)
    seeds = [one.parts for one in several if one.parts]
    if not seeds:
        return Estimate(mean, np.sqrt(images.variance), images.df)
    own = _satterthwaite([(one.seed_variance, one.seed_spread, np.min([part.df for part in one.seeds], axis=0))
                          for one in seeds], count)
    parts = Parts((own,), images, spread)
    least = None
    if any(one.least for one in several):
        lows = [one.least or (one.se, one.df) for one in several]
        bound = _satterthwaite([(se**2, se**4 / df, df) for se, df in lows], count)
        least = np.sqrt(bound.variance), bound.df
    return Estimate(mean, np.sqrt(parts.variance), parts.df, parts, least)


def _satterthwaite(several: Sequence[tuple[Floats, Floats, Floats]], count: int) -> Part:
    """The part of a mean of independent ones: of variances, their squares over degrees of freedom, and these."""
    variance = np.sum([one for one, _, _ in several], axis=0)
    with np.errstate(invalid='ignore', divide='ignore'):
        df = variance**2 / np.sum([square for _, square, _ in several], axis=0)
    return Part(variance / count**2, np.where(np.isfinite(df), df, np.min([one for _, _, one in several], axis=0)))


def predicted(d: Floats, v: Floats, rng: np.random.Generator, draws: int,
              level: float = 0.95) -> tuple[Floats, Floats]:
    """Ends of the interval in which the true difference of a new data set lies.

    mu(tau^2) + z tau - t sqrt(V(tau^2)), with V of Hartung and Knapp, t of K - 1 degrees of freedom, z normal, and
    tau^2 drawn from its confidence distribution: where sum(w (d - mu)^2) is a draw of chi squared (Nagashima, Noma and
    Furukawa 2019). An estimate of tau that is small by chance does not make it narrow, as it does the interval mu +-
    t sqrt(tau^2 + V) of Higgins, Thompson and Spiegelhalter (2009); how often both hold: ``docs/validation.md``.

    Args:
        d: Differences, shape (..., K).
        v: Their variances, above 0.
        rng: Of the draws.
        draws: How many.
        level: Coverage.
    """
    df = d.shape[-1] - 1
    shape = (*d.shape[:-1], draws)
    d, v = d[..., None, :], v[..., None, :]
    tau2 = paule_mandel(d, v, rng.chisquare(df, shape))
    mean, total, weights = spread_about(d, v, tau2)
    away = (rng.normal(size=shape) * np.sqrt(tau2)
            + rng.standard_t(df, shape) * np.sqrt(total / df / weights.sum(axis=-1)))
    # Each draw and its mirror image: negated differences have the negated interval.
    new = np.concatenate([mean - away, mean + away], axis=-1)
    low, high = np.quantile(new, [(1 - level) / 2, (1 + level) / 2], axis=-1)
    return low, high
