"""Where the uncertainty comes from, and what more seeds or images would do."""

from __future__ import annotations

from typing import Any

from benchmark.statistics.wording import LOOKING_AGAIN

from ..figures import variance as figures
from ..figures.parts import main_pair, shown
from .base import Section, Skip, register

PARTS = ('method_by_image', 'seed', 'residual')


@register
class Variance(Section):
    """Variance components and the planner."""

    name = 'variance'
    title = 'Sources of variance, and what more seeds would do'

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any] | Skip:
        """Skipped where no method has two seeds."""
        blocks = analysis['variance_components'].get('ME', {}).get('methods', {})
        if not any(block['seed'] is not None for block in blocks.values()):
            return Skip('Each method was trained once: what seeds contribute to the uncertainty can\'t be told.')
        plans = _plans(analysis)
        by_me = [plan for plan in plans if plan['endpoint'] == 'ME']
        return {
            'components': figures.components(analysis, self.styles, 'ME', 'fig-components'),
            'shares': figures.shares(analysis, 'ME', 'fig-shares'),
            'planner': figures.planner(analysis, self.styles, [plan['item'] for plan in by_me], 'fig-planner')
            if by_me else None,
            'most': figures.MOST_PANELS,
            'looking_again': LOOKING_AGAIN if any(plan['more'] for plan in plans) else '',
            'plans': plans,
            'by_me': by_me,
            'endpoints': [name for name in ('ME', 'FR', 'AUC', 'NME') if name in analysis['variance_components']],
            'parts': PARTS,
            'shown': [name for name in analysis['order']['methods'] if name in blocks],
        }


def _plans(analysis: dict[str, Any]) -> list[dict[str, Any]]:
    """The plans, the main contrast first, each with its place, its form and how many seeds it lacks."""
    main, found = main_pair(analysis), []
    for place, one in enumerate(analysis['planning']):
        digits, factor, _ = shown(analysis, one['endpoint'])
        more = None if one['seeds_needed'] is None else one['seeds_needed'] - one['n_seeds']
        found.append({'item': one, 'place': place, 'endpoint': one['endpoint'], 'digits': digits, 'scale': factor,
                      'unit': ' %' if factor == 100 else '', 'more': more, 'main': (one['a'], one['b']) == main})
    order = {'ME': 0, 'FR': 1, 'AUC': 2, 'NME': 3}
    return sorted(found, key=lambda plan: (order[plan['endpoint']], not plan['main']))
