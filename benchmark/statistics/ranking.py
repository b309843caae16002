"""How stable the order of the methods is: over seeds, over images, and over the way of ranking.

B: draws, M: methods, N: images. Rank 1 is best; methods within 1e-12 of each other share the mean of their ranks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .arrays import Floats
from .estimates import t_quantile
from .folds import inflation
from .options import Options
from .rank_tests import TIE, nemenyi_p, rank_summary, ranks_of_methods, tied_ranks
from .resampling import BOTH, WeightDraws, bootstrap_means, in_chunks
from .scores import Scores

DRAWN = {'seeds and images': BOTH, 'images': ('images',), 'seeds': ('seeds',)}
SCHEMES = {
    'mean then rank': 'Mean over images and seeds, then ranks. The scheme of Table 1.',
    'median then rank': 'Median over images of the scores averaged over seeds, then ranks.',
    'rank then mean': 'Ranks within each image, then their mean, then ranks.',
    'rank then median': 'Ranks within each image, then their median, then ranks.',
    'test based': 'Number of other methods than which it is significantly better (paired t over images, networks '
                  'scope, not adjusted), then ranks.',
}
#: Those that a cross-validation says otherwise.
FOLD_SCHEMES = SCHEMES | {
    'mean then rank': 'Mean over images and repetitions, then ranks. The scheme of Table 1.',
    'median then rank': 'Median over images of the scores averaged over repetitions, then ranks.',
    'test based': 'Number of other methods than which it is significantly better (the corrected t of the contrasts, '
                  'not adjusted), then ranks.',
}
#: Draws for the schemes that can't be computed by matrix products.
SCHEME_DRAWS = 1000
#: Scores of methods on images, over all draws that are ranked at once.
TOGETHER = 1 << 18


def ranking(scores: Scores, options: Options) -> dict[str, Any]:
    """Order of the methods and its stability.

    Returns:
        ``order``, ``ties``, ``drawn``: for each of what was drawn (seeds and images, images, seeds) the rank
        distribution, P(best), the rank interval and Kendall's tau against the full ranking; ``schemes``: ranks and
        Kendall's tau of five ways of ranking; ``friedman``: descriptive rank tests, of which a cross-validation has
        none, as the images' ranks depend on each other.
    """
    methods, endpoint = scores.methods, scores.primary
    blocks = {method: scores.block(endpoint, method) for method in methods}
    sign = 1.0 if options.measures.lower(endpoint) else -1.0
    means = sign * np.array([block.values.mean() for block in blocks.values()])
    full = tied_ranks(means[None])[0]
    order = [methods[place] for place in np.argsort(full, kind='stable')]
    sorted_means = means[np.argsort(full, kind='stable')]
    ties = [[order[k], order[k + 1]] for k in range(len(order) - 1) if sorted_means[k + 1] - sorted_means[k] <= TIE]
    values = {endpoint: {method: block.values for method, block in blocks.items()}}
    drawn = {}
    for name, over in DRAWN.items():
        if 'seeds' in over and (scores.folds or max(block.n_seeds for block in blocks.values()) < 2):
            continue
        ranks = tied_ranks(sign * bootstrap_means(values, options.draws, options.seed, options.design, over,
                                                  scores.folds)[endpoint])
        drawn[name] = {'methods': _stability(ranks, methods, options.alpha), 'kendall_tau': _taus(full, ranks)}
    return {
        'endpoint': endpoint, 'order': order, 'ranks': dict(zip(methods, full, strict=True)), 'ties': ties,
        'drawn': drawn,
        'schemes': schemes(blocks, sign, options) if len(methods) > 1 else {},
        'friedman': _friedman(blocks, sign, options) if len(methods) > 1 and not scores.folds else None,
    }


def _stability(ranks: Floats, methods: list[str], alpha: float) -> dict[str, Any]:
    """Distribution of each method's rank. With ties for the first rank, P(best) is shared."""
    best = ranks.min(axis=1, keepdims=True)
    first = ranks == best
    share = first / first.sum(axis=1, keepdims=True)
    low, high = np.quantile(ranks, [alpha / 2, 1 - alpha / 2], axis=0, method='inverted_cdf')
    found = {}
    for column, method in enumerate(methods):
        values, counts = np.unique(ranks[:, column], return_counts=True)
        found[method] = {'p_best': float(share[:, column].mean()), 'rank_low': low[column], 'rank_high': high[column],
                         'median': float(np.median(ranks[:, column])),
                         'distribution': [[float(value), count / len(ranks)]
                                          for value, count in zip(values, counts, strict=True)]}
    return found


def _taus(full: Floats, ranks: Floats) -> dict[str, float] | None:
    """Kendall's tau-b of each draw's ranking with the full one: mean and central 95 %."""
    taus = kendall_taus(full, ranks)
    if not len(taus):
        return None
    low, high = np.quantile(taus, [0.025, 0.975])
    return {'mean': float(taus.mean()), 'low': float(low), 'high': float(high)}


def kendall_taus(full: Floats, ranks: Floats) -> Floats:
    """Kendall's tau-b of one ranking (M,) with each of (B, M); draws in which all methods tie are left out."""
    first, second = np.triu_indices(len(full), 1)
    reference = np.sign(full[first] - full[second])
    concordance = np.zeros(len(ranks))
    untied = np.zeros(len(ranks))
    for i, j, expected in zip(first, second, reference, strict=True):
        found = np.sign(ranks[:, i] - ranks[:, j])
        concordance += expected * found
        untied += found != 0
    known = (untied > 0) & (np.count_nonzero(reference) > 0)
    return concordance[known] / np.sqrt(untied[known] * np.count_nonzero(reference))


def schemes(blocks: Mapping[str, Any], sign: float, options: Options) -> dict[str, Any]:
    """Five ways of ranking, each on the whole data and in crossed bootstrap draws.

    Args:
        blocks: Method -> its block.
        sign: 1 where lower is better, else -1.
        options: Draws, seed, level.
    """
    methods = [*blocks]
    whole = sign * np.stack([block.images for block in blocks.values()])
    weights = np.full(whole.shape[1], 1 / whole.shape[1])
    folds = next(iter(blocks.values())).folds
    full = {name: tied_ranks(value)[0]
            for name, value in _scheme_scores(whole[None], weights[None], options.alpha, folds).items()}
    draws = min(options.draws, SCHEME_DRAWS)

    def work(chunk: int, size: int) -> dict[str, Floats]:
        drawn = WeightDraws(options.seed, chunk, size, options.design, folds=folds)
        images = drawn.images(whole.shape[1])
        seeds = [drawn.seeds(method, block.n_seeds) for method, block in blocks.items()]
        found: dict[str, list[Floats]] = {name: [] for name in SCHEMES}
        step = max(1, TOGETHER // whole.size)
        for start in range(0, size, step):
            some = slice(start, start + step)
            means = [weight[some] @ block.values for weight, block in zip(seeds, blocks.values(), strict=True)]
            values = sign * np.stack(means, axis=1)
            for name, value in _scheme_scores(values, images[some], options.alpha, folds).items():
                found[name].append(tied_ranks(value))
        return {name: np.concatenate(ranks) for name, ranks in found.items()}

    parts = in_chunks(draws, work)
    result = {}
    for name, description in (FOLD_SCHEMES if folds else SCHEMES).items():
        taus = kendall_taus(full['mean then rank'], full[name][None])
        result[name] = {
            'description': description, 'ranks': dict(zip(methods, full[name], strict=True)),
            'kendall_tau': _taus(full[name], np.concatenate([part[name] for part in parts])),
            'tau_with_mean': float(taus[0]) if len(taus) else None,
        }
    return {'draws': draws, 'items': result}


def _scheme_scores(values: Floats, weights: Floats, alpha: float, folds: int | None = None) -> dict[str, Floats]:
    """What each scheme ranks by, lower is better; shape (B, M).

    Args:
        values: Scores averaged over seeds, lower is better, shape (B, M, N).
        weights: Of images, sum 1, shape (B, N).
        alpha: Level of the tests.
        folds: Of a cross-validation, whose contrasts have the corrected variance.
    """
    within = ranks_of_methods(values)
    return {
        'mean then rank': _weighted_mean(values, weights),
        'median then rank': _weighted_median(values, weights),
        'rank then mean': _weighted_mean(within, weights),
        'rank then median': _weighted_median(within, weights),
        'test based': -_wins(values, weights, alpha, inflation(folds) if folds else 1.0),
    }


def _weighted_mean(values: Floats, weights: Floats) -> Floats:
    """Mean along the last axis of (B, M, N)."""
    return (values @ weights[:, :, None])[:, :, 0]


def _weighted_median(values: Floats, weights: Floats) -> Floats:
    """Median along the last axis of (B, M, N); the mean of the two middle values where half of the weight lies on
    either side."""
    order = np.argsort(values, axis=-1)  # which of equal values comes first changes nothing
    reached = np.cumsum(np.take_along_axis(np.broadcast_to(weights[:, None], values.shape), order, axis=-1), axis=-1)
    middle = [(reached >= 0.5 - 1e-9).argmax(axis=-1), (reached > 0.5 + 1e-9).argmax(axis=-1)]
    places = np.take_along_axis(order, np.stack(middle, axis=-1), axis=-1)
    both: Floats = np.take_along_axis(values, places, axis=-1).sum(axis=-1)
    return both / 2


def _wins(values: Floats, weights: Floats, alpha: float, factor: float) -> Floats:
    """Number of methods than which each is significantly better, shape (B, M): paired t with weighted moments, the
    variance of the mean times a factor."""
    n_images = values.shape[-1]
    means = _weighted_mean(values, weights)
    if n_images < 2:
        return np.zeros(means.shape)
    centred = values - means[..., None]
    covariance = (centred * weights[:, None]) @ centred.swapaxes(1, 2) * n_images / (n_images - 1)
    own = np.diagonal(covariance, axis1=1, axis2=2)
    spread = np.maximum(0.0, own[:, :, None] + own[:, None] - 2 * covariance) * factor / n_images
    difference = means[:, :, None] - means[:, None]
    with np.errstate(invalid='ignore', divide='ignore'):
        t = difference / np.sqrt(spread)
    limit = t_quantile(alpha / 2, n_images - 1)
    wins: Floats = (np.where(spread > 0, t, 0.0) < -limit).sum(axis=-1).astype(np.float64)
    return wins


def _friedman(blocks: Mapping[str, Any], sign: float, options: Options) -> dict[str, Any]:
    """Descriptive: it depends on which methods are in the pool, and images are its only sample."""
    methods = [*blocks]
    found = rank_summary(sign * np.stack([block.images for block in blocks.values()], axis=1), options.alpha)
    n_images = next(iter(blocks.values())).n_images
    place = {method: rank for method, rank in zip(methods, found.mean_ranks, strict=True)}
    pairs = [{'a': a, 'b': b, 'difference': place[a] - place[b],
              'p': nemenyi_p(place[a] - place[b], len(methods), n_images)}
             for k, a in enumerate(methods) for b in methods[k + 1:]]
    return {'mean_ranks': place, 'chi2': found.chi2, 'chi2_p': found.chi2_p, 'f': found.f, 'f_p': found.f_p,
            'kendall_w': found.kendall_w, 'critical_difference': found.critical_difference, 'alpha': found.alpha,
            'n_units': n_images, 'nemenyi': pairs}
