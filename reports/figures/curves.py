"""Lines over an axis of numbers: error distributions and learning curves."""

from __future__ import annotations

from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, PercentFormatter

from ..palette import Style
from .base import MUTED, figure, floor_line, label_ends, line_style, method_colour, short


def ced(analysis: dict[str, Any], styles: dict[str, Style], condition: str, prefix: str) -> Markup:
    """Cumulative error distributions: mean over seeds, band from the lowest to the highest seed."""
    curves, threshold, unit = (
        analysis['conditions'][condition]['ced'],
        analysis['threshold'],
        analysis['unit'],
    )
    names = [name for name in analysis['order']['methods'] if name in curves]
    end = max([1.25 * threshold] + [_first_full(curves[name]) for name in names])
    # In the corner where the axes stay empty only if the curves have risen before.
    steep = all(np.interp(0.6 * end, curves[name]['x'], curves[name]['mean']) > 0.75 for name in names)

    def draw(fig: Figure, ax: Axes, narrow: bool) -> None:
        for place, name in enumerate(names):
            curve, style = curves[name], styles[name]
            look = {'color': method_colour(style), 'alpha': 0.13, 'linewidth': 0}
            ax.fill_between(curve['x'], curve['low'], curve['high'], step='post', **look)
            ax.plot(
                curve['x'],
                curve['mean'],
                markevery=(6 + 2 * place, 16),
                label=short(analysis, name),
                drawstyle='steps-post',
                **line_style(style),
            )
        ax.axvline(threshold, color=MUTED, linewidth=0.8, linestyle=(0, (2, 2)))
        ax.text(threshold, 1.03, f't = {threshold:g}', ha='center', va='bottom', color=MUTED, fontsize=8)
        ax.set(
            xlim=(0, end),
            ylim=(0, 1.02),
            xlabel=f'image error ({unit})',
            ylabel='images with at most this error',
        )
        ax.yaxis.set_major_formatter(PercentFormatter(1))
        ax.grid(True)
        if narrow:
            fig.legend(loc='outside lower center', ncols=2, handlelength=3.2)
        elif len(names) > 8 or not steep:
            fig.legend(loc='outside right center', handlelength=3.2)
        else:
            ax.legend(loc='lower right', handlelength=3.6, labelspacing=0.55)

    label = (
        f'Cumulative error distributions of {len(names)} methods; the numbers are in the tables of this page.'
    )
    return figure(draw, prefix, label, None)


def learning_curve(analysis: dict[str, Any], styles: dict[str, Style], prefix: str) -> Markup:
    """ME against the value of the condition; error bars are the seed SD."""
    curve, unit = analysis['learning_curve'], analysis['unit']
    x = np.asarray(curve['x'], dtype=float)
    names = [
        name
        for name in analysis['order']['methods']
        if any(v is not None for v in curve['methods'][name]['mean'])
    ]
    log = x.min() > 0 and x.max() / x.min() >= 4

    def draw(fig: Figure, ax: Axes, narrow: bool) -> None:
        ends = {}
        for place, name in enumerate(names):
            line, style = curve['methods'][name], styles[name]
            dodge = (place - (len(names) - 1) / 2) * 0.011
            at = x * np.exp(dodge * 1.2) if log else x + dodge * np.ptp(x)
            mean = np.array([np.nan if v is None else v for v in line['mean']], dtype=float)
            spread = np.array([np.nan if v is None else v for v in line['seed_sd']], dtype=float)
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
        ax.set_xticks([*x], [f'{value:g}' for value in x])
        ax.set(
            xlabel=_value_label(analysis) + (' (log scale)' if log else ''),
            ylabel=f'ME ({unit}), lower is better',
        )
        ax.grid(True)
        floor_line(ax, analysis, horizontal=True)
        if narrow:
            fig.legend(loc='outside lower center', ncols=2, handlelength=3.2)
        else:
            label_ends(ax, analysis, ends)

    return figure(draw, prefix, f'Mean error of {len(names)} methods against {_value_label(analysis)}.')


def _first_full(curve: dict[str, Any]) -> float:
    """Where every seed of a method has reached 1, or the last point."""
    full = np.flatnonzero(np.asarray(curve['low']) >= 1)
    return curve['x'][full[0]] if len(full) else curve['x'][-1]


def _value_label(analysis: dict[str, Any]) -> str:
    return analysis['learning_curve']['label']
