"""One order of the methods over data sets: the mean of their ranks, and how far it is to be trusted.

K: data sets, M: methods, B: draws.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..arrays import Floats
from ..rank_tests import rank_summary, tied_ranks
from ..resampling import BOTH, bootstrap_means, generator, seed_weights
from .contrasts import RANDOM, DataSet, kind_of


def consensus(data_sets: Mapping[str, DataSet], methods: list[str], lower: bool) -> dict[str, Any]:
    """Ranks by the primary endpoint, 1 for the best; methods that tie share the mean of their ranks.

    Intervals are those of bootstrap draws of images and seeds within each data set, and of data sets too where these
    are random (with weights stretched to the variance of a mean of K, as of seeds).

    Args:
        data_sets: By name, at least two.
        methods: In their order.
        lower: Whether smaller values are better.
    """
    first = next(iter(data_sets.values()))
    endpoint, sign = first.scores.primary, 1.0 if lower else -1.0
    alpha, draws, seed = (first.analysis[name] for name in ('alpha', 'draws', 'seed'))
    means = {name: np.array([one.scores.block(endpoint, method).values.mean() for method in methods])
             for name, one in data_sets.items()}
    scored = sign * np.stack([*means.values()])
    ranks = tied_ranks(scored)
    whole = ranks.mean(axis=0)
    place = tied_ranks(whole[None])[0]
    drawn = np.stack([tied_ranks(sign * _drawn(name, one, methods, endpoint, draws, seed))
                      for name, one in data_sets.items()])
    count = len(data_sets)
    weights = np.full((draws, count), 1 / count)
    if kind_of(count) == RANDOM:
        weights = seed_weights(generator(seed, 'data sets'), draws, count)
    mean_ranks = np.clip(np.einsum('bk,kbm->bm', weights, drawn), 1, len(methods))
    low, high = np.quantile(mean_ranks, [alpha / 2, 1 - alpha / 2], axis=0)
    best = mean_ranks <= mean_ranks.min(axis=1, keepdims=True) + 1e-9
    share = (best / best.sum(axis=1, keepdims=True)).mean(axis=0)
    agreement = rank_summary(scored, alpha)
    return {
        'endpoint': endpoint, 'order': [methods[one] for one in np.argsort(place, kind='stable')],
        'drawn': [*(['data sets'] if kind_of(count) == RANDOM else []), 'images',
                  *(['seeds'] if any(_several_seeds(one, methods) for one in data_sets.values()) else [])],
        'methods': {method: {'mean_rank': whole[at], 'rank': place[at], 'low': low[at], 'high': high[at],
                             'p_best': share[at]} for at, method in enumerate(methods)},
        'data_sets': {name: {'means': dict(zip(methods, means[name], strict=True)),
                             'ranks': dict(zip(methods, ranks[at], strict=True))} for at, name in enumerate(data_sets)},
        'kendall_w': agreement.kendall_w, 'friedman_p': agreement.chi2_p,
    }


def _drawn(name: str, one: DataSet, methods: list[str], endpoint: str, draws: int, seed: int) -> Floats:
    """Means of the methods in draws of a data set, shape (B, M); those of each data set are draws of their own."""
    blocks = {method: one.scores.block(endpoint, method) for method in methods}
    own = int(generator(seed, 'data set', name).integers(2**31))
    values = {endpoint: {method: block.values for method, block in blocks.items()}}
    return bootstrap_means(values, draws, own, one.design,
                           BOTH if _several_seeds(one, methods) else ('images',), one.scores.folds)[endpoint]


def _several_seeds(one: DataSet, methods: list[str]) -> bool:
    """Whether seeds of a data set are drawn: a method has several, and they are no repetitions of folds."""
    return not one.scores.folds and max(len(one.scores.seeds[method]) for method in methods) > 1
