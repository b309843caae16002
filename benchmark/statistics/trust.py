"""Which predictions to trust: whether a network's doubt goes with its error, and what abstaining would leave.

S: seeds, N: images, e[s,i]: mean error, u[s,i]: doubt, 1 less the mean over landmarks of the heatmaps' peaks, v[i]:
spread of the seeds' networks, the root mean square over landmarks and seeds of their points' distance from the seeds'
mean point.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm, rankdata

from .arrays import Floats
from .beside import read_beside
from .conformal import TooFew, calibrate
from .options import Options
from .scores import Scores
from .success import radial_errors

FILE = 'validation.json'
#: Share of images on which a network abstains in the report, and coverage of the regions that are checked.
ABSTAINED, LEVEL = 0.1, 0.9
#: Images below which nothing is said.
FEWEST = 10
#: Shares of the images that are kept, of the curve.
SHARES = [round(0.05 * step, 2) for step in range(2, 21)]
OLDER = 'a run of it keeps no predictions of validation images'


def read_validation(folder: Path, record: dict[str, Any]) -> dict[str, Any] | None:
    """A run's errors and scores of its validation images, or None where it has none that fit its record's checksum.

    Args:
        folder: The run's folder.
        record: Its record.
    """
    found = read_beside(folder, record, FILE)
    if not isinstance(found, dict):
        return None
    keys = ('images', 'subjects', 'landmarks', 'errors', 'scores')
    shape = (len(found.get('images') or ()), len(found.get('landmarks') or ()))
    try:
        whole = all(np.shape(found[key]) == shape for key in keys[3:]) and len(found['subjects']) == shape[0]
    except (KeyError, TypeError, ValueError):
        return None
    return found if whole and min(shape) else None


def trust(plan: dict[str, Any], records: Sequence[dict[str, Any]], rows: pd.DataFrame, main: Scores, condition: str,
          options: Options) -> dict[str, Any] | None:
    """How doubt and spread go with errors, by method, under the main condition.

    Args:
        plan: The suite's plan; empty for a bare table.
        records: The runs' records, each with its ``validation`` where it has one.
        rows: That condition's rows.
        main: Its scores.
        condition: Its name.
        options: Level of the intervals.

    Returns:
        The block of ``analysis.json``; None where the table has no scores of landmarks, or fewer than ten images.
    """
    units = main.block(main.primary, main.methods[0]).n_images
    if not {'landmark', 'score'} <= set(rows.columns) or units < FEWEST:
        return None
    peaks, errors = radial_errors(rows, main, 'score'), main.values['ME']
    of_input = radial_errors(rows, main, 'error_input') if 'error_input' in rows.columns else None
    by_id = {str(record.get('id')): record.get('validation') for record in records}
    runs = {(str(run['method']), run['seed']): by_id.get(str(run.get('id'))) for run in plan.get('runs', [])
            if run['condition'] == condition}
    methods: dict[str, Any] = {}
    for method, seeds in main.seeds.items():
        scores = peaks.errors[method]
        if method in main.absent or np.isnan(scores[:, peaks.expected]).any():
            continue
        mean = np.where(peaks.expected, scores, 0).sum(-1) / peaks.expected.sum(-1)
        if np.ptp(mean) == 0:
            continue
        own, failed = errors[method], main.values['FR'][method]
        methods[method] = {
            'n_seeds': len(seeds), **_doubted(1 - mean, own, failed, main, options.alpha),
            'spread': _spread(rows, main, method, own, options.alpha),
            # A repetition of a cross-validation has a network, and validation images, for each fold.
            'regions': None if of_input is None or main.folds else _regions(
                [runs.get((method, seed)) for seed in seeds], peaks.landmarks, of_input.errors[method], scores)}
    return {'abstained': ABSTAINED, 'level': LEVEL, 'shares': SHARES, 'methods': methods} if methods else None


def _doubted(doubt: Floats, errors: Floats, failed: Floats, main: Scores, alpha: float) -> dict[str, Any]:
    """Rank correlation, risk over coverage and what is left without the most doubtful tenth; means over seeds."""
    count = errors.shape[1]
    order = np.argsort(doubt, axis=1, kind='stable')
    kept = count - math.ceil(ABSTAINED * count)
    rest = [float(np.take_along_axis(values, order, axis=1)[:, :kept].mean()) for values in (errors, failed)]
    whole = [float(values.mean()) for values in (errors, failed)]
    return {'doubt': _correlation(main.by_unit(doubt), main.by_unit(errors), alpha),
            'risk': _risk(np.take_along_axis(errors, order, axis=1)), 'best': _risk(np.sort(errors, axis=1)),
            'error': whole[0], 'error_rest': rest[0], 'failures': whole[1], 'failures_rest': rest[1],
            'ratio': rest[1] / whole[1] if whole[1] else None}


def _risk(ordered: Floats) -> list[float]:
    """Mean error of the first images, for each share of them."""
    sums, count = ordered.mean(axis=0).cumsum(), ordered.shape[1]
    return [float(sums[number - 1] / number) for number in (max(1, round(share * count)) for share in SHARES)]


def _correlation(first: Floats, second: Floats, alpha: float) -> dict[str, float | None] | None:
    """Spearman's rank correlation over units, its mean over rows, and an interval for a single one.

    By Fisher's z with the standard error of Bonett and Wright (2000), sqrt((1 + r^2 / 2) / (n - 3)); a mean over seeds
    varies no more.
    """
    ranks = [rankdata(one, axis=1) for one in (first, second)]
    centred = [one - one.mean(axis=1, keepdims=True) for one in ranks]
    sizes = [np.sqrt((one**2).sum(axis=1)) for one in centred]
    if (sizes[0] == 0).any() or (sizes[1] == 0).any():
        return None
    r = float(((centred[0] * centred[1]).sum(axis=1) / sizes[0] / sizes[1]).mean())
    half = norm.ppf(1 - alpha / 2) * math.sqrt((1 + r**2 / 2) / (first.shape[1] - 3))
    z = math.atanh(min(max(r, -1 + 1e-12), 1 - 1e-12))
    return {'estimate': r, 'low': math.tanh(z - half), 'high': math.tanh(z + half)}


def _spread(rows: pd.DataFrame, main: Scores, method: str, errors: Floats, alpha: float) -> dict[str, Any] | None:
    """How the spread of the seeds' points goes with their mean error; None of one seed, or without points."""
    if len(errors) < 2 or not {'x', 'y'} <= set(rows.columns):
        return None
    rows = rows[rows['method'] == method]
    squares = 0.0
    for axis in ('x', 'y'):
        points = radial_errors(rows, _only(main, method), axis).errors[method]
        squares = squares + ((points - points.mean(axis=0)) ** 2).mean(axis=0)
    spread = np.sqrt(np.nanmean(squares, axis=1))
    if not np.isfinite(spread).all():
        return None
    return _correlation(main.by_unit(spread[None]), main.by_unit(errors.mean(axis=0)[None]), alpha)


def _only(main: Scores, method: str) -> Scores:
    return Scores(main.name, main.images, main.dropped, {method: main.seeds[method]}, main.values, main.kept)


def _regions(runs: Sequence[Mapping[str, Any] | None], landmarks: Sequence[str], errors: Floats,
             scores: Floats) -> dict[str, Any]:
    """How often regions that each run's validation images calibrate hold on the test images; or why there are none."""
    held = []
    for own, test, peaks in zip(runs, errors, scores, strict=True):
        if own is None:
            return {'reason': OLDER}
        if not set(landmarks) <= set(own['landmarks']):
            return {'reason': 'its validation images have other landmarks'}
        places = [own['landmarks'].index(name) for name in landmarks]
        seen, doubt = (np.array(own[key], np.float64)[:, places] for key in ('errors', 'scores'))
        try:
            regions = calibrate(seen, own['subjects'], LEVEL, 1 - doubt)
        except TooFew as error:
            return {'reason': str(error)}
        each, together = regions.radii(1 - peaks, None)
        known = ~np.isnan(test)
        held.append(((test <= each)[known & ~np.isnan(each)].mean(), ((test <= together) | ~known).all(axis=1).mean()))
    said = regions.promise
    landmark, image = np.mean(held, axis=0)
    return {'reason': None, 'units': said.units, 'expected': said.rank / (said.units + 1), 'low': said.low,
            'high': said.high, 'landmarks': float(landmark), 'images': float(image)}
