"""What a missing prediction counts as, against what predictions that are there have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from .alerts import alert
from .contrasts import contrasts
from .layout import Layout
from .options import Options
from .scores import Scores, make_scores
from .terms import PLANNED, PROCEDURE

#: A cap below more than this share of a method's errors is told of.
CAP_EXCEEDED = 0.05


def check_cap(rows: pd.DataFrame, main: Scores, layout: Layout, found: list[dict[str, Any]],
              pairs: Sequence[tuple[str, str]], options: Options, notes: list[str],
              alerts: list[dict[str, str]]) -> None:
    """Where a missing prediction counts less than many answers: the planned verdicts with the largest error instead."""
    cap, primary = options.missing_cap, main.primary
    if cap is None or not main.absent:
        return
    sign = 1 if options.measures.lower(primary) else -1
    observed = {method: values[~main.absent[method]] for method, values in main.values[primary].items()}
    above = {method: float((sign * errors > sign * cap).mean()) for method, errors in observed.items() if len(errors)}
    most, largest = max(above, key=above.__getitem__), sign * max(
        float((sign * errors).max()) for errors in observed.values())
    if above[most] <= CAP_EXCEEDED:
        return
    labels = {name: block['label'] for name, block in layout.methods.items()}
    dear = replace(options, missing_cap=largest)
    instead = make_scores(rows, [*layout.methods], main.name, dear, [])
    kinds, worst = (('scores', f'worst observed {primary}') if options.measures.scores else
                    ('errors', 'largest observed error'))
    text = (f'The cap of missing predictions, {cap:g}, is {"below" if sign > 0 else "above"} {100 * above[most]:.0f} % '
            f'of the {kinds} of {labels[most]}: a missing prediction counts less than many predictions. With the '
            f'{worst}, {largest:.4g}, in its place ')
    before = {(one['a'], one['b'], one['scope']): one['verdict'] for one in found
              if one['family'] == PLANNED and one['endpoint'] == primary}
    after = contrasts(instead, layout.main, PLANNED, pairs, dear, [primary])
    told = [f'{labels[one["a"]]} against {labels[one["b"]]} is {one["verdict"]} instead of {old} by {primary} '
            f'({"as training procedures" if one["scope"] == PROCEDURE else "for these trained models"})'
            for one in after if one['verdict'] != (old := before[one['a'], one['b'], one['scope']])]
    if told:
        alerts.append(alert('cap below errors', text + '; '.join(told) + '.'))
    elif pairs:
        notes.append(f'{text}the planned verdicts by {primary} are the same.')
    else:
        means = ', '.join(f'{labels[name]} {instead.block(primary, name).values.mean():.4g}' for name in main.absent)
        notes.append(f'{text}the mean {kinds} are {means}.')
