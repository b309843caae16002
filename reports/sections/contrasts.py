"""The planned contrasts: how large, how sure, in which scope."""

from __future__ import annotations

from typing import Any

from benchmark.statistics.terms import SCOPES

from ..answers import listed
from ..figures import forest
from ..numbers import form, primary
from ..planned import by_scope, cross_validated, planned
from .base import Section, Skip, register


@register
class Contrasts(Section):
    """The planned contrasts as a forest plot, in numbers and in words."""

    name = 'contrasts'
    title = 'Contrasts'

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any] | Skip:
        """Skipped where no contrast was planned."""
        blocks = endpoint_blocks(analysis)
        if not blocks:
            return Skip('No contrast was planned: name a proposed method or a reference to compare with.')
        single = not cross_validated(analysis) and min(min(one['n_seeds']) for _, one in planned(analysis)) < 2
        return {
            'figure': forest.contrasts(analysis, self.styles, 'fig-contrasts'),
            'small': forest.small_contrasts(analysis, self.styles, 'fig-contrasts-small'),
            'blocks': blocks,
            'failures': next((block for block in blocks if block['look'].endpoint == 'FR'), None),
            'other_blocks': [block for block in blocks if not block['look'].own],
            'many': sum(len(block['rows']) for block in blocks) > 40,
            'single': single,
            'sides': {side: listed([block['look'].head for block in blocks if block['look'].lower == lower])
                      for side, lower in (('below', True), ('above', False))
                      if any(block['look'].lower == lower for block in blocks)},
            'words': [row for row in analysis['statements'] if row['endpoint'] == primary(analysis)],
            'other_words': [row for row in analysis['statements'] if row['endpoint'] != primary(analysis)],
        }


def endpoint_blocks(analysis: dict[str, Any]) -> list[dict[str, Any]]:
    """Per endpoint how it is shown, and per planned contrast the places of its scopes and of its effect."""
    effects = {(one['endpoint'], one['a'], one['b']): place for place, one in enumerate(analysis['effects'])}
    blocks: dict[str, dict[str, Any]] = {}
    found = by_scope(planned(analysis), lambda one: (one['endpoint'], one['a'], one['b']))
    for (endpoint, a, b), scopes in found.items():
        block = blocks.setdefault(endpoint, {'look': form(analysis, endpoint), 'rows': []})
        if len(scopes) == len(SCOPES):
            block['rows'].append({'a': a, 'b': b, 'scopes': scopes, 'effect': effects.get((endpoint, a, b))})
    return [*blocks.values()]
