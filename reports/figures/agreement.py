"""Bland-Altman plots as small multiples: a row per measurement, a column per method."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from ..palette import Style
from .base import GRID, INK, MUTED, figure, method_colour, short
from .parts import cut, fixed_panels, outer_labels, title

LINES = ('lower', 'bias', 'upper')


def bland_altman(analysis: dict[str, Any], styles: dict[str, Style], methods: Sequence[str], prefix: str) -> Markup:
    """Points, bias and limits of agreement with their intervals; axes are shared within a measurement."""
    items = {(one['measurement'], one['method']): one for one in analysis['agreement']['items']}
    measurements = [*dict.fromkeys(name for name, _ in items)]
    limits = {name: _limits([one for (of, _), one in items.items() if of == name and one['method'] in methods])
              for name in measurements}
    unit = analysis['agreement']['unit']

    def draw(fig: Figure, ax: Axes, narrow: bool) -> None:
        columns = len(methods) if len(methods) > 1 else 1 if len(measurements) < 2 else 2 if narrow else 3
        cells = [(name, method) for name in measurements for method in methods]
        rows = -(-len(cells) // columns)
        grid = fixed_panels(fig, ax, rows, columns, 1.05 if narrow else 1.3, top=0.45 if narrow else 0.4,
                            between=(0.12 if len(methods) > 1 else 0.42, 0.6 if narrow else 0.46)).ravel()
        for place, panel in enumerate(grid):
            if place >= len(cells):
                panel.remove()
                continue
            name, method = cells[place]
            _panel(panel, items[name, method], styles[method], limits[name])
            if len(methods) > 1 and place % columns:
                panel.set_yticklabels([])
            else:
                title(panel, _head(name, narrow and len(methods) == 1))
            if len(methods) > 1 and place < columns:
                _method(panel, analysis, styles, method)
        outer_labels(fig, f'mean of predicted and annotated ({unit})', f'predicted \u2212 annotated ({unit})')

    label = f'Bland-Altman plots of {len(measurements)} measurements, {len(methods)} methods; limits are in the table.'
    return figure(draw, prefix, label)


def _head(name: str, small: bool) -> str:
    """A measurement's name, on two lines where the panels are small."""
    return '\n'.join(textwrap.wrap(cut(name, 40), 20)[:2]) if small else cut(name, 44)


def _method(ax: Axes, analysis: dict[str, Any], styles: dict[str, Style], method: str) -> None:
    """The method's name in its colour, at the head of its column."""
    ax.annotate(short(analysis, method, 18), (0, 1), xycoords='axes fraction', xytext=(0, 17), fontsize=9,
                textcoords='offset points', color=method_colour(styles[method]), fontweight='bold')


def _limits(found: Sequence[dict[str, Any]]) -> tuple[tuple[float, float], tuple[float, float]]:
    """The axes that hold the points and limits of all methods in the figure."""
    points = np.array([point for one in found for point in one['points']], dtype=float)
    ends = [one[key] for one in found for key in ('lower_low', 'upper_high') if one[key] is not None]
    across = (points[:, 0].min(), points[:, 0].max())
    down = (min([points[:, 1].min(), 0.0, *ends]), max([points[:, 1].max(), 0.0, *ends]))
    return tuple((low - 0.05 * (high - low or 1.0), high + 0.05 * (high - low or 1.0)) for low, high in (across, down))


def _panel(ax: Axes, one: dict[str, Any], style: Style, limits: tuple) -> None:
    colour = method_colour(style)
    ax.axhline(0, color=INK, linewidth=0.8)
    for name in LINES:
        if one[f'{name}_low'] is not None:
            ax.axhspan(one[f'{name}_low'], one[f'{name}_high'], color=colour, alpha=0.16, linewidth=0)
        if one[name] is not None:
            ax.axhline(one[name], color=colour, linewidth=1.5, linestyle='-' if name == 'bias' else (0, (4, 2)))
    ax.add_patch(PathPatch(_dots(one['points']), facecolor='none', edgecolor=INK, linewidth=2.6, alpha=0.45,
                           capstyle='round'))
    ax.set(xlim=limits[0], ylim=limits[1])
    ax.locator_params(nbins=4)
    ax.grid(True, axis='y', color=GRID)
    ax.tick_params(color=MUTED)


def _dots(points: Sequence[Sequence[float]]) -> Path:
    """All points as one path of strokes without length: a few bytes each, drawn as dots by their round ends."""
    ends = np.repeat(np.asarray(points, dtype=float), 2, axis=0)
    return Path(ends, [Path.MOVETO, Path.LINETO] * len(points))
