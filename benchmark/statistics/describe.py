"""Descriptive blocks of ``analysis.json``: methods, conditions, error distributions, learning curve.

Three kinds of uncertainty are kept apart everywhere:

- ``seed_sd``: over seeds, of the seeds' means over images (ddof 1; null for one seed);
- ``image_sd``: over images, of the images' scores averaged over seeds (ddof 1; null for one image);
- ``ci_low``, ``ci_high``: interval of the mean, over random seeds and images (``ci_scope`` procedure), or with one seed
  over random images only (``ci_scope`` networks).

Where images have subjects, a subject takes the image's place in all but the error distributions.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import crossed
from .arrays import Floats
from .crossed import Block
from .endpoints import ced
from .layout import Layout
from .options import Options
from .scores import Scores
from .terms import NETWORKS, PROCEDURE


def method_block(scores: Scores | None, method: str, options: Options) -> dict[str, Any]:
    """Endpoints of one method under one condition."""
    if scores is None or method not in scores.seeds:
        return {'n_seeds': 0, 'seeds': [], 'n_images': 0, 'n_units': 0, 'endpoints': {}}
    seeds = scores.seeds[method]
    endpoints = {endpoint: moments(scores.block(endpoint, method), int(scores.kept[endpoint].sum()),
                                   options, options.measures.share(endpoint))
                 for endpoint in scores.values}
    return {'n_seeds': len(seeds), 'seeds': seeds, 'n_images': len(scores.images),
            'n_units': scores.block(scores.primary, method).n_images, 'missing': scores.missing.get(method, 0),
            'complete_case_ME': scores.complete_case.get(method), 'endpoints': endpoints}


def moments(block: Block, n_images: int, options: Options, share: bool = False) -> dict[str, Any]:
    """Mean, spread and interval of a block (S, N).

    Args:
        block: Scores.
        n_images: Number of images behind it.
        options: Level.
        share: The scores lie between 0 and 1: the interval is cut there, and where all scores are 0 or all are 1,
            ``bound`` is the exact one-sided bound of what the mean may be (Clopper and Pearson 1934), about 3/N off.
    """
    per_seed = block.values.mean(axis=1)
    one = crossed.mean(block)
    low, high = map(float, one.interval(1 - options.alpha))
    bound = None
    if share:
        low, high = (float(np.clip(end, 0, 1)) for end in (low, high))
        if np.isnan(one.se) and block.values.min() == block.values.max() and block.values.max() in (0.0, 1.0):
            rest = 1 - options.alpha ** (1 / block.n_images)
            bound = rest if block.values.max() == 0 else 1 - rest
    return {
        'mean': float(per_seed.mean()),
        'seed_sd': float(per_seed.std(ddof=1)) if block.n_seeds > 1 else None,
        'image_sd': float(block.images.std(ddof=1)) if block.n_images > 1 else None,
        'ci_low': low, 'ci_high': high, 'bound': bound,
        'ci_scope': PROCEDURE if block.n_seeds > 1 or block.folds else NETWORKS,
        'n_seeds': block.n_seeds, 'n_images': n_images, 'n_units': block.n_images, 'per_seed': per_seed.tolist(),
    }


def copies(scores: Scores) -> list[str]:
    """Sentences on seeds of a method with identical errors; repetitions of a cross-validation are judged by nothing."""
    found: list[str] = []
    if scores.folds:
        return found
    for method, values in scores.values[scores.primary].items():
        groups: dict[bytes, list[int]] = {}
        for seed, row in zip(scores.seeds[method], values, strict=True):
            groups.setdefault(np.ascontiguousarray(row).tobytes(), []).append(seed)
        alike = ['seeds ' + ' and '.join(map(str, seeds)) for seeds in groups.values() if len(seeds) > 1]
        if alike:
            found.append(f'{method}, {scores.name}: {", ".join(alike)} have identical results; a copy is no '
                         'repetition, and everything that rests on the differences between seeds is overconfident.')
    return found


def error_distributions(scores: Scores, points: Floats) -> dict[str, Any]:
    """Cumulative error distributions over images, per method: of each seed, their mean, and from lowest to highest."""
    found = {}
    for method, values in scores.values[scores.primary].items():
        curves = np.stack([ced(row, points) for row in values])
        found[method] = {
            'x': points.tolist(),
            'per_seed': {str(seed): curve.tolist() for seed, curve in zip(scores.seeds[method], curves, strict=True)},
            'mean': curves.mean(axis=0).tolist(), 'low': curves.min(axis=0).tolist(),
            'high': curves.max(axis=0).tolist(),
        }
    return found


def learning_curve(conditions: dict[str, Any], layout: Layout, label: str,
                   endpoint: str) -> dict[str, Any] | None:
    """An endpoint against the conditions' values, where at least two of them are numbers."""
    numeric = [(block['value'], name) for name, block in conditions.items()
               if isinstance(block['value'], (int, float)) and not isinstance(block['value'], bool)]
    if len({value for value, _ in numeric}) < 2:
        return None
    numeric.sort(key=lambda pair: pair[0])
    lines = {}
    for method in layout.methods:
        cells = [conditions[name]['methods'][method] for _, name in numeric]
        lines[method] = {key: [cell['endpoints'].get(endpoint, {}).get(key) for cell in cells]
                         for key in ('mean', 'seed_sd', 'ci_low', 'ci_high')}
        lines[method]['n_seeds'] = [cell['n_seeds'] for cell in cells]
    return {'endpoint': endpoint, 'label': label, 'x': [value for value, _ in numeric],
            'conditions': [name for _, name in numeric], 'methods': lines}
