"""Classes by thresholds on declared measurements: predicted against annotated, and where two methods disagree.

S: seeds, N: images (or subjects), C: ordered classes. z[s,i]: whether network s gives image i the annotated class. The
share of right classes is the mean of z, with the crossed engine's interval and contrasts. Cohen's kappa of a network
and the annotation is

    1 - sum_jk w_jk o_jk / sum_jk w_jk r_j c_k,

with o the joint shares of annotated class j and predicted class k, r and c their margins, and w_jk = [j != k], or
(j - k)^2 where the order counts (Cohen 1968). Its mean over networks has a crossed bootstrap interval.

A method's class of an image is that of most of its networks; of a tie the class of their mean value. Between two
methods these are compared as trained: shares of images with exact intervals (Clopper and Pearson 1934), and McNemar's
exact test of images that one alone has right. With subjects of several images neither is exact: the share is the mean
of the subjects' own shares with a t interval over subjects, and there is no test.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from benchmark.utils.measurement import LENGTH, Classes, Measurement

from .arrays import Floats, Integers, Masks
from .crossed import Block
from .describe import moments
from .exploratory import exploratory
from .measured import FEWEST, Taken, declared_ones, pixel_sizes, taken
from .measurements import classify
from .observers import observed
from .options import Options
from .rank_tests import benjamini_hochberg
from .resampling import WeightDraws, in_chunks
from .scores import Scores
from .table import COORDINATES, has_positions

#: The unit of lengths where millimetres are unknown.
PIXELS = 'px'
#: Kappas of draws that differ by less are the same within rounding.
ALIKE = 1e-9
#: Shares below this are rounding errors of 0.
TINY = 1e-12


@dataclass(frozen=True)
class Classed:
    """A measurement's classes in the images that all runs have.

    Attributes:
        what: What is measured.
        classes: Names and bounds.
        found: The values.
        true: Annotated classes, shape (N,).
        given: Method -> predicted classes, shape (S, N).
        most: Method -> the class of most networks, shape (N,).
        ties: Method -> images with no such class.
    """

    what: Measurement
    classes: Classes
    found: Taken
    true: Integers
    given: dict[str, Integers]
    most: dict[str, Integers]
    ties: dict[str, int]


def classes(rows: pd.DataFrame, scores: Scores, measurements: Mapping[str, Sequence[str]],
            pairs: Sequence[tuple[str, str]], options: Options, notes: list[str]) -> dict[str, Any] | None:
    """Right classes of each method on each measurement that declares classes.

    Args:
        rows: The main condition's rows, with coordinates.
        scores: Its images and seeds.
        measurements: Name -> what is declared.
        pairs: Planned pairs.
        options: Level, draws.
        notes: Sentences on classes that can't be given are appended.

    Returns:
        ``items``, one for each measurement; ``contrasts`` of the shares of right classes; ``flips``, one for each
        measurement and planned pair. None where no measurement declares classes, or none can be given.
    """
    if not measurements or not has_positions(rows):
        return None
    if scores.folds:
        if any(what.classes for _, what in declared_ones(measurements)):
            notes.append('Classes of measurements are of networks that have tested all images, and no network of a '
                         'cross-validation has; they are left out.')
        return None
    rows = rows[rows['image'].isin(set(scores.images))].dropna(subset=[*COORDINATES])
    scale, unit = pixel_sizes(rows, options.unit)
    there: dict[str, Classed] = {}
    for name, what in declared_ones(measurements):
        if what.classes is None:
            continue
        if what.unit == LENGTH and what.classes.unit != ('mm' if scale else PIXELS):
            notes.append(f'{name}: the bounds of its classes are in {what.classes.unit}, and lengths are known in '
                         f'{unit}: there are no classes.')
            continue
        found = taken(rows, what, scale, scores)
        if len(found.images) >= FEWEST:
            there[name] = _classed(what, what.classes, found)
    if not there:
        return None
    right = {name: {method: Block(scores.by_unit((given == one.true).astype(np.float64), one.found.kept))
                    for method, given in one.given.items()} for name, one in there.items()}
    return {'items': [{'measurement': name, 'declared': measurements[name][-1],
                       **_item(one, right[name], scores, options),
                       'annotators': _annotators(rows, one, scale, scores, options)} for name, one in there.items()],
            'contrasts': exploratory('measurement', right, scores, pairs, options),
            'flips': [flip for a, b in pairs for flip in _flips(there, a, b, scores, options)]}


def _classed(what: Measurement, names: Classes, found: Taken) -> Classed:
    first = next(iter(found.true.values()))[0]
    given = {method: classify(values, names, what.turns) for method, values in found.predicted.items()}
    most, ties = {}, {}
    for method, own in given.items():
        votes = np.stack([(own == place).sum(axis=0) for place in range(len(names.names))])
        tied = (votes == votes.max(axis=0)).sum(axis=0) > 1
        most[method] = np.where(tied, classify(found.predicted[method].mean(axis=0), names, what.turns),
                                votes.argmax(axis=0))
        ties[method] = int(tied.sum())
    return Classed(what, names, found, classify(first, names, what.turns), given, most, ties)


def _item(one: Classed, right: Mapping[str, Block], scores: Scores, options: Options) -> dict[str, Any]:
    """The block of a measurement."""
    count, number = len(one.classes.names), len(one.true)
    kappas = kappa_intervals({method: joint_shares(one.true, given, count, scores, one.found.kept)
                              for method, given in one.given.items()}, options)
    return {
        'names': [*one.classes.names], 'bounds': [*one.classes.bounds],
        'unit': one.classes.unit, 'n_images': number, 'left_out': len(scores.images) - number,
        'annotated': np.bincount(one.true, minlength=count).tolist(),
        'methods': {method: {
            'confusion': confusion(one.true, given, count).tolist(),
            'right': moments(right[method], number, options, True), **kappas[method],
            'ties': one.ties[method], 'missing': one.found.missing[method]} for method, given in one.given.items()}}


def _annotators(rows: pd.DataFrame, one: Classed, scale: Mapping[str, float] | None, scores: Scores,
                options: Options) -> list[dict[str, Any]]:
    """How often the annotators of each pair give the same class."""
    found = []
    for both in observed(rows, one.what, scale, scores):
        if len(both.first) < FEWEST:
            continue
        first, second = (classify(values, one.classes, one.what.turns) for values in (both.first, both.second))
        same = Block(scores.by_unit((first == second)[None].astype(np.float64), both.kept))
        shares = joint_shares(first, second[None], len(one.classes.names), scores, both.kept)
        found.append({'pair': [*both.pair], 'n_images': len(first),
                      'same': moments(same, len(first), options, True),
                      **kappa_intervals({'': shares}, options, True)['']})
    return found


def confusion(true: Integers, given: Integers, count: int) -> Floats:
    """Images by annotated (rows) and predicted class, shape (C, C), averaged over networks.

    Args:
        true: Shape (N,).
        given: Shape (S, N).
        count: C.
    """
    table = np.bincount((true[None] * count + given).ravel(), minlength=count * count).reshape(count, count)
    found: Floats = table / len(given)
    return found


def joint_shares(true: Integers, given: Integers, count: int, scores: Scores, kept: Masks) -> Floats:
    """[annotated j and predicted k] of each network and image, averaged within subjects, shape (C * C, S, N)."""
    places = true[None] * count + given
    return np.stack([scores.by_unit((places == place).astype(np.float64), kept)
                     for place in range(count * count)])


def kappas_of(shares: Floats, mutual: bool = False) -> Floats:
    """Cohen's kappa and the quadratically weighted one of joint shares.

    Args:
        shares: Shape (C * C, ...), annotated by predicted class.
        mutual: Whether both sides are annotators, of whom neither is the truth.

    Returns:
        Shape (2, ...). NaN where all annotations are of one class: the formula would give 0 to whoever names another
        class once, and nothing shows whether somebody tells the classes apart.
    """
    count = math.isqrt(len(shares))
    table = shares.reshape(count, count, *shares.shape[1:])
    far = np.abs(np.subtract.outer(np.arange(count), np.arange(count))).astype(np.float64)
    weights = np.stack([far > 0, far**2])
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    single = np.min([(one > TINY).sum(axis=0) for one in ((rows, columns) if mutual else (rows,))], axis=0) < 2
    by_chance = rows[:, None] * columns[None]
    seen, expected = (np.tensordot(weights, one, axes=2) for one in (table, by_chance))
    with np.errstate(invalid='ignore', divide='ignore'):
        found: Floats = np.where((expected > TINY) & ~single, 1 - seen / expected, np.nan)
    return found


def kappa_intervals(shares: Mapping[str, Floats], options: Options, mutual: bool = False) -> dict[str, dict[str, Any]]:
    """``kappa`` and ``weighted_kappa`` of each method, with intervals of the crossed bootstrap.

    Args:
        shares: Method -> from :func:`joint_shares`; all have the same draws of images.
        options: Draws, seed, level, design.
        mutual: See :func:`kappas_of`.
    """
    def work(chunk: int, size: int) -> list[Floats]:
        drawn = WeightDraws(options.seed, chunk, size, options.design)
        return [np.einsum('ksb,bs->kb', kappas_of(one @ drawn.images(one.shape[2]).T, mutual),
                          drawn.seeds(method, one.shape[1])) for method, one in shares.items()]

    parts = in_chunks(options.draws, work)
    found = {}
    for place, (method, one) in enumerate(shares.items()):
        draws = np.concatenate([part[place] for part in parts], axis=1)
        estimates = kappas_of(one.mean(axis=2), mutual).mean(axis=1)
        found[method] = {name: {'estimate': float(estimate), **_ends(own[np.isfinite(own)], options.alpha)}
                         for name, estimate, own in zip(('kappa', 'weighted_kappa'), estimates, draws, strict=True)}
    return found


def _ends(draws: Floats, alpha: float) -> dict[str, float]:
    """None where all draws are alike, as of a method that is always right: they know of no other images."""
    if not len(draws) or np.ptp(draws) < ALIKE:
        return {'ci_low': math.nan, 'ci_high': math.nan}
    low, high = np.quantile(draws, [alpha / 2, 1 - alpha / 2])
    return {'ci_low': float(low), 'ci_high': float(min(high, 1.0))}


def _flips(there: Mapping[str, Classed], a: str, b: str, scores: Scores, options: Options) -> list[dict[str, Any]]:
    """Where the classes of two methods differ, on each measurement."""
    found: list[dict[str, Any]] = []
    for name, one in there.items():
        first, second = one.most[a], one.most[b]
        differ = first != second
        only_a, only_b = differ & (first == one.true), differ & (second == one.true)
        names = one.classes.names
        found.append({
            'measurement': name, 'a': a, 'b': b, 'n_images': len(differ), 'flipped': int(differ.sum()),
            **_share(differ, scores, one.found, options), 'only_a': int(only_a.sum()), 'only_b': int(only_b.sum()),
            'neither': int((differ & ~only_a & ~only_b).sum()),
            'p': mcnemar(int(only_a.sum()), int(only_b.sum())) if scores.subjects is None else math.nan,
            'images': [{'image': one.found.images[i], 'annotated': names[one.true[i]], 'a': names[first[i]],
                        'b': names[second[i]]} for i in np.flatnonzero(differ)]})
    adjusted = benjamini_hochberg([flip['p'] for flip in found])
    return [{**flip, 'p_adjusted': p} for flip, p in zip(found, adjusted, strict=True)]


def mcnemar(first: int, second: int) -> float:
    """Two-sided exact p that images which one of two methods alone has right fall to either alike; NaN of none."""
    return float(stats.binomtest(first, first + second).pvalue) if first + second else math.nan


def _share(differ: Any, scores: Scores, found: Taken, options: Options) -> dict[str, Any]:
    """The share of images, or the mean of the subjects' shares, with its interval, of these networks."""
    values = differ.astype(np.float64)[None]
    block = moments(Block(scores.by_unit(values, found.kept)), len(differ), options, True)
    if scores.subjects is None:
        ends = stats.binomtest(int(differ.sum()), len(differ)).proportion_ci(1 - options.alpha, method='exact')
        low, high = float(ends.low), float(ends.high)
    elif block['bound'] is not None:
        low, high = (0.0, block['bound']) if block['mean'] == 0 else (block['bound'], 1.0)
    else:
        low, high = block['ci_low'], block['ci_high']
    return {'n_units': block['n_units'], 'share': block['mean'], 'ci_low': low, 'ci_high': high}
