"""Landmarks where they lie: sizes and colours by the error and by the difference between two methods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..numbers import form, primary
from ..palette import Style
from ..planned import scope_of
from .base import GRID, HEAT, INK, MUTED, PAPER, figure, method_colour, short, spread
from .parts import cut, panels, title
from .pointers import straight

#: With more landmarks their names can't be read.
MOST_NAMES = 80


def mean_shape(samples: Sequence[dict[str, Any]], names: Sequence[str]) -> np.ndarray | None:
    """Mean true positions after moving each sample to its centre and scaling it to the same size.

    Args:
        samples: ``samples`` of analysis.json.
        names: Landmarks wanted.

    Returns:
        K x 2, y downwards; None where no sample has all of the landmarks.
    """
    shapes = []
    for sample in samples:
        truth = dict(zip(sample['landmarks'], sample['truth'], strict=True))
        points = np.array([truth.get(name) or (None, None) for name in names], dtype=float)
        centred = points - points.mean(axis=0)
        size = np.sqrt((centred**2).sum(axis=1).mean())
        if np.isfinite(size) and size > 0:
            shapes.append(centred / size)
    return np.mean(shapes, axis=0) if shapes else None


def face(analysis: dict[str, Any], styles: dict[str, Style], method: str, pair: tuple[str, str] | None,
         prefix: str) -> Markup | None:
    """Mean error of a method per landmark, and beside it the difference of a pair; None without positions."""
    landmarks = analysis['landmarks']
    names = landmarks['names']
    points = mean_shape(analysis['samples'], names)
    if points is None:
        return None
    errors = [landmarks['methods'][method][name]['mean'] for name in names]

    def draw(fig: Figure, narrow: bool) -> None:
        named = len(names) <= MOST_NAMES
        tall = 2.5 if narrow else max(2.7, 0.5 + 0.12 * len(names) / 2) if named else 3.2
        count, most = 2 if pair else 1, 11.0 if narrow else 15.0
        grid = panels(fig, count, 1, tall * count).ravel()
        _errors(grid[0], points, errors, analysis, method, most)
        if pair:
            _differences(grid[1], points, analysis, styles, pair, most)
        for panel in grid:
            _frame(panel, points, names if named else [])

    return figure(draw, prefix, f'{len(names)} landmarks at their mean true positions; the numbers are in the table.')


def _errors(ax: Axes, points: np.ndarray, errors: Sequence[float], analysis: dict[str, Any], method: str,
            most: float) -> None:
    """The area follows the error, the depth of colour its place between the smallest and the largest.

    Rings follow the distance between annotators in the same way.
    """
    low, top = min(errors), max(errors) or 1.0
    between = (analysis.get('annotators') or {}).get('landmarks', {})
    rings = [between.get(name, {}).get('mean') for name in analysis['landmarks']['names']]
    whole = max([top, *filter(None, rings)])
    for (x, y), error, ring in zip(points, errors, rings, strict=True):
        size, depth = most * np.sqrt(error / whole), 0.12 + 0.83 * (error - low) / ((top - low) or 1.0)
        ax.plot(x, y, marker='o', markersize=size, markerfacecolor=PAPER, markeredgewidth=0)
        ax.plot(x, y, marker='o', markersize=size, markerfacecolor=(HEAT, depth), markeredgecolor=INK,
                markeredgewidth=0.6)
        if ring is not None:
            ax.scatter(x, y, s=most**2 * ring / whole, facecolors='none', edgecolors=INK, linestyles=':',
                       linewidths=1.2, zorder=3)
    title(ax, f'mean error of {short(analysis, method, 14)}')
    look = form(analysis, primary(analysis))
    ax.set_xlabel(f'pale to strong: {look.text(low)} to {look.text(top)} {look.unit}', fontsize=8)


def _differences(ax: Axes, points: np.ndarray, analysis: dict[str, Any], styles: dict[str, Style],
                 pair: tuple[str, str], most: float) -> None:
    """The colour and marker of the better method; filled where the adjusted p is below the level."""
    scope = scope_of(analysis, pair)
    found = {one['landmark']: one for one in analysis['landmarks']['contrasts']
             if (one['a'], one['b'], one['scope']) == (*pair, scope)}
    top = max((abs(one['estimate']) for one in found.values()), default=0.0) or 1.0
    for (x, y), name in zip(points, analysis['landmarks']['names'], strict=True):
        one = found.get(name)
        if one is None:
            continue
        style = styles[pair[0] if one['estimate'] < 0 else pair[1]]
        sure = one['p_adjusted'] is not None and one['p_adjusted'] < analysis['alpha']
        colour = method_colour(style)
        ax.plot(x, y, marker=style.marker, markersize=most * np.sqrt(abs(one['estimate']) / top),
                markerfacecolor=colour if sure else PAPER, markeredgecolor=colour, markeredgewidth=1.2)
    title(ax, f'{short(analysis, pair[0], 14)} \u2212 {short(analysis, pair[1], 14)}')
    look = form(analysis, primary(analysis))
    ax.set_xlabel(f'area: size of the difference, at most {look.text(top)} {look.difference}', fontsize=8)


def _frame(ax: Axes, points: np.ndarray, names: Sequence[str]) -> None:
    """Equal scales, no axes, and the names at both sides with lines to their landmarks."""
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    width, height = max(right - left, 1e-6), max(bottom - top, 1e-6)
    ax.set_aspect('equal')
    middle = float(np.median(points[:, 0]))
    order = sorted(range(len(names)), key=lambda index: (points[index, 0] - middle, index))
    for side, chosen in ((-1, order[: len(order) // 2]), (1, order[len(order) // 2:])):
        chosen = sorted(chosen, key=lambda index: points[index, 1])
        edge = (left - 0.2 * width) if side < 0 else (right + 0.2 * width)
        gap = 1.2 * height / max(len(chosen), 12)
        heights = spread([float(points[index, 1]) for index in chosen], gap)
        for index, place in zip(chosen, heights, strict=True):
            ax.annotate(cut(names[index], 20), points[index], xytext=(edge, place), va='center',
                        ha='right' if side < 0 else 'left', fontsize=6.8, color=INK,
                        arrowprops={'arrowstyle': '-', 'connectionstyle': straight, 'color': MUTED, 'linewidth': 0.4,
                                    'shrinkA': 1, 'shrinkB': 1})
    ax.set(xlim=(left - 0.12 * width, right + 0.12 * width), ylim=(bottom + 0.12 * height, top - 0.12 * height),
           xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set_color(GRID)
        spine.set_visible(not names)
