"""Where the uncertainty comes from, and what more seeds or images would do."""

from __future__ import annotations

from typing import Any

from benchmark.statistics.wording import LOOKING_AGAIN

from ..figures import variance as figures
from ..looks import planned_looks
from ..numbers import form, primary, tested
from ..planned import cross_validated, main_pair
from .base import Section, Skip, register

#: What stands there in the place of :data:`LOOKING_AGAIN` where looks were declared.
LOOKS = ('These figures are of a test that looks once. This suite spends its level over several looks, so that each '
         'asks a little more, and it stops by the rules that stand under Looks.')
PARTS = ('method_by_image', 'seed', 'residual')


@register
class Variance(Section):
    """Variance components and the planner."""

    name = 'variance'
    title = 'Sources of variance, and what more seeds would do'

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any] | Skip:
        """Skipped where no method has two seeds."""
        if cross_validated(analysis):
            return Skip('In a cross-validation the share of the training sets in the uncertainty can\'t be told: no '
                        'other data set was seen. What more repetitions or images would do stands in words under '
                        'Contrasts.')
        blocks = analysis['variance_components'].get(primary(analysis), {}).get('methods', {})
        if not any(block['seed'] is not None for block in blocks.values()):
            return Skip('Each method was trained once: what seeds contribute to the uncertainty can\'t be told.')
        plans = _plans(analysis)
        by_me = [plan for plan in plans if plan['look'].own]
        return {
            'components': figures.components(analysis, self.styles, primary(analysis), 'fig-components'),
            'shares': figures.shares(analysis, primary(analysis), 'fig-shares'),
            'planner': figures.planner(analysis, self.styles, [plan['item'] for plan in by_me], 'fig-planner')
            if by_me else None,
            'most': figures.MOST_PANELS,
            'looking_again': '' if not any(plan['more'] for plan in plans) else LOOKS if planned_looks(analysis) else
            LOOKING_AGAIN,
            'plans': plans,
            'looks': [*dict.fromkeys(plan['look'] for plan in plans if not plan['look'].own)],
            'by_me': by_me,
            'endpoints': [name for name in tested(analysis) if name in analysis['variance_components']],
            'parts': PARTS,
            'shown': [name for name in analysis['order']['methods'] if name in blocks],
        }


def _plans(analysis: dict[str, Any]) -> list[dict[str, Any]]:
    """The plans, the main contrast first, each with its place, its form and how many seeds it lacks."""
    main, found = main_pair(analysis), []
    for place, one in enumerate(analysis['planning']):
        more = None if one['seeds_needed'] is None else one['seeds_needed'] - one['n_seeds']
        found.append({'item': one, 'place': place, 'look': form(analysis, one['endpoint']), 'more': more,
                      'main': (one['a'], one['b']) == main})
    order = tested(analysis)
    return sorted(found, key=lambda plan: (order.index(plan['item']['endpoint']), not plan['main']))
