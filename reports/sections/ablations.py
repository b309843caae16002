"""The suite's conditions as an axis: how errors and contrasts respond to them."""

from __future__ import annotations

from typing import Any

from ..figures import ablations as figures
from ..planned import OF_PAIRS, by_scope, main_pair, planned_pairs
from ..units import across
from .base import Section, Skip, register


@register
class Ablations(Section):
    """ME against the condition with crossed intervals, and the planned contrasts under each."""

    name = 'ablations'
    title = 'Ablations'

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any] | Skip:
        """Skipped where there is only one condition."""
        there = [name for name in analysis['order']['conditions'] if analysis['conditions'][name]['n_images']]
        if len(there) < 2:
            return Skip('All runs were made under one condition: nothing was varied.')
        axes, pair = _axes(analysis, there), main_pair(analysis)
        blocks = [{
            'names': names,
            'numeric': figures.places(analysis, names)[1],
            'figure': figures.response(analysis, self.styles, names, f'fig-ablation-{place}'),
            'forest': figures.contrasts(analysis, self.styles, names, pair, f'fig-ablation-{place}-contrast')
            if pair else None,
        } for place, names in enumerate(axes)]
        return {'blocks': blocks, 'pair': pair, 'there': there, 'rows': _rows(analysis, there),
                'axis': across(analysis)}


def _axes(analysis: dict[str, Any], there: list[str]) -> list[list[str]]:
    """The conditions with numbers in their order, and those with names only; a single name joins the numbers."""
    curve = analysis['learning_curve']
    numeric = [name for name in curve['conditions'] if name in there] if curve else []
    named = [name for name in there if name not in numeric]
    if len(numeric) < 2:
        return [there]
    return [numeric, named] if len(named) > 1 else [[*numeric, *named]]


def _rows(analysis: dict[str, Any], there: list[str]) -> list[dict[str, Any]]:
    """Planned pairs x conditions, with the places of the contrasts by scope."""
    endpoint = across(analysis).endpoint
    found = by_scope(((place, one) for place, one in enumerate(analysis['contrasts'])
                      if one['endpoint'] == endpoint and one['family'] in OF_PAIRS),
                     lambda one: (one['a'], one['b'], one['condition']))
    return [{'a': a, 'b': b, 'condition': name, 'scopes': found[a, b, name]}
            for a, b in planned_pairs(analysis) for name in there if (a, b, name) in found]
