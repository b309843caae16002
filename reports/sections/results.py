"""Table 1, conditions and cumulative error distributions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .. import figures
from ..figures import curves
from ..numbers import lead
from ..units import across
from .base import Section, Skip, register


@dataclass(frozen=True)
class Column:
    """A column of Table 1.

    Attributes:
        name: The endpoint.
        title: Its heading.
        digits: Decimals shown.
        scale: 100 for percent.
        unit: As shown.
        interval: Whether the interval stands beside the mean.
        arrow: Which direction is better.
    """

    name: str
    title: str
    digits: int
    scale: float
    unit: str
    interval: bool
    arrow: str


@register
class Table1(Section):
    """All methods under the main condition, beside what the paper reports."""

    name = 'table1'
    title = 'Table 1'

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any]:
        """Which columns there are, which means are best, and the figure of the seeds."""
        blocks = analysis['methods'].values()
        start = lead(analysis)
        wanted = [('ME', 'ME', True), ('FR', 'FR', True), ('AUC', 'AUC', True), ('NME', 'NME', False),
                  ('ME_mm', 'ME', False)]
        first, *main = columns(analysis, sorted(wanted, key=lambda one: one[0] != start))
        return {
            'first': first,
            'columns': main,
            'more': columns(analysis, [one for one in (
                ('NME', 'NME', True), ('ME_mm', 'ME in mm', True), ('ME_printed', 'ME as printed', True),
                ('ME_photo', 'ME in photo px', True), ('ME_input', 'ME in input px', True)) if one[0] != start]),
            'best': {column.name: best(analysis, column.name) for column in (first, *main)},
            'described': any(block['description'] for block in blocks),
            'reported': any(block['reported'] for block in blocks),
            'missing': any(block.get('missing') for block in blocks),
            'bounded': any(block['endpoints'].get('FR', {}).get('bound') is not None for block in blocks),
            'single': any(block['n_seeds'] == 1 for block in blocks),
            'figure': figures.seeds(analysis, self.styles, 'fig-seeds'),
        }


def columns(analysis: dict[str, Any], wanted: Sequence[tuple[str, str, bool]]) -> list[Column]:
    """Those of the wanted columns (endpoint, title, with its interval) that the analysis has."""
    about = analysis['endpoints']
    return [
        Column(name, title, about[name]['decimals'], about[name]['factor'], about[name]['shown_unit'], interval,
               '↓' if about[name]['better'] == 'lower' else '↑')
        for name, title, interval in wanted if name in about
    ]


def best(analysis: dict[str, Any], endpoint: str) -> list[str]:
    """The methods with the best mean; none where there is nothing to compare, or where all are the same."""
    means = {name: block['endpoints'][endpoint]['mean'] for name, block in analysis['methods'].items()
             if endpoint in block['endpoints']}
    if len(set(means.values())) < 2:
        return []
    extreme = (min if analysis['endpoints'][endpoint]['better'] == 'lower' else max)(means.values())
    return [name for name, mean in means.items() if mean == extreme]


@register
class Conditions(Section):
    """Methods x conditions, and ME against the number of labels."""

    name = 'conditions'
    title = 'Conditions'

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any] | Skip:
        """Skipped where there is only one condition."""
        names = [name for name in analysis['order']['conditions'] if analysis['conditions'][name]['n_images']]
        if len(names) < 2:
            return Skip('All runs were made under one condition.')
        curve = (
            figures.learning_curve(analysis, self.styles, 'fig-curve') if analysis['learning_curve'] else None
        )
        return {'names': names, 'figure': curve, 'axis': across(analysis)}


@register
class Ced(Section):
    """Cumulative error distributions of the main condition."""

    name = 'ced'
    title = 'Error distribution'

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any]:
        """The figure, what its script reads off, and some points of the curves as a table."""
        main = analysis['main_condition']
        lines, names = analysis['conditions'][main]['ced'], curves.named(analysis, main)
        x = lines[names[0]]['x']
        wanted = [analysis['threshold'] * share for share in (0.25, 0.5, 0.75, 1, 1.25)]
        places = [max((i for i, error in enumerate(x) if error <= at * (1 + 1e-9)), default=0) for at in wanted]
        return {
            'figure': figures.ced(analysis, self.styles, main, 'fig-ced'),
            'single': all(block['n_seeds'] < 2 for block in analysis['methods'].values()),
            'bands': len(names) <= curves.BANDS,
            'names': names,
            'places': [*dict.fromkeys(places)],
            'data': {'x': x, 'start': analysis['threshold'], 'end': curves.end_of(analysis, main),
                     'unit': analysis['unit'],
                     'shares': [[round(share, 5) for share in lines[name]['mean']] for name in names]},
        }
