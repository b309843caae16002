"""The planned contrasts: how large, how sure, in which scope."""

from __future__ import annotations

from typing import Any

from ..figures import forest
from ..figures.parts import shown
from .base import Section, Skip, register

SCOPES = ('procedure', 'networks')


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
        single = min(min(one['n_seeds']) for one in analysis['contrasts'] if one['family'] == 'planned') < 2
        return {
            'figure': forest.contrasts(analysis, self.styles, 'fig-contrasts'),
            'small': forest.small_contrasts(analysis, self.styles, 'fig-contrasts-small'),
            'blocks': blocks,
            'failures': next((block for block in blocks if block['name'] == 'FR'), None),
            'other_blocks': [block for block in blocks if block['name'] != 'ME'],
            'many': sum(len(block['rows']) for block in blocks) > 40,
            'single': single,
            'words': [row for row in analysis['statements'] if row['endpoint'] == 'ME'],
            'other_words': [row for row in analysis['statements'] if row['endpoint'] != 'ME'],
        }


def endpoint_blocks(analysis: dict[str, Any]) -> list[dict[str, Any]]:
    """Per endpoint: decimals, factor, unit, and per planned contrast the places of its scopes and of its effect."""
    effects = {(one['endpoint'], one['a'], one['b']): place for place, one in enumerate(analysis['effects'])}
    rows: dict[str, dict[tuple[str, str], dict[str, int]]] = {}
    for place, one in enumerate(analysis['contrasts']):
        if one['family'] == 'planned':
            rows.setdefault(one['endpoint'], {}).setdefault((one['a'], one['b']), {})[one['scope']] = place
    blocks = []
    for endpoint, pairs in rows.items():
        digits, factor, unit = shown(analysis, endpoint)
        lines = [{'a': a, 'b': b, 'scopes': scopes, 'effect': effects.get((endpoint, a, b))}
                 for (a, b), scopes in pairs.items() if set(SCOPES) <= set(scopes)]
        blocks.append({'name': endpoint, 'digits': digits, 'scale': factor, 'unit': unit, 'rows': lines})
    return blocks
