"""Clinical measurements: distances, angles, ratios and offsets of landmarks, predicted against annotated.

S: seeds, N: images. p[s,i]: predicted, t[i]: annotated value, d = p - t.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from benchmark.utils.measurement import LENGTH

from .arrays import Floats
from .crossed import Block, mean, mean_squares
from .exploratory import exploratory
from .measured import FEWEST, declared_ones, pixel_sizes, taken
from .options import Options
from .resampling import WeightDraws, in_chunks
from .scores import Scores
from .table import COORDINATES, has_positions

Z = 1.959963984540054
#: A method, p of shape (S, N) and t of shape (N,).
Rated = tuple[str, Floats, Floats]


def agreement(rows: pd.DataFrame, scores: Scores, measurements: Mapping[str, Sequence[str]],
              pairs: Sequence[tuple[str, str]], options: Options, notes: list[str]) -> dict[str, Any] | None:
    """Agreement of each method with the annotation on each declared measurement.

    Args:
        rows: The main condition's rows, with coordinates.
        scores: Its images and seeds.
        measurements: Name -> what is declared: see :mod:`benchmark.utils.measurement`.
        pairs: Planned pairs.
        options: Level, draws.
        notes: Sentences on measurements that can't be taken are appended.

    Where images have subjects, a subject's values are averaged first, and it takes the image's place.

    Returns:
        ``unit`` of lengths; one item per measurement and method, with the ``points`` of its Bland-Altman plot, of the
        network with the lowest seed; ``contrasts`` of mean |d|: see :func:`.exploratory.exploratory`. None where there
        are no measurements or no coordinates.
    """
    if not measurements or not has_positions(rows):
        return None
    if scores.folds:
        notes.append('Measurements: limits of agreement are of one network on a new image, and no network of a '
                     'cross-validation has tested all images; they are left out.')
        return None
    rows = rows[rows['image'].isin(set(scores.images))].dropna(subset=[*COORDINATES])
    scale, unit = pixel_sizes(rows, options.unit)
    items: list[dict[str, Any]] = []
    rated: list[Rated] = []
    off: dict[str, dict[str, Block]] = {}
    for name, what in declared_ones(measurements):
        ends, found = what.landmarks, taken(rows, what, scale, scores)
        count = len(found.images)
        if found.coincide:
            notes.append(f'{name}: {found.coincide} of {found.seen} predictions have no {what.noun}, as two of its '
                         'points coincide; their images are left out.')
        if count < FEWEST:
            notes.append(f'{name}: cannot be measured: fewer than three images have {"both " * (len(ends) == 2)}'
                         f'{", ".join(ends[:-1])} and {ends[-1]} in every run.')
            continue
        for method, seeds in scores.seeds.items():
            every = found.predicted[method], found.true[method]
            p, t = (scores.by_unit(values, found.kept) for values in every)
            far = Block(scores.by_unit(np.abs(every[0] - every[1]), found.kept))
            off.setdefault(name, {})[method] = far
            items.append({'measurement': name, 'landmarks': [*ends], 'declared': ' '.join(measurements[name]),
                          'unit': unit if what.unit == LENGTH else what.unit,
                          'method': method, 'n_images': count, 'n_seeds': len(seeds),
                          'off': float(far.values.mean()), **bland_altman(p, t[0], options.alpha),
                          'points': points(p[0], t[0])})
            rated.append((method, p, t[0]))
    for item, judged in zip(items, icc(rated, options), strict=True):
        item['icc'] = judged
    if not items:
        return None
    return {'unit': unit, 'items': items, 'contrasts': exploratory('measurement', off, scores, pairs, options)}


def bland_altman(predicted: Floats, true: Floats, alpha: float = 0.05) -> dict[str, Any]:
    """Bias and 95 % limits of agreement of a single network on a new image (Bland and Altman 1999).

    The bias has the crossed interval. The limits are bias -+ 1.96 SD, where SD^2 = MS_seed / N + MS_image / S +
    MS_residual (1 - 1/S - 1/N) is the variance of one network's difference on one image; their standard error is
    V + 1.96^2 Var(SD^2) / (4 SD^2), Var(SD^2) from the mean squares, and their intervals are the bias's with that much
    more variance in the images' part. With one seed these are the classical formulas.

    Args:
        predicted: p, shape (S, N).
        true: t, shape (N,).
        alpha: Level of the intervals.
    """
    difference = np.asarray(predicted, np.float64) - np.asarray(true, np.float64)
    n_seeds, n_images = difference.shape
    squares = mean_squares(difference)
    one = mean(difference)
    terms = [(1 / n_seeds, squares.image, n_images - 1)]
    if n_seeds > 1:
        terms += [(1 / n_images, squares.seed, n_seeds - 1),
                  (1 - 1 / n_seeds - 1 / n_images, squares.residual, (n_seeds - 1) * (n_images - 1))]
    variance = float(sum(weight * square for weight, square, _ in terms))
    spread = float(sum(2 * (weight * square) ** 2 / df for weight, square, df in terms))
    sd = math.sqrt(variance)
    low, high = map(float, one.interval(1 - alpha))
    # Where all differences are equal the limits are known exactly, as far as these data go.
    half = (float(one.with_more(Z**2 * spread / (4 * variance)).half_widths([1 - alpha])[0]) if variance > 0
            else math.nan)
    bias = float(one.estimate)
    return {'bias': bias, 'bias_low': low, 'bias_high': high, 'sd': sd,
            'lower': bias - Z * sd, 'lower_low': bias - Z * sd - half, 'lower_high': bias - Z * sd + half,
            'upper': bias + Z * sd, 'upper_low': bias + Z * sd - half, 'upper_high': bias + Z * sd + half}


def points(predicted: Floats, true: Floats) -> list[list[float]]:
    """Points of a Bland-Altman plot: mean of both and difference, predicted - annotated, to four decimals.

    Args:
        predicted: p of one network, shape (N,).
        true: t, shape (N,).
    """
    found: list[list[float]] = np.round(np.stack([(predicted + true) / 2, predicted - true], axis=1), 4).tolist()
    return found


def icc(rated: Sequence[Rated], options: Options) -> list[dict[str, Any]]:
    """ICC(A,1) of network and annotation, averaged over networks, with a crossed bootstrap interval.

    Args:
        rated: What is judged; all have the same draws of images, and those of a method the same draws of seeds.
        options: Draws, seed, level.
    """
    moments = [_moments(predicted, true) for _, predicted, true in rated]

    def work(chunk: int, size: int) -> Floats:
        drawn = WeightDraws(options.seed, chunk, size, options.design)
        return np.stack([_drawn_icc(drawn, method, predicted, sums)
                         for (method, predicted, _), sums in zip(rated, moments, strict=True)])

    draws = np.concatenate(in_chunks(options.draws, work), axis=1) if rated else ()
    return [_icc_block(predicted, true, own[np.isfinite(own)], options.alpha)
            for (_, predicted, true), own in zip(rated, draws, strict=True)]


def _moments(predicted: Floats, true: Floats) -> Floats:
    """First and second moments of both, about the annotation's mean, before they are averaged: shape (3 S + 2, N)."""
    middle = true.mean()
    p, t = predicted - middle, true - middle
    return np.concatenate([p, p**2, p * t, t[None], t[None] ** 2])


def _drawn_icc(drawn: WeightDraws, method: str, predicted: Floats, moments: Floats) -> Floats:
    """ICC(A,1) in a chunk of draws, shape (draws,)."""
    n_seeds, n_images = predicted.shape
    means = drawn.images(n_images) @ moments.T
    each = _icc_of_moments(means[:, :n_seeds], means[:, n_seeds:2 * n_seeds], means[:, 2 * n_seeds:3 * n_seeds],
                           means[:, -2:-1], means[:, -1:], n_images)
    mean: Floats = np.einsum('bs,bs->b', each, drawn.seeds(method, n_seeds))
    return mean


def _icc_block(predicted: Floats, true: Floats, draws: Floats, alpha: float) -> dict[str, Any]:
    per_seed = np.array([icc_agreement(np.stack([row, true], axis=1)) for row in predicted])
    low, high = np.quantile(draws, [alpha / 2, 1 - alpha / 2]) if len(draws) else (math.nan, math.nan)
    return {'estimate': float(per_seed.mean()), 'ci_low': float(low), 'ci_high': float(min(high, 1.0)),
            'per_seed': per_seed.tolist()}


def icc_agreement(ratings: Floats) -> float:
    """ICC(A,1): two-way, absolute agreement, single measurement (McGraw and Wong 1996).

    (MSR - MSE) / (MSR + (k-1) MSE + k (MSC - MSE) / n)

    Args:
        ratings: Shape (n, k): n targets, k raters.
    """
    count, raters = ratings.shape
    squares = mean_squares(np.asarray(ratings, np.float64).T)
    rows, columns, error = squares.image, squares.seed, squares.residual
    total = rows + (raters - 1) * error + raters * (columns - error) / count
    return float((rows - error) / total) if total > 0 else math.nan


def _icc_of_moments(p: Floats, pp: Floats, pt: Floats, t: Floats, tt: Floats,
                    count: int) -> Floats:
    """ICC(A,1) of two raters from weighted means of p, p^2, p t, t and t^2."""
    both = count / (count - 1)
    var_p, var_t, cov = (pp - p**2) * both, (tt - t**2) * both, (pt - p * t) * both
    rows, error, columns = (var_p + var_t + 2 * cov) / 2, (var_p + var_t - 2 * cov) / 2, count * (p - t) ** 2 / 2
    total = rows + error + 2 * (columns - error) / count
    with np.errstate(invalid='ignore', divide='ignore'):
        return np.where(total > 0, (rows - error) / total, np.nan)
