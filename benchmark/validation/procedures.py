"""The tests and intervals that are judged: the names of all, and the code of those that only others use.

Ours are the engine's (:mod:`benchmark.statistics`), called as the analysis calls them.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmark.statistics.arrays import Floats

CROSSED, PAIRED_T, WILCOXON, FLIP, BOOTSTRAP = 'crossed t', 'paired t', 'Wilcoxon', 'sign flip', 'crossed bootstrap'
WALSH, MEAN_T, BETTER = 'Hodges-Lehmann', 'mean of a method', 'P(A better than B)'
POOLED, AVERAGED, STRATIFIED = 'pooled Wilcoxon', 'averaged Wilcoxon', 'stratified bootstrap'
FAMILY, FORMER = 'family of procedures', 'former rule'
WELCH, ON_SEEDS, MISDECLARED = 'Welch', 'Wilcoxon on seeds', 'crossed t, other design'
OTHERS = (POOLED, AVERAGED, STRATIFIED, WELCH, ON_SEEDS, FORMER)

# What others do. a, b: scores of two methods, shape (..., S, N).


def pooled_wilcoxon(a: Floats, b: Floats) -> Floats:
    """p of Wilcoxon's signed-rank test on all S x N differences."""
    return rank_p((a - b).reshape(*a.shape[:-2], -1))


def averaged_wilcoxon(a: Floats, b: Floats) -> Floats:
    """p of Wilcoxon's signed-rank test on the N differences of the seeds' averages."""
    return rank_p(a.mean(axis=-2) - b.mean(axis=-2))


def rank_p(differences: Floats) -> Floats:
    """p of Wilcoxon's signed-rank test over the last axis, by the normal law; differences of rounding's size are 0."""
    scale = np.abs(differences).max(axis=-1, keepdims=True)
    differences = np.where(np.abs(differences) <= 1e-12 * scale, 0.0, differences)
    with np.errstate(all='ignore'), warnings.catch_warnings():
        warnings.simplefilter('ignore')
        p: Floats = stats.wilcoxon(differences, axis=-1, method='asymptotic', correction=False).pvalue
    return p


def wilcoxon_on_seeds(a: Floats, b: Floats) -> Floats:
    """Exact p of Wilcoxon's signed-rank test on the S differences of the images' averages."""
    differences = a.mean(axis=-1) - b.mean(axis=-1)
    p = np.ones(differences.shape[:-1])
    some = np.abs(differences).max(axis=-1) > 0
    if some.any():
        p[some] = stats.wilcoxon(differences[some], axis=-1, method='exact').pvalue
    return p


def welch(a: Floats, b: Floats) -> Any:
    """Welch's t on the S + S seed means."""
    with np.errstate(all='ignore'), warnings.catch_warnings():
        warnings.simplefilter('ignore')
        return stats.ttest_ind(a.mean(axis=-1), b.mean(axis=-1), axis=-1, equal_var=False)


def stratified_weights(rng: np.random.Generator, draws: int, seeds: int, images: int) -> NDArray[np.float32]:
    """How often each score was drawn, over S N: seeds within each image, as rliable draws runs within tasks.

    Returns:
        Shape (draws, N * S).
    """
    start = np.arange(0, images * seeds, seeds)
    weights = np.empty((draws, images * seeds), dtype=np.float32)
    for row in weights:
        drawn = rng.integers(0, seeds, size=(seeds, images)) + start
        row[:] = np.bincount(drawn.ravel(), minlength=images * seeds)
    weights /= seeds * images
    return weights


def stratified_interval(a: Floats, b: Floats, runs: list[NDArray[np.float32]], tail: list[float]) -> Floats:
    """Percentile interval of mean(a) - mean(b), scores of shape (count, S, N); result of shape (2, count).

    With one seed there is nothing to draw from, and the interval is a point.
    """
    if a.shape[1] == 1:
        return np.tile(a.mean(axis=(1, 2)) - b.mean(axis=(1, 2)), (2, 1))
    columns = [values.swapaxes(1, 2).reshape(len(values), -1).T.astype(np.float32) for values in (a, b)]
    drawn = [(weights @ column).astype(np.float64) for weights, column in zip(runs, columns, strict=True)]
    ends: Floats = np.quantile(drawn[0] - drawn[1], tail, axis=0)
    return ends
