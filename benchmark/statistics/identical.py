"""Methods, and conditions, whose predictions are the same to the last bit: one procedure under two names."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from .alerts import alert
from .keys import codes_of
from .layout import Layout, some

#: Method, seed and two conditions that share a run.
Shared = set[tuple[str, int, frozenset[str]]]


def identical(table: pd.DataFrame, layout: Layout, plan: Mapping[str, Any]) -> list[dict[str, str]]:
    """Alerts on methods of one condition, and on conditions, with bit-identical predictions in all their seeds.

    Compared are ``x`` and ``y`` where the table has them, else the errors. A method that a condition does not change is
    trained once for both by the plan, and is no surprise; a condition that changes none of its methods is one.

    Args:
        table: A validated results table.
        layout: Labels and order.
        plan: The suite's plan, or an empty dict; its runs say which conditions share a run on purpose.
    """
    found = _digests(table)
    shared = {(run['method'], run['seed'], frozenset(pair)) for run in plan.get('runs', ())
              for pair in combinations((run['condition'], *run.get('also', ())), 2)}
    alerts = []
    for condition in layout.conditions:
        groups: dict[tuple[tuple[int, bytes], ...], list[str]] = {}
        for method in layout.methods:
            if runs := found.get((condition, method)):
                groups.setdefault(tuple(runs.items()), []).append(layout.methods[method]['label'])
        place = '' if len(layout.conditions) == 1 else f' under {layout.conditions[condition]["label"]}'
        for same, labels in groups.items():
            if len(labels) > 1:
                alerts.append(alert('identical results', (
                    f'{some(labels)} give the same predictions to the last bit{place}, in all {len(same)} '
                    f'seed{"s" if len(same) > 1 else ""}, and their difference of 0 is no finding. Unless it is '
                    'meant (a weight of zero), look for a setting that nothing reads, a copied result, or heatmaps too '
                    'coarse for any difference to show.')))
    return alerts + _conditions(found, layout, shared)


def _digests(table: pd.DataFrame) -> dict[tuple[str, str], dict[int, bytes]]:
    """(condition, method) -> seed -> digest of what was predicted, on which images."""
    numbers = [name for name in ('x', 'y') if name in table.columns]
    numbers = numbers if len(numbers) == 2 else ['error']
    keys = [name for name in ('image', 'landmark') if name in table.columns]
    coded = [codes_of(table[key]) for key in keys]
    names = np.column_stack([pd.util.hash_array(words.to_numpy(object))[codes] for codes, words in coded])
    values = table[numbers].to_numpy(np.float64)
    found: dict[tuple[str, str], dict[int, bytes]] = {}
    runs = table.groupby(['condition', 'method', 'seed'], sort=True, observed=True).indices
    for (condition, method, seed), rows in runs.items():
        content = hashlib.sha256(names[rows].tobytes())
        content.update(values[rows].tobytes())
        found.setdefault((condition, method), {})[int(seed)] = content.digest()
    return found


def _conditions(found: Mapping[tuple[str, str], dict[int, bytes]], layout: Layout,
                shared: Shared) -> list[dict[str, str]]:
    names = [name for name in layout.conditions if any(condition == name for condition, _ in found)]
    alerts, told = [], set()
    for place, first in enumerate(names):
        for second in names[place + 1:]:
            methods = [name for name in layout.methods if (first, name) in found and (second, name) in found]
            same = [name for name in methods if found[first, name] == found[second, name]]
            by_plan = [name for name in same
                       if all((name, seed, frozenset((first, second))) in shared for seed in found[first, name])]
            surprising = same if same == methods else [name for name in same if name not in by_plan]
            if not surprising or second in told:
                continue
            told.add(second)
            labels = [layout.conditions[name]['label'] for name in (first, second)]
            who = 'all methods' if same == methods and len(methods) > 1 else some(
                [layout.methods[name]['label'] for name in surprising])
            verb = 'give' if who == 'all methods' or len(surprising) > 1 else 'gives'
            alerts.append(alert('identical results', (
                f'{who} {verb} the same predictions to the last bit under {labels[0]} and {labels[1]}, in all seeds: '
                'what the conditions change reaches nothing there, and no difference between them is no finding.')))
    return alerts
