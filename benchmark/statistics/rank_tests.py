"""Rank tests and permutation on per-image differences, and ranks over methods. All are conditional on the networks.

N: images, M: methods, D[i]: difference of image i, averaged over seeds.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from .arrays import Floats, Integers

#: Up to this many non-zero, untied differences the signed-rank distribution is exact.
EXACT = 50
TIE = 1e-12
#: Up to so many methods comparing each with each is quicker than sorting them.
COMPARED = 30


@dataclass(frozen=True)
class SignedRank:
    """Wilcoxon's signed-rank test with the Hodges-Lehmann estimate.

    Attributes:
        n: Differences that are not 0.
        p: Two-sided p-value; NaN where all differences are 0.
        rank_biserial: (W+ - W-) / (W+ + W-), matched pairs (Kerby 2014); negative where a is smaller.
        pseudomedian: Median of the Walsh averages (D[i] + D[j]) / 2, i <= j.
        low: Lower end of its interval.
        high: Upper end.
        coverage: Coverage of the interval: exact where N is at most 50, else nominal.
        exact: Whether p comes from the exact distribution.
    """

    n: int
    p: float
    rank_biserial: float
    pseudomedian: float
    low: float
    high: float
    coverage: float
    exact: bool


def signed_rank(differences: Floats, level: float = 0.95) -> SignedRank:
    """Wilcoxon's signed-rank test of D symmetric about 0, and the Hodges-Lehmann interval (Hollander and Wolfe 1999).

    Zeros are left out of the test, as Wilcoxon did, and kept in the interval. With at most 50 differences that are
    neither 0 nor tied p is exact, else normal with the variance corrected for ties, without continuity correction.

    Args:
        differences: D, shape (N,).
        level: Coverage of the interval.
    """
    differences = np.asarray(differences, dtype=np.float64)
    scale = np.abs(differences).max(initial=0.0)
    if scale > 0:  # what differs by rounding only is tied
        mantissa, exponent = np.frexp(differences)
        differences = np.ldexp(np.round(mantissa * 2**40) / 2**40, exponent)
    used = differences[differences != 0]
    low, middle, high, coverage = hodges_lehmann(differences, level)
    if not len(used):
        return SignedRank(0, math.nan, math.nan, middle, low, high, coverage, False)
    ranks = stats.rankdata(np.abs(used))
    exact = len(used) <= EXACT and len(np.unique(np.abs(used))) == len(used)
    p = stats.wilcoxon(used, method='exact' if exact else 'asymptotic', correction=False).pvalue
    biserial = (ranks[used > 0].sum() - ranks[used < 0].sum()) / ranks.sum()
    return SignedRank(len(used), float(p), float(biserial), middle, low, high, coverage, exact)


def hodges_lehmann(differences: Floats, level: float = 0.95) -> tuple[float, float, float, float]:
    """Pseudomedian with its distribution-free interval.

    The interval's ends are the C-th smallest and the C-th largest Walsh average, C from the signed-rank distribution:
    exact for N <= 50, else normal. They are found by bisection on the counts of sorted sums, in O(N log N) each.

    Args:
        differences: D, shape (N,).
        level: Coverage.

    Returns:
        Lower end, pseudomedian, upper end, coverage that the interval has.
    """
    ordered = np.sort(np.asarray(differences, dtype=np.float64))
    count = len(ordered)
    pairs = count * (count + 1) // 2
    if count <= EXACT:
        below = np.cumsum(signed_rank_counts(count)) / 2.0**count
        place = int(np.searchsorted(below, (1 - level) / 2 * (1 + 1e-12), side='right'))
        coverage = 1 - 2 * below[place - 1] if place else math.nan
    else:
        spread = math.sqrt(count * (count + 1) * (2 * count + 1) / 24)
        place = max(0, math.floor(pairs / 2 - stats.norm.isf((1 - level) / 2) * spread))
        coverage = level
    wanted = [(pairs + 1) // 2, pairs // 2 + 1] + ([place, pairs + 1 - place] if place else [])
    found = _walsh(ordered, np.array(wanted))
    middle = float(found[:2].mean())
    if not place:
        return -math.inf, middle, math.inf, 1.0
    return float(found[2]), middle, float(found[3]), float(coverage)


def signed_rank_counts(n: int) -> Floats:
    """Number of sign patterns of ranks 1..n for each value 0..n(n+1)/2 of W+."""
    counts = np.ones(1)
    for rank in range(1, n + 1):
        longer = np.zeros(len(counts) + rank)
        longer[: len(counts)] = counts
        longer[rank:] += counts
        counts = longer
    return counts


def _walsh(ordered: Floats, places: Integers) -> Floats:
    """The k-th smallest Walsh averages, for each k (from 1) in ``places``; bisection down to neighbouring floats."""
    upper_triangle = np.arange(len(ordered))
    low = np.full(len(places), ordered[0])
    high = np.full(len(places), ordered[-1])
    for _ in range(200):
        middle = low + (high - low) / 2
        if not ((low < middle) & (middle < high)).any():
            break
        # Pairs i <= j with a sum of at most 2 * middle: for each i the j's from i on.
        reach = np.searchsorted(ordered, 2 * middle[:, None] - ordered[None, :], side='right')
        enough = np.maximum(0, reach - upper_triangle).sum(axis=1) >= places
        high, low = np.where(enough, middle, high), np.where(enough, low, middle)
    first = np.searchsorted(ordered, 2 * low[:, None] - ordered[None, :], side='right')
    found = np.where(np.maximum(0, first - upper_triangle).sum(axis=1) >= places, low, high)
    return np.where(np.abs(found) <= TIE * max(abs(ordered[0]), abs(ordered[-1])), 0.0, found)


def sign_flip(differences: Floats, signs: Floats) -> float:
    """Two-sided p-value of the sign-flip permutation test of the mean (Fisher 1935): (1 + extreme) / (1 + draws).

    Args:
        differences: D, shape (N,).
        signs: +1 or -1, shape (draws, N).
    """
    differences = np.asarray(differences, dtype=np.float64)
    observed = abs(differences.sum())
    reached = np.abs(signs @ differences) >= observed * (1 - 1e-9)
    return float((1 + np.count_nonzero(reached)) / (1 + len(signs)))


@dataclass(frozen=True)
class RankSummary:
    """Ranks over methods within images: descriptive, and dependent on which methods are in the pool.

    Attributes:
        mean_ranks: Mean rank of each method, 1 is best.
        chi2: Friedman's statistic, corrected for ties.
        chi2_p: Its p-value, M - 1 degrees of freedom.
        f: Iman and Davenport's F.
        f_p: Its p-value, M - 1 and (M - 1)(N - 1) degrees of freedom.
        kendall_w: Kendall's coefficient of concordance, corrected for ties.
        critical_difference: Nemenyi's, of mean ranks.
        alpha: Its level.
    """

    mean_ranks: list[float]
    chi2: float
    chi2_p: float
    f: float
    f_p: float
    kendall_w: float
    critical_difference: float
    alpha: float


def rank_summary(scores: Floats, alpha: float = 0.05) -> RankSummary:
    """Friedman, Iman-Davenport, Kendall's W and Nemenyi (Demsar 2006).

    Args:
        scores: Lower is better, shape (N, M).
        alpha: Level of the critical difference.
    """
    scores = np.asarray(scores, dtype=np.float64)
    n_images, n_methods = scores.shape
    ranks = tied_ranks(scores)
    mean_ranks = ranks.mean(axis=0)
    ties = _tie_sum(ranks)
    spread = n_images * n_methods * (n_methods**2 - 1) - ties
    with np.errstate(invalid='ignore', divide='ignore'), warnings.catch_warnings():
        warnings.simplefilter('ignore', RuntimeWarning)
        chi2 = np.float64(12 * n_images**2 * (n_methods - 1) * ((mean_ranks - (n_methods + 1) / 2) ** 2).sum()) / spread
        f = (n_images - 1) * chi2 / (n_images * (n_methods - 1) - chi2)
        f_p = stats.f.sf(f, n_methods - 1, (n_methods - 1) * (n_images - 1))
    return RankSummary(
        mean_ranks.tolist(), float(chi2), float(stats.chi2.sf(chi2, n_methods - 1)), float(f), float(f_p),
        float(chi2 / (n_images * (n_methods - 1))), nemenyi_cd(n_methods, n_images, alpha), alpha)


def tied_ranks(values: Floats) -> Floats:
    """Ranks along the last axis of shape (B, M), 1 for the smallest; neighbours within 1e-12 share the mean rank.

    1e-12 is a share of the row's largest size where that is below 1.
    """
    order = np.argsort(values, axis=1, kind='stable')
    ordered = np.take_along_axis(values, order, axis=1)
    limit = TIE * np.minimum(1.0, np.abs(ordered).max(axis=1, keepdims=True))
    # Where a group of ties begins.
    steps = np.concatenate([np.ones((len(values), 1), dtype=bool), np.diff(ordered, axis=1) > limit], axis=1)
    places = np.arange(values.shape[1])
    first = np.maximum.accumulate(np.where(steps, places, 0), axis=1)
    ends = np.where(np.roll(steps, -1, axis=1), places, len(places) - 1)
    last = np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1]
    ranks = np.empty(values.shape)
    np.put_along_axis(ranks, order, (first + last) / 2 + 1, axis=1)
    return ranks


def ranks_of_methods(values: Floats) -> Floats:
    """:func:`tied_ranks` along the middle axis of shape (B, M, N): each method's rank in each draw and image."""
    count = values.shape[1]
    if count > COMPARED:
        flat = tied_ranks(values.swapaxes(1, 2).reshape(-1, count)).reshape(len(values), -1, count)
        return np.swapaxes(flat, 1, 2)
    ranks, tied = np.ones(values.shape), np.zeros((len(values), values.shape[2]), dtype=bool)
    limit = TIE * np.minimum(1.0, np.abs(values).max(axis=1))
    for second in range(count):
        for first in range(second):
            ahead = values[:, first] - values[:, second]
            ranks[:, first] += ahead > 0
            ranks[:, second] += ahead < 0
            tied |= np.abs(ahead) <= limit
    if tied.any():
        ranks.swapaxes(1, 2)[tied] = tied_ranks(values.swapaxes(1, 2)[tied])
    return ranks


def nemenyi_cd(n_methods: int, n_images: int, alpha: float = 0.05) -> float:
    """Nemenyi's critical difference of mean ranks: q * sqrt(M (M + 1) / (6 N)), q = studentised range / sqrt(2)."""
    return nemenyi_q(n_methods, alpha) * math.sqrt(n_methods * (n_methods + 1) / (6 * n_images))


def nemenyi_q(n_methods: int, alpha: float = 0.05) -> float:
    """The studentised range's upper quantile for infinitely many degrees of freedom, over sqrt(2)."""
    return float(stats.studentized_range.isf(alpha, n_methods, math.inf)) / math.sqrt(2)


def nemenyi_p(rank_difference: float, n_methods: int, n_images: int) -> float:
    """p-value of a difference of two mean ranks."""
    q = abs(rank_difference) / math.sqrt(n_methods * (n_methods + 1) / (6 * n_images)) * math.sqrt(2)
    return float(stats.studentized_range.sf(q, n_methods, math.inf))


def _tie_sum(ranks: Floats) -> float:
    """Sum over tied groups of size^3 - size."""
    ordered = np.sort(ranks, axis=1)
    tied = (ordered[:, 1:] == ordered[:, :-1]).any(axis=1)
    sizes = [np.unique(row, return_counts=True)[1] for row in ordered[tied]]
    return float(sum((size**3 - size).sum() for size in sizes))


def holm(p: Sequence[float]) -> list[float]:
    """Holm's (1979) adjusted p-values, in the order given; NaN stays NaN and counts as no test."""
    return [float(one) for one in holm_adjusted(np.asarray(p, dtype=np.float64))]


def holm_adjusted(p: Floats) -> Floats:
    """The same along the last axis, shape (..., K)."""
    order = np.argsort(p, axis=-1, kind='stable')  # NaN last
    tests = (~np.isnan(p)).sum(axis=-1, keepdims=True)
    steps = np.take_along_axis(p, order, axis=-1) * (tests - np.arange(p.shape[-1]))
    adjusted = np.empty_like(p)
    np.put_along_axis(adjusted, order, np.minimum(1.0, np.maximum.accumulate(steps, axis=-1)), axis=-1)
    return adjusted


def benjamini_hochberg(p: Sequence[float]) -> list[float]:
    """Benjamini and Hochberg's (1995) adjusted p-values, in the order given; NaN stays NaN and counts as no test."""
    given = np.asarray(p, dtype=np.float64)
    known = ~np.isnan(given)
    adjusted = np.full(len(given), np.nan)
    if known.any():
        adjusted[known] = stats.false_discovery_control(given[known])
    return [float(one) for one in adjusted]
