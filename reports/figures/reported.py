"""What a printed table can say: p against the correlation that it does not print."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure

from ..palette import Style
from ..planned import other_of
from .base import INK, MUTED, figure, label_ends, line_style, method_colour

#: Smaller p-values are drawn at the bottom.
LEAST = -5.0


def p_curves(analysis: dict[str, Any], styles: dict[str, Style], prefix: str) -> Markup:
    """p of each pair over the assumed correlation; rings where it was measured in these data."""
    reported = analysis['reported']
    r = np.array(reported['correlations'], dtype=float)
    items = [one for one in reported['items'] if all(p is not None for p in one['p'])]

    def draw(fig: Figure, narrow: bool) -> None:
        ax = fig.add_subplot()
        fig.set_figheight(3.4)
        ends: dict[str, tuple[float, float]] = {}
        for one in items:
            name = other_of(analysis, (one['a'], one['b']))
            height = np.array([max(LEAST, math.log10(p)) if p > 0 else LEAST for p in one['p']])
            ax.plot(r, height, clip_on=False, zorder=3, **line_style(styles[name]))
            measured = one['measured_correlation']
            if measured is not None and r[0] <= measured <= r[-1]:
                ax.plot(measured, np.interp(measured, r, height), marker='o', markersize=11, markerfacecolor='none',
                        markeredgecolor=method_colour(styles[name]), markeredgewidth=1.3, clip_on=False)
            ends[name] = (r[-1], height[-1])
        alpha = math.log10(analysis['alpha'])
        ax.axhline(alpha, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
        ax.text(np.mean(r[:2]), alpha, f'{analysis["alpha"]:g}', va='bottom', ha='center', fontsize=7.5, color=MUTED)
        ticks = np.arange(LEAST, 1)
        ax.set_yticks(ticks, ['\u2264 0.00001', *(f'{10.0**tick:g}' for tick in ticks[1:])])
        ax.set(xlim=(r[0] - 0.02, r[-1] + 0.02), ylim=(LEAST - 0.3, 0.15), xticks=r, ylabel='p (log scale)',
               xlabel='assumed correlation of the two methods\' errors')
        ax.grid(True, axis='y')
        label_ends(ax, analysis, ends)

    return figure(draw, prefix, f'p-values of {len(items)} printed differences against the assumed correlation.')
