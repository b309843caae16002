"""Where the uncertainty comes from, and what more seeds would do."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from ..numbers import form, in_brackets, primary
from ..palette import Style
from ..planned import other_of
from .base import GRID, INK, MUTED, PAPER, figure, method_colour, short
from .parts import bare, cut, fixed_panels, outer_labels, pair_label, panels, title

#: Component -> name, colour, hatch: told apart without colour.
PARTS = {
    'method_by_image': ('{}s', MUTED, None),
    'residual': ('network on {}', PAPER, '///'),
    'seed': ('seeds', INK, None),
}
COMPONENTS = ('image', 'seed', 'residual')
MOST_PANELS = 12


def shares(analysis: dict[str, Any], endpoint: str, prefix: str) -> Markup | None:
    """Shares of V per contrast as stacked bars; None where none is estimable."""
    items = [one for one in analysis['variance_components'][endpoint]['contrasts'] if one['seed'] is not None]
    if not items:
        return None

    def draw(fig: Figure, narrow: bool) -> None:
        ax = fig.add_subplot()
        fig.set_figheight(0.95 + (0.3 if len(items) <= 15 else 0.2) * len(items))
        starts = np.zeros(len(items))
        for part, (name, colour, hatch) in PARTS.items():
            widths = np.array([one[part] for one in items], dtype=float)
            ax.barh(range(len(items)), widths, 0.62, left=starts, facecolor=colour, hatch=hatch, edgecolor=INK,
                    linewidth=0.6, label=name.format(analysis['unit_of_analysis']))
            starts += widths
        names = [pair_label(analysis, (one['a'], one['b']), 10 if narrow else 16) for one in items]
        ax.set_yticks(range(len(items)), names)
        ax.set(ylim=(len(items) - 0.5, -0.5), xlim=(0, 1), xlabel='share of the variance of the difference')
        ax.xaxis.set_major_formatter(lambda value, _: f'{100 * value:.0f} %')
        bare(ax)
        fig.legend(loc='outside upper left', ncols=3, handlelength=1.4, columnspacing=1.4)

    return figure(draw, prefix, f'Shares of the variance of {len(items)} contrasts; the numbers are in the table.')


def components(analysis: dict[str, Any], styles: dict[str, Style], endpoint: str, prefix: str) -> Markup:
    """Standard deviations of each method by component, a panel each, all from 0."""
    blocks = analysis['variance_components'][endpoint]['methods']
    names = [name for name in analysis['order']['methods'] if name in blocks]
    labels = {'image': f'between {analysis["unit_of_analysis"]}s', 'seed': 'between seeds',
              'residual': f'network on {analysis["unit_of_analysis"]}'}

    def draw(fig: Figure, narrow: bool) -> None:
        tall = 0.72 + 0.24 * max(len(names), 2)
        shape = (len(COMPONENTS), 1) if narrow else (1, len(COMPONENTS))
        grid = panels(fig, *shape, tall * shape[0]).ravel()
        for place, (panel, part) in enumerate(zip(grid, COMPONENTS, strict=True)):
            known = [(row, blocks[name][part]) for row, name in enumerate(names) if blocks[name][part] is not None]
            for row, value in known:
                style, sd = styles[names[row]], math.sqrt(value)
                panel.plot([0, sd], [row, row], color=GRID, linewidth=0.8, zorder=1)
                panel.plot(sd, row, marker=style.marker, color=method_colour(style), markersize=5.5, clip_on=False)
            panel.set_yticks(range(len(names)), [short(analysis, name, 12 if narrow else 16) for name in names])
            if place and not narrow:
                panel.set_yticklabels([])
            top = max([math.sqrt(value) for _, value in known], default=0.0)
            panel.set(ylim=(len(names) - 0.5, -0.6), xlim=(0, 1.1 * top if top else 1.0))
            panel.locator_params(axis='x', nbins=4)
            bare(panel)
            title(panel, labels[part])
            panel.set_xlabel(f'SD{in_brackets(form(analysis, endpoint).unit)}')

    return figure(draw, prefix, f'Standard deviations of {len(names)} methods between images and between seeds.')


def planner(analysis: dict[str, Any], styles: dict[str, Style], items: list[dict[str, Any]], prefix: str) -> Markup:
    """The smallest difference found with 80 % power against the number of seeds, a panel per contrast."""
    items, unit = items[:MOST_PANELS], form(analysis, primary(analysis)).difference

    def draw(fig: Figure, narrow: bool) -> None:
        columns = min(len(items), 2 if narrow else 3)
        rows = math.ceil(len(items) / columns)
        tall = 2.0 if rows == 1 else 1.15 if narrow else 1.4
        grid = fixed_panels(fig, rows, columns, tall, left=0.78, between=(0.45, 0.36))
        for place, panel in enumerate(grid.ravel()):
            if place >= len(items):
                panel.remove()
                continue
            _plan(panel, analysis, styles, items[place], place >= len(items) - columns)
        outer_labels(fig, 'seeds per method (log scale)', f'smallest difference\nfound{in_brackets(unit)}')

    return figure(draw, prefix, f'Smallest difference found with 80 % power against the seeds, {len(items)} contrasts.')


def _plan(ax: Axes, analysis: dict[str, Any], styles: dict[str, Style], one: dict[str, Any], ticks: bool) -> None:
    points = [(point['n_seeds'], point['detectable']) for point in one['grid'] if point['detectable'] is not None]
    style = styles[other_of(analysis, (one['a'], one['b']))]
    colour = method_colour(style)
    ax.plot(*zip(*points, strict=True), color=colour, linewidth=1.4)
    if one['floor_seeds'] is not None:
        ax.axhline(one['floor_seeds'], color=MUTED, linewidth=0.8, linestyle=(0, (1, 2)))
    ax.axhline(one['target'], color=INK, linewidth=0.8, linestyle=(0, (5, 3)))
    if one['detectable'] is not None:
        ax.plot(one['n_seeds'], one['detectable'], marker=style.marker, color=colour, markersize=7)
    values = [value for seeds, value in points if seeds >= min(3, one['n_seeds'])]
    top = 1.15 * max([*values, one['target']])
    ax.set(xscale='log', ylim=(0, top))
    ax.xaxis.set_major_locator(FixedLocator([2, 3, 5, 10, 20, 50]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xticks([2, 3, 5, 10, 20, 50], ['2', '3', '5', '10', '20', '50'])
    ax.tick_params(axis='x', labelbottom=ticks)
    ax.locator_params(axis='y', nbins=4)
    ax.grid(True, axis='y')
    title(ax, cut(pair_label(analysis, (one['a'], one['b']), 12), 26))
