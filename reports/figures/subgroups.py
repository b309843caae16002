"""A contrast within the strata of the images, and whether it differs between them."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup
from matplotlib.figure import Figure

from ..numbers import Form, form, probability
from ..palette import Style
from ..planned import other_of, scope_of
from .base import figure
from .forest import Bar, Row, bar, draw_rows, stacked
from .parts import cut, directions


def strata(analysis: dict[str, Any], styles: dict[str, Style], group: dict[str, Any], pair: tuple[str, str],
           prefix: str) -> Markup:
    """The pair's difference in each stratum, then the interactions: stratum minus all others."""
    scope, other, look = scope_of(analysis, pair), other_of(analysis, pair), form(analysis, group['endpoint'])
    counts = {one['name']: one['n_units'] for one in group['strata']}
    wanted = (*pair, scope)
    rows = [Row(f'{cut(one["stratum"], 18)} (n = {counts[one["stratum"]]})', (_bar(one, look),), other)
            for one in group['contrasts'] if (one['a'], one['b'], one['scope']) == wanted]
    for place, one in enumerate(one for one in group['interactions'] if (one['a'], one['b'], one['scope']) == wanted):
        rows.append(Row(f'{cut(one["stratum"], 14)} \u2212 others', (_bar(one, look, True),), None, apart=place == 0))

    def draw(fig: Figure, narrow: bool) -> None:
        ax = fig.add_subplot()
        fig.set_figheight(0.8 + (stacked(rows) if narrow else 0.3 * max(len(rows), 2)))
        draw_rows(ax, rows, styles, above=narrow)
        names = [cut(analysis['methods'][name]['label'], 14) for name in pair]
        ax.set_xlabel(f'{look.difference_axis}\n{directions(look, *names)}')

    return figure(draw, prefix, f'Forest plot of one contrast in {len(counts)} strata; the numbers are in the table.')


def _bar(one: dict[str, Any], look: Form, interaction: bool = False) -> Bar:
    """A stratum's difference, or an interaction with its p in words."""
    p = one.get('p_adjusted') if interaction else None
    return bar(one, look, '' if p is None else f'interaction, adj. p {probability(p)}')
