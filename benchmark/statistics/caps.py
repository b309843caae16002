"""What a missing prediction counts as, against what predictions that are there have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from .alerts import alert
from .arrays import Masks
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
    """Where a missing prediction counts less than many answers: the planned verdicts with the largest error instead.

    Of scores also where values of a further one count less than many of it.
    """
    if options.missing_cap is not None and main.absent:
        _check(main.primary, options.missing_cap, main.absent, rows, main, layout, found, pairs, options, notes, alerts)
    for name, absent in main.capped.items():
        _check(name, options.caps[name], absent, rows, main, layout, found, pairs, options, notes, alerts)


def _check(name: str, cap: float, absent: Mapping[str, Masks], rows: pd.DataFrame, main: Scores, layout: Layout,
           found: list[dict[str, Any]], pairs: Sequence[tuple[str, str]], options: Options, notes: list[str],
           alerts: list[dict[str, str]]) -> None:
    """As :func:`check_cap`, of one endpoint whose ``absent`` cells count as ``cap``."""
    sign = 1 if options.measures.lower(name) else -1
    observed = {method: values[~absent[method]] for method, values in main.values[name].items()}
    above = {method: float((sign * errors > sign * cap).mean()) for method, errors in observed.items() if len(errors)}
    most, largest = max(above, key=above.__getitem__), sign * max(
        float((sign * errors).max()) for errors in observed.values())
    if above[most] <= CAP_EXCEEDED:
        return
    labels = {name: block['label'] for name, block in layout.methods.items()}
    primary = name == main.primary
    dear = replace(options, missing_cap=largest) if primary else replace(options, caps={**options.caps, name: largest})
    instead = make_scores(rows, [*layout.methods], main.name, dear, [])
    kinds, worst = (('scores', f'worst observed {name}') if options.measures.scores else
                    ('errors', 'largest observed error'))
    what, one, many = (('predictions', 'prediction', 'predictions') if primary else
                       (f'values of {name}', 'value', 'values'))
    text = (f'The cap of missing {what}, {cap:g}, is {"below" if sign > 0 else "above"} {100 * above[most]:.0f} % '
            f'of the {kinds} of {labels[most]}: a missing {one} counts less than many {many}. With the '
            f'{worst}, {largest:.4g}, in its place ')
    before = {(own['a'], own['b'], own['scope']): own['verdict'] for own in found
              if own['family'] == PLANNED and own['endpoint'] == name}
    # Over all endpoints that are tested, as before: they can be one family.
    after = [own for own in contrasts(instead, layout.main, PLANNED, pairs, dear) if own['endpoint'] == name]
    told = [f'{labels[own["a"]]} against {labels[own["b"]]} is {own["verdict"]} instead of {old} by {name} '
            f'({"as training procedures" if own["scope"] == PROCEDURE else "for these trained models"})'
            for own in after if own['verdict'] != (old := before[own['a'], own['b'], own['scope']])]
    if told:
        alerts.append(alert('cap below errors', text + '; '.join(told) + '.'))
    elif pairs:
        notes.append(f'{text}the planned verdicts by {name} are the same.')
    else:
        means = ', '.join(f'{labels[method]} {instead.block(name, method).values.mean():.4g}' for method in absent)
        notes.append(f'{text}the mean {kinds} are {means}.')
