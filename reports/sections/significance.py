"""All pairs of methods: a map, a table, and ranks within images."""

from __future__ import annotations

from typing import Any

from benchmark.statistics.terms import PAIRS

from ..figures import significance as figures
from ..numbers import primary
from ..planned import cross_validated
from .base import Section, Skip, register


@register
class Significance(Section):
    """Exploratory: every pair, Holm over all of them; the critical-difference diagram with its caveat."""

    name = 'significance'
    title = 'All pairs'

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any] | Skip:
        """Skipped with one method."""
        found = figures.cells(analysis)
        if not found:
            return Skip('One method has results: there are no pairs.')
        order = analysis['ranking']['order']
        return {
            'count': len(order) * (len(order) - 1) // 2,
            'figure': figures.pairs_map(analysis, self.styles, 'fig-pairs'),
            'numbered': len(order) <= figures.NUMBERED,
            'rows': _rows(analysis, order),
            'friedman': analysis['ranking']['friedman'],
            'ranked': figures.critical_difference(analysis, self.styles, 'fig-cd'),
            'order': order,
            'most': figures.MOST_RANKED,
            'single': (not cross_validated(analysis)
                       and all(block['n_seeds'] < 2 for block in analysis['methods'].values())),
        }


def _rows(analysis: dict[str, Any], order: list[str]) -> list[dict[str, Any]]:
    """The pairs by ME in the order of the ranking, with the places of their contrasts and of Nemenyi's test."""
    place = {name: index for index, name in enumerate(order)}
    friedman = analysis['ranking']['friedman'] or {'nemenyi': []}
    nemenyi = {frozenset((one['a'], one['b'])): index for index, one in enumerate(friedman['nemenyi'])}
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for index, one in enumerate(analysis['contrasts']):
        if one['family'] == PAIRS and one['endpoint'] == primary(analysis) and {one['a'], one['b']} <= set(place):
            pair = (one['a'], one['b'])
            rows.setdefault(pair, {'a': pair[0], 'b': pair[1], 'nemenyi': nemenyi.get(frozenset(pair))})
            rows[pair][one['scope']] = index
    return sorted(rows.values(), key=lambda row: sorted((place[row['a']], place[row['b']])))
