"""How far annotators are from each other, and whether a method is nearer to the annotation than they are.

P: pairs of annotators, N: images, K: landmarks, d[s,i,k]: error of seed s, b[p,i,k]: distance between the annotators of
a pair, from the columns ``between_<pair>`` (and ``between_mm_<pair>``) of the results table. Annotators are fixed: what
is said is about these, on images like these. Of an image the landmarks count that a pair has; images without any are
left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from . import crossed
from .arrays import Floats
from .crossed import Block
from .describe import moments
from .endpoints import Rates, ced, in_millimetres, successes
from .errors import TableError
from .options import Options
from .scores import Scores
from .success import radial_errors, spread
from .table import BETWEEN, BETWEEN_MM
from .terms import BEYOND, NETWORKS, NOT_ESTIMABLE, PROCEDURE, UNCLEAR, WITHIN
from .wording import Scale

#: Distances that differ by no more than this share of them are the same.
SAME = 1e-9


def annotators(rows: pd.DataFrame, scores: Scores, rates: Rates | None, points: Floats, labels: Mapping[str, str],
               options: Options, notes: list[str]) -> dict[str, Any] | None:
    """The inter-observer error, and each method against it.

    Args:
        rows: The main condition's rows.
        scores: Its scores; images and subjects are those.
        rates: Success detection rates.
        points: Abscissae of the error distribution.
        labels: Method -> its name for readers.
        options: Unit, level, cap.
        notes: A sentence is appended where annotators are known for a part of the images only.

    Returns:
        ``pairs``; ``endpoints``: ME, and where there are such ME_mm and the rates, with intervals over images;
        ``error_sd`` as of the methods; ``ced``; ``landmarks``: means and rates of each; ``comparison``: mean error of
        each method minus that between annotators, on the same landmarks of the same images. None without annotators.

    Raises:
        TableError: A distance between annotators is not the same in all runs.
    """
    rows = rows[rows['image'].isin(set(scores.images))]
    distances = _distances(rows, scores, options)
    if not distances:
        return None
    known = {column: np.asarray(np.isfinite(values).any(axis=(0, 2))) for column, values in distances.items()}
    if not known['error'].any():
        return None
    if not known['error'].all():
        notes.append(f'{scores.name}: the inter-observer error is over {known["error"].sum()} of {len(scores.images)} '
                     'images; for the others there are no two annotators.')

    def block(values: Floats, column: str) -> Block:
        """Scores of the images whose annotators are known, as of one network."""
        own = values[:, known[column]]
        return Block(scores.by_unit(np.nanmean(own, axis=(0, 2))[None], known[column]))

    shown = {'ME': (distances['error'], 'error')}
    if 'error_mm' in distances:
        shown['ME_mm'] = (distances['error_mm'], 'error_mm')
    rates = rates if rates and rates.column in distances else None
    column = rates.column if rates else 'error'
    for name, threshold in rates.names.items() if rates else ():
        shown[name] = successes(distances[column], threshold), column
    return {
        'pairs': _pairs(rows), 'unit': options.unit,
        'endpoints': {name: moments(block(values, kind), int(known[kind].sum()), options, options.measures.share(name))
                      for name, (values, kind) in shown.items()},
        'error_sd': spread(distances[column].reshape(1, -1)) if rates else None,
        'ced': {'x': points.tolist(), 'mean': ced(np.nanmean(distances['error'][:, known['error']], axis=(0, 2)),
                                                  points).tolist()},
        'landmarks': _landmarks(rows, scores, shown, options),
        'comparison': {'unit': 'mm' if column == 'error_mm' else options.unit,
                       'items': _comparison(rows, scores, distances[column], column, labels, options)},
    }


def _pairs(rows: pd.DataFrame) -> list[str]:
    """Names of the pairs, in the order of the columns."""
    return sorted(name.removeprefix(BETWEEN) for name in rows.columns
                  if name.startswith(BETWEEN) and not name.startswith(BETWEEN_MM) and rows[name].notna().any())


def _distances(rows: pd.DataFrame, scores: Scores, options: Options) -> dict[str, Floats]:
    """``error`` and, where millimetres are another unit and known, ``error_mm`` -> b, shape (P, N, K)."""
    pairs = _pairs(rows)
    found = {'error': [_one(rows, scores, BETWEEN + pair) for pair in pairs]}
    in_mm = [BETWEEN_MM + pair for pair in pairs]
    if not in_millimetres(options.unit) and all(
            name in rows.columns and rows[name].notna().any() for name in in_mm):
        found['error_mm'] = [_one(rows, scores, name) for name in in_mm]
    return {column: np.stack(values) for column, values in found.items() if values}


def _one(rows: pd.DataFrame, scores: Scores, column: str) -> Floats:
    """Distances of one pair, shape (N, K), in the order of :func:`.success.radial_errors`."""
    keys = [name for name in ('image', 'landmark') if name in rows.columns]
    seen = rows.groupby(keys, observed=True)[column].agg(['min', 'max', 'count', 'size'])
    unlike = (seen['max'] - seen['min'] > SAME * seen['max']) | ((seen['count'] > 0) & (seen['count'] < seen['size']))
    if unlike.any():
        where = seen.index[unlike][0]
        where = ', landmark '.join(where) if isinstance(where, tuple) else where
        raise TableError(f'field {column}: image {where}: not the same in all runs; a distance between annotators does '
                         'not depend on method and seed: repeat it in each of their rows')
    # Any run that has a row will do; one that lacks it has NaN.
    stacked = np.concatenate([*radial_errors(rows, scores, column).errors.values()])
    place = np.isfinite(stacked).argmax(axis=0)
    found: Floats = np.take_along_axis(stacked, place[None], axis=0)[0]
    return found


def _landmarks(rows: pd.DataFrame, scores: Scores, shown: Mapping[str, tuple[Floats, str]],
               options: Options) -> dict[str, Any]:
    """Landmark -> its ``mean`` with its interval, ``mean_mm`` and rates."""
    if 'landmark' not in rows.columns:
        return {}
    names, found = sorted(map(str, rows['landmark'].unique())), {}
    for k, landmark in enumerate(names):
        cell = {}
        for endpoint, (values, _) in shown.items():
            known = np.asarray(np.isfinite(values[:, :, k]).any(axis=0))
            if known.any():
                own = scores.by_unit(np.nanmean(values[:, known, k], axis=0), known)
                cell[{'ME': 'mean', 'ME_mm': 'mean_mm'}.get(endpoint, endpoint)] = float(own.mean())
                if endpoint == 'ME':
                    low, high = map(float, crossed.mean(Block(own[None])).interval(1 - options.alpha))
                    cell |= {'ci_low': low, 'ci_high': high}
        if cell:
            found[landmark] = cell
    return found


def _comparison(rows: pd.DataFrame, scores: Scores, distances: Floats, column: str, labels: Mapping[str, str],
                options: Options) -> list[dict[str, Any]]:
    """Per method the mean of D[s,i] = mean over k of (d[s,i,k] - mean over p of b[p,i,k]), over seeds and images."""
    radial = radial_errors(rows, scores, column)
    there = np.asarray(np.isfinite(distances).any(axis=0))
    between = np.full(there.shape, np.nan)
    between[there] = np.nanmean(distances[:, there], axis=0)
    found = []
    for method in scores.methods:
        difference = radial.filled(method, scores, options, column) - between
        # Images of which every network has all landmarks that the annotators have.
        kept = there.any(axis=1) & (np.isfinite(difference) | ~there).all(axis=(0, 2))
        if not kept.any():
            continue
        values = np.nanmean(difference[:, kept], axis=-1)
        block = scores.blocked(scores.by_unit(values, kept))
        one = crossed.mean(block)
        low, high = map(float, one.interval(1 - options.alpha))
        item = {'method': method, 'estimate': float(one.estimate), 'se': float(one.se), 'df': float(one.df),
                'ci_low': low, 'ci_high': high, 'scope': PROCEDURE if block.n_seeds > 1 or block.folds else NETWORKS,
                'n_seeds': block.n_seeds, 'n_images': int(kept.sum()), 'n_units': block.n_images,
                'verdict': verdict(low, high)}
        unit = 'mm' if column == 'error_mm' else options.unit
        found.append({**item, 'text': sentence(item, labels[method], unit, options.alpha)})
    return found


def verdict(low: float, high: float) -> str:
    """Where the whole interval of method minus annotators lies."""
    if np.isnan(low) or np.isnan(high):
        return NOT_ESTIMABLE
    return WITHIN if high < 0 else BEYOND if low > 0 else UNCLEAR


def sentence(item: Mapping[str, Any], label: str, unit: str, alpha: float) -> str:
    """A comparison in words.

    Args:
        item: An item of ``comparison``, without its text.
        label: The method's name for readers.
        unit: Of the difference.
        alpha: Level.
    """
    scale = Scale('ME', unit)
    if item['verdict'] == NOT_ESTIMABLE:
        return f'{label} can\'t be judged against the inter-observer error: there is no variance to judge by.'
    start = {WITHIN: f'{label} is within the inter-observer error',
             BEYOND: f'{label} is not within the inter-observer error',
             UNCLEAR: f'Whether {label} is within the inter-observer error is not settled'}[item['verdict']]
    return (f'{start}: its mean error is {scale.size(item["estimate"])} '
            f'{"lower" if item["estimate"] < 0 else "higher"} ({100 * (1 - alpha):g} % interval '
            f'{scale.interval(item["ci_low"], item["ci_high"])}).')
