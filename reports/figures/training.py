"""How the networks trained: losses and the regularisers' gradient ratios against progress."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator, PercentFormatter

from ..palette import Style
from .base import INK, MUTED, figure, line_style, method_colour, short
from .curves import BANDS
from .parts import cut, panels, title

MOST_PANELS = 12
Curves = dict[str, dict[str, list[float]]]


def losses(analysis: dict[str, Any], styles: dict[str, Style], curves: Curves, what: str, prefix: str) -> Markup:
    """One quantity of every method against progress, on a log scale; bands are the range over seeds.

    Args:
        analysis: Content of analysis.json.
        styles: Method -> how it is drawn.
        curves: Method -> ``progress``, ``median``, ``low``, ``high``.
        what: The quantity, for the axis.
        prefix: Unique on the page.
    """

    def draw(fig: Figure, narrow: bool) -> None:
        ax = fig.add_subplot()
        _lines(ax, analysis, styles, curves)
        _decades(ax)
        ax.set(xlabel='progress of training', ylabel=f'{what} (log scale)')
        _legend(fig, ax, narrow)

    return figure(draw, prefix, f'{what} of {len(curves)} methods against the progress of training.')


def ratios(analysis: dict[str, Any], styles: dict[str, Style], regularisers: dict[str, Curves], prefix: str) -> Markup:
    """Gradient ratios against progress, a panel per regulariser, with a line where it equals the heatmap loss.

    Args:
        analysis: Content of analysis.json.
        styles: Method -> how it is drawn.
        regularisers: Name -> method -> its curve.
        prefix: Unique on the page.
    """
    shown = dict([*regularisers.items()][:MOST_PANELS])
    everything = [value for curves in shown.values() for curve in curves.values()
                  for key in ('low', 'high') for value in curve[key] if value > 0]
    low, high = min([*everything, 0.5]), max([*everything, 2.0])

    def draw(fig: Figure, narrow: bool) -> None:
        columns = 1 if narrow else min(2, len(shown))
        rows = math.ceil(len(shown) / columns)
        grid = panels(fig, rows, columns, (2.1 if narrow else 2.3) * rows + 0.6, sharex=True, sharey=True)
        for panel, (name, curves) in zip(grid.ravel(), shown.items(), strict=False):
            _lines(panel, analysis, styles, curves)
            panel.axhline(1, color=INK, linewidth=0.8, linestyle=(0, (5, 3)), zorder=1.5)
            panel.annotate('as strong as L_R', (1, 1), xycoords=panel.get_yaxis_transform(), xytext=(-2, 2),
                           textcoords='offset points', ha='right', color=MUTED, fontsize=7.5)
            panel.set_ylim(low / 1.6, high * 2)
            _decades(panel)
            title(panel, cut(f'regulariser {name}', 40))
        for panel in grid.ravel()[len(shown):]:
            panel.remove()
        for panel in grid.ravel()[:len(shown)][-columns:]:
            panel.set_xlabel('progress of training')
            panel.tick_params(labelbottom=True)
        fig.supylabel('gradient over that of L_R (log scale)', fontsize=8.5)
        _legend(fig, grid.ravel()[:len(shown)], narrow)

    return figure(draw, prefix, f'Gradient ratios of {len(shown)} regularisers against the progress of training.')


def _lines(ax: Axes, analysis: dict[str, Any], styles: dict[str, Style], curves: Curves) -> None:
    """Median and range over seeds of each method; what is 0 has no place on a log scale."""
    for place, (name, curve) in enumerate(curves.items()):
        low, median, high = (np.where(np.greater(curve[key], 0), curve[key], np.nan)
                             for key in ('low', 'median', 'high'))
        if len(curves) <= BANDS:
            ax.fill_between(curve['progress'], low, high, color=method_colour(styles[name]), alpha=0.13, linewidth=0)
        many = len(median) > 12
        ax.plot(curve['progress'], median, label=short(analysis, name), markevery=(place % 8, 8) if many else 1,
                **{**line_style(styles[name]), **({} if len(curves) <= BANDS else {'linewidth': 1})})
    ax.set(yscale='log', xlim=(0, 1))
    ax.xaxis.set_major_formatter(PercentFormatter(1))
    ax.grid(True)


def _decades(ax: Axes) -> None:
    """Ticks of the log axis: decades, or more of each where there are few."""
    low, high = ax.get_ylim()
    decades = math.log10(high / low)
    steps = (1, 1.5, 2, 3, 5, 7) if decades < 1 else (1, 2, 5) if decades < 2.5 else (1,)
    ax.yaxis.set_major_locator(LogLocator(subs=steps, numticks=12))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f'{value:g}'))
    ax.yaxis.set_minor_formatter(NullFormatter())


def _legend(fig: Figure, axes: Any, narrow: bool) -> None:
    """Each method once, at the right or in columns below a higher figure."""
    found: dict[str, Any] = {}
    for ax in np.atleast_1d(axes):
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    options = {'handles': [*found.values()], 'labels': [*found], 'handlelength': 3.2}
    if not narrow and len(found) <= 16:
        fig.legend(loc='outside right center', **options)
        return
    columns = 2 if narrow else 4
    fig.set_figheight(fig.get_figheight() + max(0, -(-len(found) // columns) - 2) * 0.165)
    fig.legend(loc='outside lower center', ncols=columns, columnspacing=1.2, **options)
