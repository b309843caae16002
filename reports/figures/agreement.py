"""Bland-Altman plots as small multiples: a row per measurement, a column per method."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure

from benchmark.utils.measurement import DEGREES, RATIO

from ..palette import Style
from .base import INK, MUTED, figure, method_colour, short
from .parts import cut, outer_labels
from .tiles import AREAS, Tile, Tiles

LINES = ('lower', 'bias', 'upper')
#: How units beside that of lengths are marked.
MARKS = {DEGREES: '\u00b0', RATIO: 'ratio'}


def bland_altman(analysis: dict[str, Any], styles: dict[str, Style], methods: Sequence[str], prefix: str) -> Markup:
    """Points, bias and limits of agreement with their intervals; axes are shared within a measurement."""
    items = {(one['measurement'], one['method']): one for one in analysis['agreement']['items']}
    measurements = [*dict.fromkeys(name for name, _ in items)]
    observed: dict[str, list[float]] = {}
    for one in analysis['agreement'].get('annotators', []):
        observed.setdefault(one['measurement'], []).extend([one['lower'], one['upper']])
    limits = {name: _limits([one for (of, _), one in items.items() if of == name and one['method'] in methods],
                            observed.get(name, []))
              for name in measurements}
    kinds = {one['unit'] for one in items.values()}
    unit = analysis['agreement']['unit'] + ''.join(f' or {word}' for kind, word in MARKS.items() if kind in kinds)

    def draw(fig: Figure, narrow: bool) -> None:
        several = len(methods) > 1
        columns = len(methods) if several else 1 if len(measurements) < 2 else 2 if narrow else 3
        cells = [(name, method) for name in measurements for method in methods]
        tiles = Tiles(fig, -(-len(cells) // columns), columns, 1.05 if narrow else 1.3, top=0.5 if narrow else 0.45,
                      between=(0.12 if several else 0.42, 0.6 if narrow else 0.46))
        for place, (name, method) in enumerate(cells):
            tile, first = tiles.tile(place, *limits[name]), not (several and place % columns)
            _panel(tiles, tile, items[name, method], styles[method], observed.get(name, []))
            tiles.frame(tile, numbers=first)
            if first:
                mark = MARKS.get(items[name, method]['unit'], '')
                mark = f' ({mark})' if mark else ''
                tiles.title(tile, _head(name + mark, narrow and not several))
            if several and place < columns:
                tiles.text(tile.left, tile.top + 21, short(analysis, method, 18), fontsize=9, fontweight='bold',
                           color=method_colour(styles[method]))
        tiles.finish()
        outer_labels(fig, f'mean of predicted and annotated ({unit})', f'predicted \u2212 annotated ({unit})')

    label = f'Bland-Altman plots of {len(measurements)} measurements, {len(methods)} methods; limits are in the table.'
    return figure(draw, prefix, label)


def _head(name: str, small: bool) -> str:
    """A measurement's name, on two lines where the panels are small."""
    return '\n'.join(textwrap.wrap(cut(name, 40), 20)[:2]) if small else cut(name, 44)


def _limits(found: Sequence[dict[str, Any]],
            observed: Sequence[float]) -> tuple[tuple[float, float], tuple[float, float]]:
    """The axes that hold the points and limits of all methods in the figure, and the annotators' own limits."""
    points = np.array([point for one in found for point in one['points']], dtype=float)
    ends = [one[key] for one in found for key in ('lower_low', 'upper_high') if one[key] is not None]
    ends += observed
    across = (float(points[:, 0].min()), float(points[:, 0].max()))
    down = (min([points[:, 1].min(), 0.0, *ends]), max([points[:, 1].max(), 0.0, *ends]))
    return _padded(*across), _padded(*down)


def _padded(low: float, high: float) -> tuple[float, float]:
    room = 0.05 * (high - low or 1.0)
    return low - room, high + room


def _panel(tiles: Tiles, tile: Tile, one: dict[str, Any], style: Style, observed: Sequence[float]) -> None:
    """The points over the intervals of bias and limits, and the annotators' own limits."""
    colour = method_colour(style)

    def across(value: float, **look: Any) -> None:
        y = tile.y(value)
        tiles.strokes([(tile.left, y), (tile.right, y)], **look)

    across(0, edgecolor=MUTED, linewidth=0.8)
    for name in LINES:
        if one[f'{name}_low'] is not None:
            low, high = tile.y([one[f'{name}_low'], one[f'{name}_high']])
            tiles.area(tile.left, low, tile.right, high, facecolor=colour, alpha=0.16)
        if one[name] is not None:
            across(one[name], edgecolor=colour, linewidth=1.5, linestyle='-' if name == 'bias' else (0, (4, 2)))
    for value in observed:
        across(value, edgecolor=INK, linewidth=1.0, linestyle=(0, (1, 1.6)))
    points = np.asarray(one['points'], dtype=float)
    # Strokes without length: a few bytes each, drawn as dots by their round ends.
    tiles.strokes(np.repeat(np.column_stack([tile.x(points[:, 0]), tile.y(points[:, 1])]), 2, axis=0), AREAS,
                  edgecolor=INK, linewidth=2.6, alpha=0.45, capstyle='round')
