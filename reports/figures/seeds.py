"""Every seed of every method."""

from __future__ import annotations

from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure

from ..numbers import form, primary
from ..palette import Style
from .base import PAPER, annotators_line, figure, floor_line, method_colour, short


def seeds(analysis: dict[str, Any], styles: dict[str, Style], prefix: str) -> Markup:
    """The primary endpoint of every seed of the main condition, one row per method, with the mean over seeds."""
    look = form(analysis, primary(analysis))
    names = [name for name in analysis['order']['methods'] if analysis['methods'][name]['n_seeds']]

    def draw(fig: Figure, narrow: bool) -> None:
        ax = fig.add_subplot()
        for row, name in enumerate(names):
            block, colour = analysis['methods'][name]['endpoints'][look.endpoint], method_colour(styles[name])
            ax.vlines(block['mean'], row - 0.3, row + 0.3, color=colour, linewidth=2)
            ax.plot(
                block['per_seed'],
                np.full(len(block['per_seed']), row),
                linestyle='none',
                marker=styles[name].marker,
                color=colour,
                markeredgecolor=PAPER,
                markeredgewidth=0.6,
                markersize=5.5,
                alpha=0.85,
            )
        ax.set_yticks(range(len(names)), [short(analysis, name) for name in names])
        below = 0.45 if analysis.get('annotators') else 0  # room for a line of text
        ax.set(ylim=(len(names) - 0.45 + below, -0.75), xlabel=f'{look.axis}, {look.direction}')
        ax.tick_params(axis='y', length=0)
        ax.spines['left'].set_visible(False)
        ax.grid(True, axis='x')
        floor_line(ax, analysis, horizontal=False)
        annotators_line(ax, analysis, horizontal=False)

    return figure(
        draw, prefix, f'{look.head} of each seed, {len(names)} methods.', 0.95 + 0.27 * max(len(names), 2)
    )
