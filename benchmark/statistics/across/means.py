"""One number per method over data sets: its mean over these very ones, or where units differ, relative to another's.

The mean is unweighted, so that all methods are averaged alike and the difference of two means is the mean of their
differences. Its interval is that of :func:`.effects.over_fixed`: seeds and images are random, these data sets are not,
whatever their number. Levels of a few data sets say next to nothing of how hard the next one is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import crossed
from .contrasts import RATIO, DataSet
from .effects import over_fixed

MEAN, RELATIVE = 'mean', 'relative'


def over_data_sets(data_sets: Mapping[str, DataSet], methods: list[str], way: str, base: str) -> dict[str, Any]:
    """Each method's primary endpoint over all data sets.

    Args:
        data_sets: By name, at least two.
        methods: In their order.
        way: What is combined. Of ratios it is the geometric mean of the means, divided by that of ``base``, less 1:
            a factor that the errors of a data set are multiplied with changes nothing. It has no interval, as one
            would be that of a contrast, which may not be planned.
        base: What the geometric means are relative to.

    Returns:
        The block ``means`` of datasets.json; ``mean`` is null where a data set has no geometric mean. Where seeds are
        random, ``single_run`` names the methods of a data set whose one run is not: their part is over images alone.
    """
    first = next(iter(data_sets.values()))
    endpoint, level = first.scores.primary, 1 - first.analysis['alpha']
    blocks = {method: [one.scores.block(endpoint, method) for one in data_sets.values()] for method in methods}
    if way == RATIO:
        levels = {method: [float(block.values.mean()) for block in own] for method, own in blocks.items()}
        logs = {method: float(np.log(own).mean()) if min(own) > 0 else math.nan for method, own in levels.items()}
        return {'endpoint': endpoint, 'kind': RELATIVE, 'base': base, 'drawn': [], 'single_run': {},
                'methods': {method: {'mean': math.expm1(logs[method] - logs[base]), 'ci_low': None, 'ci_high': None}
                            for method in methods}}
    found = {}
    for method, own in blocks.items():
        one = over_fixed([crossed.mean(block) for block in own])
        low, high = one.interval(level)
        found[method] = {'mean': one.estimate, 'ci_low': low, 'ci_high': high}
    seeds = any(block.n_seeds > 1 and not block.folds for own in blocks.values() for block in own)
    single = {name: [method for method in methods if blocks[method][at].n_seeds == 1 and not blocks[method][at].folds]
              for at, name in enumerate(data_sets)} if seeds else {}
    return {'endpoint': endpoint, 'kind': MEAN, 'base': None, 'drawn': ['images', *(['seeds'] if seeds else [])],
            'single_run': {name: own for name, own in single.items() if own}, 'methods': found}
