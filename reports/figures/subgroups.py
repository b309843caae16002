"""A contrast within the strata of the images, and whether it differs between them."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup
from matplotlib.figure import Figure

from ..palette import Style
from .base import figure
from .forest import Bar, Row, draw_rows
from .parts import NETWORKS, cut, directions, other_of, scope_of


def strata(analysis: dict[str, Any], styles: dict[str, Style], group: dict[str, Any], pair: tuple[str, str],
           prefix: str) -> Markup:
    """The pair's difference in each stratum, then the interactions: stratum minus all others."""
    scope = scope_of(analysis, pair)
    counts = {one['name']: one['n_units'] for one in group['strata']}
    wanted = (*pair, scope)
    rows = [Row(f'{cut(one["stratum"], 18)} (n = {counts[one["stratum"]]})', (_bar(one),), other_of(analysis, pair))
            for one in group['contrasts'] if (one['a'], one['b'], one['scope']) == wanted]
    for place, one in enumerate(one for one in group['interactions'] if (one['a'], one['b'], one['scope']) == wanted):
        rows.append(Row(f'{cut(one["stratum"], 14)} \u2212 others', (_bar(one, True),), None, apart=place == 0))

    def draw(fig: Figure, narrow: bool) -> None:
        ax = fig.add_subplot()
        fig.set_figheight(0.8 + (0.6 if narrow else 0.3) * max(len(rows), 2))
        draw_rows(ax, rows, styles, above=narrow)
        names = [cut(analysis['methods'][name]['label'], 14) for name in pair]
        endpoint = group['endpoint']
        ax.set_xlabel(f'difference in {endpoint} ({analysis["unit"]})\n{directions(endpoint, *names)}')

    return figure(draw, prefix, f'Forest plot of one contrast in {len(counts)} strata; the numbers are in the table.')


def _bar(one: dict[str, Any], interaction: bool = False) -> Bar:
    """A stratum's difference, or an interaction with its p in words."""
    p = one.get('p_adjusted') if interaction else None
    words = '' if p is None else 'interaction, adj. p < 0.001' if p < 0.001 else f'interaction, adj. p {p:.3f}'
    return Bar(one['estimate'], one['ci_low'], one['ci_high'], hollow=one['scope'] == NETWORKS, words=words)
