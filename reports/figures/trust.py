"""Risk over coverage: the mean error of the images that are kept, the least doubtful ones first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from ..palette import Style
from .base import figure, label_ends, line_style, method_colour, short

#: With more methods than this, the orders by error would hide the lines.
BOUNDS = 3


def risk(analysis: dict[str, Any], styles: dict[str, Style], names: Sequence[str], prefix: str) -> Markup:
    """A line per method; of few methods, thin, what an order by the errors themselves would give."""
    block = analysis['trust']
    shares = block['shares']

    def draw(fig: Figure, narrow: bool) -> None:
        ax = fig.add_subplot()
        for name in names:
            one, look = block['methods'][name], line_style(styles[name])
            ax.plot(shares, one['risk'], markevery=(0, 6), label=short(analysis, name), **look)
            if len(names) <= BOUNDS:
                ax.plot(shares, one['best'], color=method_colour(styles[name]), linewidth=0.8, linestyle=(0, (1, 2)))
        ax.set(xlim=(shares[0], 1), xlabel='images kept, the least doubtful ones',
               ylabel=f'their mean error ({analysis["unit"]})')
        ax.set_ylim(bottom=0)
        ax.xaxis.set_major_formatter(PercentFormatter(1, symbol=' %'))
        ax.grid(True)
        if narrow:
            fig.legend(loc='outside lower center', ncols=2)
        else:
            label_ends(ax, analysis, {name: (1.0, block['methods'][name]['risk'][-1]) for name in names})

    label = f'Mean error of the images kept, by share, of {len(names)} methods; the numbers are in the table.'
    return figure(draw, prefix, label, 2.8)
