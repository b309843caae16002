"""Tuning: every method has the same number of tries, and every seed chooses among its own on the validation split.

A try is a training of its own; the choice is part of the procedure that is compared, and its luck part of the seeds'
variance. What the test split says of a try decides nothing.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from benchmark.utils.files import digest

from .kinds import DICT, FINITE, OPTIONS, SEED

KINDS = ('grid', 'random')
FIELDS = ('tries', 'kind', 'axes', 'seed')
#: What decides: the mean error on the validation split, of the network that is tested.
METRIC = 'landmark/ME'


def check_tuning(tuning: dict[str, Any], methods: list[str]) -> None:
    """Checks a suite's ``tuning``.

    Args:
        tuning: ``tries``: how many per method and seed; ``axes``: method -> config key -> values to try (a list), or
            ``dict(low=, high=, log=)`` to draw from; ``kind``: ``grid`` (all combinations, ``tries`` in number) or
            ``random`` (draws; ``seed`` decides them).
        methods: The suite's methods; each needs its axes.

    Raises:
        ValueError: An unknown field or kind, a method without axes, another number of tries than said.
    """
    if unknown := sorted(set(tuning) - set(FIELDS)):
        raise ValueError(f'tuning.{unknown[0]} is unknown. Fields: {", ".join(FIELDS)}.')
    count, kind, axes = tuning.get('tries'), tuning.get('kind', 'grid'), tuning.get('axes') or {}
    if not isinstance(count, int) or isinstance(count, bool) or count < 2:
        raise ValueError(f'tuning.tries={count!r}: give the number of tries of each method, 2 or more.')
    if kind not in KINDS:
        raise ValueError(f'tuning.kind={kind!r} is unknown. Choose one of: {", ".join(KINDS)}.')
    if not SEED.fits(tuning.get('seed', 0)):
        raise ValueError(f'tuning.seed={tuning["seed"]!r}: give {SEED.words}.')
    if not DICT.fits(axes):
        raise ValueError(f'tuning.axes={axes!r}: give a dict: method -> config key -> what to try.')
    if stray := sorted(map(str, set(axes) - set(methods))):
        raise ValueError(f'tuning.axes.{stray[0]}: the suite has no such method. It has: {", ".join(methods)}.')
    for method in methods:
        if not axes.get(method):
            raise ValueError(f'tuning.axes.{method} is missing: tuning only some methods favours them. '
                             'Name config keys and what to try.')
        if not OPTIONS.fits(axes[method]):
            raise ValueError(f'tuning.axes.{method}={axes[method]!r}: give {OPTIONS.words}, with what to try of each.')
        for key, values in axes[method].items():
            _check_axis(f'tuning.axes.{method}[{key!r}]', values, kind)
        size = math.prod(len(values) for values in axes[method].values()) if kind == 'grid' else count
        if size != count:
            raise ValueError(f'tuning.axes.{method} has {size} combinations, tuning.tries is {count}: all methods have '
                             'the same number of tries.')


def _check_axis(where: str, values: Any, kind: str) -> None:
    if isinstance(values, (list, tuple)) and values:
        return
    fits = isinstance(values, dict) and kind == 'random' and not set(values) - {'low', 'high', 'log'} and \
        all(FINITE.fits(values.get(key)) for key in ('low', 'high'))
    if not fits or not values['low'] < values['high'] or (values.get('log') and values['low'] <= 0):
        raise ValueError(f'{where}={values!r}: give a list of values' + (
            ', or dict(low=, high=, log=True or False) with low below high.' if kind == 'random' else '.'))


def draw_tries(tuning: dict[str, Any], method: str) -> list[dict[str, Any]]:
    """The tries of a method, each as config values by dotted key; the same for every seed and condition."""
    axes = tuning['axes'][method]
    if tuning.get('kind', 'grid') == 'grid':
        return [dict(zip(axes, values)) for values in itertools.product(*axes.values())]
    rng = np.random.default_rng(int(digest([tuning.get('seed', 0), method])[:8], 16))
    return [{key: _draw(values, rng) for key, values in axes.items()} for _ in range(tuning['tries'])]


def _draw(values: Any, rng: np.random.Generator) -> Any:
    if not isinstance(values, dict):
        return values[int(rng.integers(len(values)))]
    low, high = values['low'], values['high']
    drawn = math.exp(rng.uniform(math.log(low), math.log(high))) if values.get('log') else rng.uniform(low, high)
    return float(f'{drawn:.4g}')


def choose(tries: list[dict[str, Any]]) -> str | None:
    """The id of the try with the least validation error, the first of equal ones; None before all have ended.

    Args:
        tries: ``id``, ``state`` and ``validation`` (its error, or None) of each; one that failed is never chosen.
    """
    if any(one['state'] not in ('done', 'failed') for one in tries):
        return None
    done = [one for one in tries if one['state'] == 'done' and one['validation'] is not None]
    return min(done, key=lambda one: one['validation'])['id'] if done else None
