"""All pairs at a glance, and the critical-difference diagram."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from benchmark.statistics.terms import PAIRS, PROCEDURE

from ..numbers import Form, form, primary, probability
from ..palette import Style
from ..planned import shown_scopes
from .base import COOL, GRID, INK, MUTED, PAPER, Look, figure, line_style, method_colour, short

#: With more methods the map has marks only, and the critical-difference diagram would not be legible.
NUMBERED, MOST_RANKED = 9, 16
#: Class of a cell -> opacity of its colour.
SHADES = {'holm': 0.45, 'plain': 0.16, 'open': 0.0}
Cells = dict[tuple[int, int], dict[str, Any]]


def cells(analysis: dict[str, Any]) -> Cells:
    """(row, column) in the order of the ranking -> contrast: procedure below the diagonal, networks above it."""
    place = {name: index for index, name in enumerate(analysis['ranking']['order'])}
    found = {}
    for one in analysis['contrasts']:
        if one['scope'] not in shown_scopes(analysis):
            continue
        if one['family'] == PAIRS and one['endpoint'] == primary(analysis) and {one['a'], one['b']} <= set(place):
            first, last = sorted((place[one['a']], place[one['b']]))
            found[(last, first) if one['scope'] == PROCEDURE else (first, last)] = one
    return found


def kind_of(one: dict[str, Any], alpha: float) -> str | None:
    """holm: adjusted p below alpha; plain: p below alpha; open; None where it is not estimable."""
    if one['p'] is None:
        return None
    return 'holm' if one['p_adjusted'] < alpha else 'plain' if one['p'] < alpha else 'open'


def pairs_map(analysis: dict[str, Any], styles: dict[str, Style], prefix: str) -> Markup:
    """A cell per pair and scope: how much the better one is ahead, with p and a mark."""
    order, found, look = analysis['ranking']['order'], cells(analysis), form(analysis, primary(analysis))

    def draw(fig: Figure, narrow: bool) -> None:
        ax = fig.add_subplot()
        count = len(order)
        numbered = count <= NUMBERED
        fig.set_figheight((0.95 + 0.4 * count) if numbered else 3.3 if narrow else 6.6)
        for kind, opacity in SHADES.items():
            _boxes(ax, [at for at, one in found.items() if kind_of(one, analysis['alpha']) == kind], opacity)
        for (row, column), one in found.items():
            if numbered:
                _words(ax, row, column, one, kind_of(one, analysis['alpha']), look, narrow and count > 5)
        if not numbered:
            _marks(ax, found, analysis['alpha'], 60 / count if narrow else 110 / count)
        for index, name in enumerate(order):
            ax.plot(index, index, clip_on=False, **{**line_style(styles[name]), 'markersize': min(6, 130 / count)})
        size: Look = {'fontsize': 8 if count <= 20 else 4.2 if narrow else 6.3}
        ax.set_yticks(range(count), [short(analysis, name, 11 if narrow else 16) for name in order], **size)
        upright = narrow or not numbered
        names = [short(analysis, name, 14 if upright else max(5, 78 // count)) for name in order]
        ax.set_xticks(range(count), names, rotation=90 if upright else 0, **size)
        ax.xaxis.tick_top()
        ax.tick_params(length=0)
        ax.set(xlim=(-0.5, max(count, 5) - 0.5), ylim=(count - 0.5, -0.5))
        for side in ax.spines.values():
            side.set_visible(False)
        above = ('\n' if narrow else '; ') + 'above: networks' if len(shown_scopes(analysis)) > 1 else ''
        ax.set_xlabel(f'below the diagonal: procedure{above}', fontsize=8)

    return figure(draw, prefix, f'Map of all pairs of {len(order)} methods; differences and p-values are in the table.')


def _boxes(ax: Axes, places: Sequence[tuple[int, int]], opacity: float) -> None:
    """All cells of a kind as one path."""
    points: list[tuple[float, float]] = []
    codes: list[np.uint8] = []
    for row, column in places:
        left, top, right, bottom = column - 0.47, row - 0.47, column + 0.47, row + 0.47
        points += [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
        codes += [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY]
    if points:
        shape = Path(points, codes)
        if opacity:
            ax.add_patch(PathPatch(shape, facecolor=COOL, alpha=opacity, linewidth=0))
        ax.add_patch(PathPatch(shape, facecolor='none', edgecolor=GRID, linewidth=0.6))


def _words(ax: Axes, row: int, column: int, one: dict[str, Any], kind: str | None, look: Form,
           small: bool) -> None:
    """The difference, p and the mark of a cell."""
    weight: Look = {'fontweight': 'bold'} if kind == 'holm' else {}
    mark = {'holm': '\u25cf ', 'plain': '\u25cb ', 'open': '', None: ''}[kind]
    size = look.text(abs(one['estimate']))
    if small:
        ax.text(column, row, f'{mark.strip()}\n{size}'.strip(), ha='center', va='center', fontsize=6.2, **weight)
        return
    ax.text(column, row - 0.19, f'{mark}{size}', ha='center', va='center', fontsize=7.8, **weight)
    p = 'no test' if one['p'] is None else f'p {probability(one["p"])}'
    ax.text(column, row + 0.21, p, ha='center', va='center', fontsize=6.8, color=INK)


def _marks(ax: Axes, found: Cells, alpha: float, size: float) -> None:
    for kind, face in (('holm', INK), ('plain', PAPER)):
        places = [at for at, one in found.items() if kind_of(one, alpha) == kind]
        ax.plot([column for _, column in places], [row for row, _ in places], marker='o', markersize=size,
                linestyle='none', markerfacecolor=face, markeredgecolor=INK, markeredgewidth=0.5)


def critical_difference(analysis: dict[str, Any], styles: dict[str, Style], prefix: str) -> Markup | None:
    """Mean ranks on a line; bars join methods that Nemenyi's test does not tell apart. None for too many methods."""
    friedman = analysis['ranking']['friedman']
    if not friedman or not 2 <= len(friedman['mean_ranks']) <= MOST_RANKED:
        return None
    ranks = sorted(friedman['mean_ranks'].items(), key=lambda item: item[1])
    distance = friedman['critical_difference']
    groups = cliques([rank for _, rank in ranks], distance)
    half = (len(ranks) + 1) // 2

    def draw(fig: Figure, narrow: bool) -> None:
        ax = fig.add_subplot()
        top = 0.7 + 0.34 * len(groups)
        fig.set_figheight(0.75 + 0.13 * len(groups) + 0.21 * half)
        ax.plot([1, len(ranks)], [0, 0], color=INK, linewidth=1)
        for tick in range(1, len(ranks) + 1):
            ax.plot([tick, tick], [0, -0.25], color=INK, linewidth=0.8)
            ax.text(tick, -0.4, str(tick), ha='center', va='bottom', fontsize=8)
        for level, (low, high) in enumerate(groups):
            height = 0.45 + 0.34 * level
            ax.plot([low - 0.03, high + 0.03], [height] * 2, color=INK, linewidth=2.6, solid_capstyle='butt')
        for place, (name, rank) in enumerate(ranks):
            left = place < half
            row = top + (place if left else len(ranks) - 1 - place) * 0.62
            edge = 0.75 if left else len(ranks) + 0.25
            ax.plot([rank, rank, edge], [0, row, row], color=method_colour(styles[name]), linewidth=1)
            ax.plot(rank, 0, marker=styles[name].marker, color=method_colour(styles[name]), clip_on=False, zorder=5)
            words = [short(analysis, name, 9 if narrow else 13), f'{rank:.2f}']
            ax.text(edge + (-0.06 if left else 0.06), row, '  '.join(words if left else words[::-1]),
                    ha='right' if left else 'left', va='center', fontsize=8)
        ax.plot([1, 1 + distance], [-1.5] * 2, color=MUTED, linewidth=1.4, marker='|', markersize=6)
        ax.text(1 + distance, -1.5, f'  critical difference {distance:.2f}', va='center', fontsize=8, color=MUTED)
        ax.set(xlim=(0.7, len(ranks) + 0.3), ylim=(top + 0.62 * (half - 1) + 0.4, -1.9))
        ax.axis('off')

    return figure(draw, prefix, f'Critical-difference diagram of {len(ranks)} methods; mean ranks are in the table.')


def cliques(ranks: Sequence[float], distance: float) -> list[tuple[float, float]]:
    """First and last rank of each longest group of neighbours that lie closer together than the critical difference.

    Args:
        ranks: Ascending.
        distance: The critical difference.
    """
    found: list[tuple[int, int]] = []
    for start in range(len(ranks)):
        end = max([start, *(place for place, rank in enumerate(ranks) if rank - ranks[start] < distance)])
        if end > start and not (found and end <= found[-1][1]):
            found.append((start, end))
    return [(ranks[start], ranks[end]) for start, end in found]


