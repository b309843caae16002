"""Forest plots over data sets: each one's difference, the combined one, and what a new data set is expected to show."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup
from matplotlib.figure import Figure

from ..across.numbers import names
from ..numbers import Form
from ..palette import Style
from ..planned import other_of
from .base import figure
from .forest import Bar, Row, draw_rows, stacked
from .parts import cut, directions, margin_of, pair_label


def forest(content: dict[str, Any], one: dict[str, Any], look: Form, styles: dict[str, Style], prefix: str) -> Markup:
    """One combined contrast.

    Args:
        content: Content of datasets.json.
        one: The contrast.
        look: How its numbers are written.
        styles: Method -> how it is drawn.
        prefix: Unique on the page.
    """
    method = other_of(content, (one['a'], one['b']))
    rows = [Row(cut(name, 24), (_bar(one['data_sets'][name], look, hollow=True),)) for name in names(content)]
    count = f'all {len(rows)}'
    if one['reason'] is None:
        rows.append(Row(f'{count}, on average', (_bar(one, look),), method, apart=True))
    if one['prediction_low'] is not None:
        ends = one['prediction_low'] * look.factor, one['prediction_high'] * look.factor
        words = f'[{look.text(one["prediction_low"])}, {look.text(one["prediction_high"])}]'
        new = Bar(one['estimate'] * look.factor, *ends, hollow=True, words=words)
        rows.append(Row('in a new data set', (new,), method))

    def draw(fig: Figure, narrow: bool) -> None:
        ax = fig.add_subplot()
        fig.set_figheight(0.85 + (stacked(rows) if narrow else len(rows) * 0.27))
        draw_rows(ax, rows, styles, above=narrow, margin=margin_of(content, look))
        names = [cut(content['methods'][one[side]]['label'], 16) for side in 'ab']
        ax.set_xlabel(f'{look.difference_axis}\n{directions(look, *names)}')

    text = (f'Forest plot of {pair_label(content, (one["a"], one["b"]))} by {look.head} in {len(one["data_sets"])} '
            'data sets, with the combined difference; the numbers are in the table below.')
    return figure(draw, prefix, text)


def _bar(cell: dict[str, Any], look: Form, hollow: bool = False) -> Bar:
    """A difference with its interval, also in words."""
    text, _, ends = look.estimate(cell, 'estimate')
    low, high = (None if cell[key] is None else cell[key] * look.factor for key in ('ci_low', 'ci_high'))
    return Bar((cell['estimate'] or 0.0) * look.factor, low, high, hollow=hollow,
               words=f'{text} [{ends[0]}, {ends[1]}]' if ends else f'{text}, not estimable')
