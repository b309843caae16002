"""Lines over an axis of numbers: error distributions and learning curves."""

from __future__ import annotations

from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, PercentFormatter

from ..palette import Style
from ..units import across
from .ablations import places
from .base import (
    ANNOTATORS,
    INK,
    MUTED,
    annotators_line,
    figure,
    floor_line,
    label_ends,
    line_style,
    method_colour,
    short,
)

#: With more methods than this, bands would hide each other.
BANDS = 8


def ced(analysis: dict[str, Any], styles: dict[str, Style], condition: str, prefix: str) -> Markup:
    """Cumulative error distributions: mean over seeds, band from the lowest to the highest seed."""
    curves, threshold = analysis['conditions'][condition]['ced'], analysis['threshold']
    names, end = named(analysis, condition), end_of(analysis, condition)
    # In the corner where the axes stay empty only if the curves have risen before.
    steep = all(np.interp(0.6 * end, curves[name]['x'], curves[name]['mean']) > 0.75 for name in names)

    def draw(fig: Figure, narrow: bool) -> None:
        ax = fig.add_subplot()
        ax.patch.set_gid('area')  # the script that reads the curves off finds the axes by it
        for place, name in enumerate(names):
            curve, style = curves[name], styles[name]
            if len(names) <= BANDS:
                ax.fill_between(curve['x'], curve['low'], curve['high'], step='post', color=method_colour(style),
                                alpha=0.13, linewidth=0)
            every = (6 + 2 * place % 24, 16 if len(names) <= BANDS else 40)
            ax.plot(curve['x'], curve['mean'], markevery=every, label=short(analysis, name), drawstyle='steps-post',
                    **{**line_style(style), **({} if len(names) <= BANDS else {'linewidth': 1})})
        if analysis.get('annotators') and condition == analysis['main_condition']:
            observed = analysis['annotators']['ced']
            ax.plot(observed['x'], observed['mean'], color=INK, linewidth=1, linestyle=(0, (5, 2)), label=ANNOTATORS,
                    drawstyle='steps-post')
        ax.axvline(threshold, color=MUTED, linewidth=0.8, linestyle=(0, (2, 2)))
        ax.text(threshold, 1.03, f't = {threshold:g}', ha='center', va='bottom', color=MUTED, fontsize=8)
        ax.set(xlim=(0, end), ylim=(0, 1.02), xlabel=f'image error ({analysis["unit"]})',
               ylabel='images with at most this error')
        ax.yaxis.set_major_formatter(PercentFormatter(1, symbol=' %'))
        ax.grid(True)
        _legend(fig, ax, len(names), narrow, steep)

    label = (
        f'Cumulative error distributions of {len(names)} methods; the numbers are in the tables of this page.'
    )
    return figure(draw, prefix, label, None)


def _legend(fig: Figure, ax: Axes, count: int, narrow: bool, inside: bool) -> None:
    """A legend that has room: in the empty corner, at the right, or in columns below a higher figure."""
    if not narrow and count <= BANDS and inside:
        ax.legend(loc='lower right', handlelength=3.6, labelspacing=0.55)
    elif not narrow and count <= 16:
        fig.legend(loc='outside right center', handlelength=3.2)
    else:
        columns = 2 if narrow else 4
        fig.set_figheight(fig.get_figheight() + max(0, -(-count // columns) - 4) * 0.165)
        fig.legend(loc='outside lower center', ncols=columns, handlelength=3.2 if not narrow or count <= 16 else 2.2,
                   columnspacing=1.2)


def named(analysis: dict[str, Any], condition: str) -> list[str]:
    """The methods with results under a condition."""
    return [name for name in analysis['order']['methods'] if name in analysis['conditions'][condition]['ced']]


def end_of(analysis: dict[str, Any], condition: str) -> float:
    """Where the axis of errors ends: beyond the threshold, and where every curve has reached 1."""
    curves = analysis['conditions'][condition]['ced']
    return max([1.25 * float(analysis['threshold'])] + [_first_full(curve) for curve in curves.values()])


def learning_curve(analysis: dict[str, Any], styles: dict[str, Style], prefix: str) -> Markup:
    """ME against the value of the condition, in one unit where inputs differ; error bars are the seed SD."""
    curve, axis = analysis['learning_curve'], across(analysis)
    x, _, log = places(analysis, curve['conditions'])
    names = [
        name
        for name in analysis['order']['methods']
        if any(v is not None for v in curve['methods'][name]['mean'])
    ]

    def draw(fig: Figure, narrow: bool) -> None:
        ax = fig.add_subplot()
        ends = {}
        for place, name in enumerate(names):
            line, style = curve['methods'][name], styles[name]
            dodge = (place - (len(names) - 1) / 2) * 0.011
            at = x * np.exp(dodge * 1.2) if log else x + dodge * np.ptp(x)
            mean, spread = (np.array([np.nan if v is None else axis.factor * v for v in line[part]], dtype=float)
                            for part in ('mean', 'seed_sd'))
            ax.errorbar(
                at,
                mean,
                yerr=spread,
                elinewidth=0.9,
                capsize=1.8,
                label=short(analysis, name),
                **line_style(style),
            )
            last = np.flatnonzero(np.isfinite(mean))[-1]
            ends[name] = (at[last], mean[last])
        if log:
            ax.set_xscale('log')
        ax.xaxis.set_major_locator(FixedLocator([*x]))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.set_xticks([*x], [f'{value:g}' for value in curve['x']])
        ax.set(
            xlabel=_value_label(analysis) + (' (log scale)' if log else ''),
            ylabel=f'{axis.axis}, {axis.direction}',
        )
        ax.grid(True)
        if axis.own:
            floor_line(ax, analysis, horizontal=True)
            annotators_line(ax, analysis, horizontal=True)
        if narrow:
            fig.legend(loc='outside lower center', ncols=2, handlelength=3.2)
        else:
            label_ends(ax, analysis, ends)

    return figure(draw, prefix, f'{axis.head} of {len(names)} methods against {_value_label(analysis)}.')


def _first_full(curve: dict[str, Any]) -> float:
    """Where every seed of a method has reached 1, or the last point."""
    full = np.flatnonzero(np.asarray(curve['low']) >= 1)
    return float(curve['x'][full[0] if len(full) else -1])


def _value_label(analysis: dict[str, Any]) -> str:
    return str(analysis['learning_curve']['label'])
