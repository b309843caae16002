"""Methods along the suite's conditions, and how the planned contrasts change with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from ..palette import Style
from ..planned import OF_PAIRS, other_of, shown_scopes
from ..units import across
from .base import figure, label_ends, line_style
from .forest import Row, bar, draw_rows, stacked
from .parts import cut, directions


def places(analysis: dict[str, Any], names: Sequence[str]) -> tuple[np.ndarray, bool, bool]:
    """Where the conditions stand on the axis.

    Returns:
        Positions; whether they are the conditions' values; whether the axis is logarithmic (0, where it is among
        them, stands a step to the left of the smallest other value).
    """
    values = [analysis['conditions'][name]['value'] for name in names]
    numeric = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
    if not numeric or len(set(values)) < len(values):
        return np.arange(len(names), dtype=float), False, False
    x = np.array(values, dtype=float)
    above = x[x > 0]
    log = bool(x.min() >= 0 and above.size > 1 and above.max() / above.min() >= 4)
    if log and x.min() == 0:
        steps = np.diff(np.sort(above))
        x = np.where(x > 0, x, above.min() ** 2 / (above.min() + steps[0]))
    return x, True, log


def response(analysis: dict[str, Any], styles: dict[str, Style], names: Sequence[str], prefix: str) -> Markup:
    """ME of each method against the condition, with crossed intervals; in one unit where inputs differ."""
    x, numeric, log = places(analysis, names)
    axis = across(analysis)
    there = [method for method in analysis['order']['methods']
             if any(axis.endpoint in analysis['conditions'][name]['methods'][method]['endpoints'] for name in names)]

    def draw(fig: Figure, narrow: bool) -> None:
        ax = fig.add_subplot()
        ends = {}
        for place, method in enumerate(there):
            step = (place - (len(there) - 1) / 2) * min(0.012, 0.3 / len(there))
            at = x * np.exp(1.2 * step) if log else x + step * (np.ptp(x) or 1.0)
            found = [analysis['conditions'][name]['methods'][method]['endpoints'].get(axis.endpoint) for name in names]
            mean, low, high = (np.array([np.nan if not one or one[key] is None else axis.factor * one[key]
                                         for one in found])
                               for key in ('mean', 'ci_low', 'ci_high'))
            reach = [np.nan_to_num(mean - low), np.nan_to_num(high - mean)]
            look = line_style(styles[method]) if numeric else {**line_style(styles[method]), 'linestyle': 'none'}
            ax.errorbar(at, mean, yerr=reach, elinewidth=0.9, capsize=1.8, **look)
            last = np.flatnonzero(np.isfinite(mean))[-1]
            ends[method] = (at[last], mean[last])
        if log:
            ax.set_xscale('log')
        values = [analysis['conditions'][name]['value'] for name in names]
        labels = [f'{value:g}' for value in values] if numeric else [_wrapped(analysis, name, narrow) for name in names]
        ax.xaxis.set_major_locator(FixedLocator([*x]))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.set_xticks([*x], labels)
        curve = analysis['learning_curve']
        scale = '' if not log else ' (log scale, 0 apart)' if 0 in values else ' (log scale)'
        ax.set(xlabel=(curve['label'] if numeric and curve else 'condition') + scale,
               ylabel=f'{axis.axis}, {axis.direction}')
        ax.grid(True, axis='y')
        if not numeric:
            ax.margins(x=0.12)
        label_ends(ax, analysis, ends)

    return figure(draw, prefix, f'Mean error of {len(there)} methods under {len(names)} conditions.')


def _wrapped(analysis: dict[str, Any], name: str, narrow: bool) -> str:
    """A condition's label, a word per line where it is long."""
    label = cut(analysis['conditions'][name]['label'], 24)
    return label.replace(' ', '\n') if narrow or len(label) > 14 else label


def contrasts(analysis: dict[str, Any], styles: dict[str, Style], names: Sequence[str], pair: tuple[str, str],
              prefix: str) -> Markup:
    """The same contrast under each condition, both scopes."""
    rows, axis = [], across(analysis)
    for name in names:
        scopes = {one['scope']: one for one in analysis['contrasts']
                  if (one['condition'], one['a'], one['b'], one['endpoint']) == (name, *pair, axis.endpoint)
                  and one['family'] in OF_PAIRS}
        bars = tuple(bar({**scopes[scope], 'ci_low_simultaneous': None}, axis,
                         f'{scope}: {scopes[scope]["verdict"]}')
                     for scope in shown_scopes(analysis) if scope in scopes)
        if bars:
            rows.append(Row(cut(analysis['conditions'][name]['label'], 22), bars, other_of(analysis, pair)))

    def draw(fig: Figure, narrow: bool) -> None:
        ax = fig.add_subplot()
        fig.set_figheight(0.85 + (stacked(rows) if narrow else max(len(rows), 2) * 0.42))
        draw_rows(ax, rows, styles, above=narrow)
        labels = [cut(analysis['methods'][method]['label'], 14) for method in pair]
        ax.set_xlabel(f'{axis.difference_axis}\n{directions(axis, *labels)}')

    return figure(draw, prefix, f'Forest plot of one contrast under {len(rows)} conditions; the numbers are below.')
