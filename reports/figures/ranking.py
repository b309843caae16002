"""How stable the order of the methods is: blobs, and lines from scheme to scheme."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..palette import Style
from .base import INK, PAPER, figure, line_style, method_colour, short
from .parts import bare, panels, title

#: With more methods the panels stand one by one.
BESIDE = 12


def blobs(analysis: dict[str, Any], styles: dict[str, Style], kinds: Sequence[str], prefix: str) -> Markup:
    """Method x rank, the blob's area as the share of bootstrap draws, a panel for each of what was drawn."""
    ranking = analysis['ranking']
    order = ranking['order']

    def draw(fig: Figure, narrow: bool) -> None:
        tall = 0.85 + max(0.19, 0.3 - 0.004 * len(order)) * max(len(order), 3)
        shape = (len(kinds), 1) if narrow else (1, len(kinds))
        for place, (panel, kind) in enumerate(zip(panels(fig, *shape, tall * shape[0]).ravel(), kinds, strict=True)):
            _blob_panel(panel, ranking['drawn'][kind]['methods'], order, styles, fig.get_figwidth() / shape[1])
            panel.set_yticks(range(len(order)), [short(analysis, name, 12 if narrow else 16) for name in order])
            if place and not narrow:
                panel.set_yticklabels([])
            title(panel, f'over {kind}')
            panel.set_xlabel('rank (1 is best)')

    return figure(draw, prefix, f'Bootstrap distributions of ranks of {len(order)} methods over {", ".join(kinds)}.')


def _blob_panel(ax: Axes, found: dict[str, Any], order: Sequence[str], styles: dict[str, Style],
                width: float) -> None:
    most = min(0.25, 0.8 * (width - 0.9) / max(len(order), 2)) * 72  # points: the diameter of a share of 1
    for row, name in enumerate(order):
        block, colour = found[name], method_colour(styles[name])
        ranks, share = np.array(block['distribution']).T
        seen = share >= 0.0005
        area = share[seen] * most**2
        ax.scatter(ranks[seen], np.full(seen.sum(), row), s=area, color=colour, linewidth=0, alpha=0.85)
        ax.plot([block['rank_low'], block['rank_high']], [row + 0.36] * 2, color=colour, linewidth=1.6)
        ax.plot([block['median']] * 2, [row - 0.33, row + 0.33], color=PAPER, linewidth=2.2, solid_capstyle='butt')
        ax.plot([block['median']] * 2, [row - 0.33, row + 0.33], color=INK, linewidth=1.1, solid_capstyle='butt')
    last = len(order)
    step = 1 if last <= 12 else 5
    ticks = [1, *range(step, last + 1, step)] if step > 1 else [*range(1, last + 1)]
    ax.set(xlim=(0.4, last + 0.6), ylim=(last - 0.4, -0.6), xticks=ticks)
    bare(ax)


def schemes(analysis: dict[str, Any], styles: dict[str, Style], prefix: str) -> Markup:
    """The rank of each method by each scheme, joined by lines."""
    ranking = analysis['ranking']
    items, order = ranking['schemes']['items'], ranking['order']

    def draw(fig: Figure, narrow: bool) -> None:
        ax = fig.add_subplot()
        fig.set_figheight(0.75 + max(0.17, 0.32 - 0.004 * len(order)) * max(len(order), 3))
        for name in order:
            ranks = [items[scheme]['ranks'][name] for scheme in items]
            ax.plot(range(len(items)), ranks, clip_on=False, **line_style(styles[name]))
        names = [scheme.replace(' ', '\n') if narrow else scheme.replace(' then ', '\nthen ').replace('test ', 'test\n')
                 for scheme in items]
        ax.set_xticks(range(len(items)), names)
        firsts, lasts = ([items[scheme]['ranks'][name] for name in order] for scheme in (*items,)[:: len(items) - 1])
        ax.set_yticks(*_joined(analysis, order, firsts, 14))
        if not narrow:
            right = ax.twinx()
            right.set(ylim=(len(order) + 0.4, 0.6))
            right.set_yticks(*_joined(analysis, order, lasts, 14))
            _frameless(right)
        ax.set(ylim=(len(order) + 0.4, 0.6), xlim=(-0.15, len(items) - 0.85))
        ax.grid(True, axis='x')
        _frameless(ax)

    return figure(draw, prefix, f'Ranks of {len(order)} methods by {len(items)} schemes; the numbers are in the table.')


def _joined(analysis: dict[str, Any], order: Sequence[str], ranks: Sequence[float],
            limit: int) -> tuple[list[float], list[str]]:
    """Heights and names; methods that tie share a line."""
    found: dict[float, list[str]] = {}
    for name, rank in zip(order, ranks, strict=True):
        found.setdefault(rank, []).append(short(analysis, name, limit))
    names = [', '.join(own) if len(own) < 3 else f'{own[0]} and {len(own) - 1} more' for own in found.values()]
    return [*found], [f'{rank:g}  {name}' for rank, name in zip(found, names, strict=True)]


def _frameless(ax: Axes) -> None:
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)
