"""Tuning: every method has the same number of trials, and every seed chooses among its own on the validation split.

A trial is a training of its own; the choice is part of the procedure that is compared, and its luck part of the seeds'
variance. What the test split says of a trial decides nothing.
"""

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import numpy as np

from benchmark.utils.files import digest

from .fields import Mistake, Part, at
from .kinds import FINITE, FLAG, OPTIONS, Kind, Seed, whole

#: What decides: the mean error on the validation split, of the network that is tested.
METRIC = 'landmark/ME'


def _is_range(values: Any) -> bool:
    return (isinstance(values, dict) and not set(values) - {'low', 'high', 'log'}
            and all(FINITE.fits(values.get(key)) for key in ('low', 'high')) and FLAG.fits(values.get('log', False))
            and values['low'] < values['high'] and not (values.get('log') and values['low'] <= 0))


def _is_list(values: Any) -> bool:
    return isinstance(values, (list, tuple)) and bool(values)


#: What is tried of a config value.
Axis = Annotated[list[Any] | dict[str, Any], Kind(
    'a list of values, or dict(low=, high=, log=True or False) with low below high, and above 0 where log is True',
    lambda values: _is_list(values) or _is_range(values))]


@dataclass(frozen=True)
class Tuning(Part):
    """How the methods are tuned: each seed chooses one of its trials of a method by the validation error.

    Attributes:
        trials: Trials of each method per seed.
        axes: Method -> config key -> a list of values to try, or `dict(low=, high=, log=)` to draw from.
        kind: `grid` tries all combinations, as many as `trials`; `random` draws.
        seed: What decides the draws.
    """

    trials: Annotated[int, Kind('the number of trials of each method, 2 or more', whole(2).fits)]
    axes: dict[str, Annotated[dict[str, Axis], OPTIONS]] = field(default_factory=dict)
    kind: Literal['grid', 'random'] = 'grid'
    seed: Seed = 0

    def fit(self, methods: Iterable[str]) -> None:
        """Checks that every method is tuned, by as many trials as the others.

        Args:
            methods: The suite's methods.

        Raises:
            Mistake: One that is not there, has no axes, or another number of trials than said.
        """
        methods = list(methods)
        if stray := sorted(set(map(str, self.axes)) - set(methods)):
            raise Mistake(f'{at("tuning.axes", stray[0])}: the suite has no such method. It has: {", ".join(methods)}.')
        for method in methods:
            where = at('tuning.axes', method)
            if not (axes := self.axes.get(method)):
                raise Mistake(f'{where} is missing: tuning only some methods favours them. Name config keys and what '
                              'to try.')
            if self.kind == 'random':
                continue
            for key, values in axes.items():
                if not _is_list(values):
                    raise Mistake(f'{at(where, key)}={values!r}: give a list of values; a range is drawn from with '
                                  "tuning.kind='random'.")
            if (size := math.prod(map(len, axes.values()))) != self.trials:
                raise Mistake(f'{where} has {size} combinations, tuning.trials is {self.trials}: all methods have the '
                              'same number of trials.')


def draw_trials(tuning: Tuning, method: str) -> list[dict[str, Any]]:
    """The trials of a method, each as config values by dotted key; the same for every seed and condition."""
    axes = tuning.axes[method]
    if tuning.kind == 'grid':
        return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    rng = np.random.default_rng(int(digest([tuning.seed, method])[:8], 16))
    return [{key: _draw(values, rng) for key, values in axes.items()} for _ in range(tuning.trials)]


def _draw(values: list[Any] | dict[str, Any], rng: np.random.Generator) -> Any:
    if not isinstance(values, dict):
        return values[int(rng.integers(len(values)))]
    low, high = values['low'], values['high']
    drawn = math.exp(rng.uniform(math.log(low), math.log(high))) if values.get('log') else rng.uniform(low, high)
    return float(f'{drawn:.4g}')


def choose(trials: list[dict[str, Any]]) -> str | None:
    """The id of the trial with the least validation error, the first of equal ones; None before all have ended.

    Args:
        trials: ``id``, ``state`` and ``validation`` (its error, or None) of each; one that failed is never chosen.
    """
    if any(one['state'] not in ('done', 'failed') for one in trials):
        return None
    done = [one for one in trials if one['state'] == 'done' and one['validation'] is not None]
    return str(min(done, key=lambda one: one['validation'])['id']) if done else None
