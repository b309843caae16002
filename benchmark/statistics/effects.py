"""Effect sizes of a contrast; all of them are paired by image."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .arrays import Floats
from .crossed import image_differences
from .options import Options
from .rank_tests import holm, signed_rank
from .resampling import WeightDraws, in_chunks
from .scores import Scores


def effects(scores: Scores, pairs: Sequence[tuple[str, str]], options: Options) -> list[dict[str, Any]]:
    """Effect sizes of each planned contrast and endpoint.

    Returns:
        One dict per endpoint and pair: ``percent`` of b's mean; ``d_z`` = mean(D) / sd(D) over images (Cohen 1988);
        ``wilcoxon`` on D with the matched-pairs ``rank_biserial`` and the Hodges-Lehmann interval (not for FR, where D
        is mostly 0, and not in a cross-validation, where the images' differences depend on each other);
        ``p_better`` (primary endpoint): see :func:`probability_better`; ``discordant`` (FR): see :func:`discordant`.
    """
    better = probability_better({pair: scores.pair(scores.primary, *pair, options.design) for pair in pairs}, options,
                                folds=scores.folds) if pairs else {}
    found = []
    for endpoint in scores.endpoints(options.measures.tested):
        ranked: list[dict[str, Any]] = []
        for a, b in pairs:
            first, second = scores.pair(endpoint, a, b, options.design)
            difference = image_differences(first, second)
            mean, base = float(difference.mean()), float(second.values.mean())
            spread = float(difference.std(ddof=1)) if len(difference) > 1 else math.nan
            ranked.append({
                'endpoint': endpoint, 'a': a, 'b': b, 'difference': mean,
                'percent': 100 * mean / base if base else math.nan,
                'd_z': mean / spread if spread > 0 else math.nan,
                'wilcoxon': None if endpoint == 'FR' or scores.folds else _wilcoxon(difference, options.alpha),
                'p_better': better[a, b] if endpoint == scores.primary else None,
                'discordant': _discordant(scores, a, b, options) if endpoint == 'FR' else None,
            })
        tests = [one['wilcoxon']['p'] if one['wilcoxon'] else math.nan for one in ranked]
        for one, p in zip(ranked, holm(tests), strict=True):
            if one['wilcoxon']:
                one['wilcoxon']['p_adjusted'] = p
        found += ranked
    return found


def _wilcoxon(difference: Floats, alpha: float) -> dict[str, Any]:
    test = signed_rank(difference, 1 - alpha)
    return {'n': test.n, 'p': test.p, 'rank_biserial': test.rank_biserial, 'pseudomedian': test.pseudomedian,
            'ci_low': test.low, 'ci_high': test.high, 'coverage': test.coverage, 'exact': test.exact}


def _discordant(scores: Scores, a: str, b: str, options: Options) -> dict[str, float]:
    blocks = (scores.blocked(scores.values['FR'][a]), scores.blocked(scores.values['FR'][b]))
    first, second = scores.alike(blocks, a, b, options.design)
    return discordant(first.images, second.images, lambda images: scores.by_unit(images, scores.kept['FR']))


def discordant(a: Floats, b: Floats, by_unit: Callable[[Floats], Floats] = lambda images: images) -> dict[str, float]:
    """Images on which only one network fails, on average over all pairs of one network of a and one of b.

    Args:
        a: Share of a's networks that fail, per image.
        b: The same for b.
        by_unit: Averages images within subjects: then it is the sum over subjects of the shares of their images.
    """
    return {'only_a': float(by_unit(a * (1 - b)).sum()), 'only_b': float(by_unit(b * (1 - a)).sum())}


def probability_better(blocks: Mapping[tuple[str, str], tuple[Any, Any]], options: Options,
                       folds: int | None = None) -> dict[tuple[str, str], dict[str, float]]:
    """P(A better than B): over images and all pairs of one seed of A and one of B; ties count one half.

    It is the probability of superiority (Vargha and Delaney 2000) within images, with a percentile interval from the
    crossed bootstrap: counts of images, weights of seeds.

    Args:
        blocks: (a, b) -> their blocks.
        options: Draws, seed, level.
        folds: Of a cross-validation.
    """
    sign = 1 if options.measures.lower(options.measures.primary) else -1
    wins = {}
    for pair, (first, second) in blocks.items():
        higher = sign * (second.values[None] - first.values[:, None])  # positive: a is better
        # Halves and counts are exact in single precision, and sums of them up to 2^23: any order gives the same bytes.
        wins[pair] = ((higher > 0) + 0.5 * (higher == 0)).astype(np.float32)

    def work(chunk: int, size: int) -> Floats:
        drawn = WeightDraws(options.seed, chunk, size, options.design, folds=folds)
        return np.stack([_drawn_share(drawn, *pair, own) for pair, own in wins.items()])

    draws = np.concatenate(in_chunks(options.draws, work), axis=1)
    bounds = np.clip(np.quantile(draws, [options.alpha / 2, 1 - options.alpha / 2], axis=1), 0, 1)
    return {pair: {'estimate': float(own.mean(dtype=np.float64)), 'ci_low': float(low), 'ci_high': float(high)}
            for (pair, own), low, high in zip(wins.items(), *bounds, strict=True)}


def _drawn_share(drawn: WeightDraws, a: str, b: str, wins: Floats) -> Floats:
    """Share of wins in a chunk of draws, shape (draws,).

    Args:
        drawn: The chunk's weights.
        a: A method.
        b: Another.
        wins: 1 where a's network is better on an image, 1/2 where both are alike, else 0; shape (S_a, S_b, N).
    """
    n_a, n_b, n_images = wins.shape
    number = drawn.drawn(n_images)
    counts = drawn.counts(n_images).astype(np.float32)
    per_pair = (counts @ wins.reshape(-1, n_images).T).astype(np.float64).reshape(-1, n_a, n_b) / number
    share: Floats = np.einsum('bst,bs,bt->b', per_pair, drawn.seeds(a, n_a), drawn.seeds(b, n_b))
    return share
