"""Mean radial error and success detection rates, and how far annotators are from each other."""

from __future__ import annotations

from typing import Any

from benchmark.statistics.terms import Scope

from ..numbers import best, lookup, primary
from ..planned import by_scope, cross_validated
from .base import Section, Skip, register


@register
class Success(Section):
    """The table that cephalometric papers print, with intervals, beside the inter-observer error."""

    name = 'success'
    title = 'Success rates and annotators'

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any] | Skip:
        """Skipped where there are neither rates nor distances between annotators."""
        success, annotators = analysis.get('success'), analysis.get('annotators')
        if not success and not annotators:
            return Skip(f'{_why_none(analysis)}, and there is one annotation of each image.')
        mean = success['mean'] if success else primary(analysis)
        rates = dict(zip(success['endpoints'], success['thresholds'], strict=True)) if success else {}
        names = [name for name in analysis['order']['methods'] if mean in analysis['methods'][name]['endpoints']
                 or any(rate in analysis['methods'][name]['endpoints'] for rate in rates)]
        observed = (annotators or {}).get('endpoints', {})
        return {
            'success': success,
            'annotators': annotators,
            'names': names,
            'mean': mean,
            'rates': rates,
            'own_unit': success['unit'] if success else analysis['unit'],
            'best': {name: best(analysis, analysis['methods'], name) for name in (mean, *rates)},
            'observed': mean in observed,
            'bounded': any(lookup(block, ('endpoints', rate, 'bound')) is not None
                           for block in (*analysis['methods'].values(), {'endpoints': observed}) for rate in rates),
            'single': not cross_validated(analysis) and all(analysis['methods'][name]['n_seeds'] < 2 for name in names),
            'missing': any(block.get('missing') for block in analysis['methods'].values()),
            'pairs': _pairs(success['contrasts']) if success else {},
        }


def _why_none(analysis: dict[str, Any]) -> str:
    """Why there are no success detection rates."""
    if analysis.get('scores'):
        return 'Success detection rates are of errors, and the table has scores'
    if not analysis['landmarks']:
        return ('Success detection rates count landmarks, and the table has none: each row is a whole image (a row per '
                'landmark, with a column landmark, gives them)')
    return ('Errors are not known in millimetres (--unit mm says that they are, a column error_mm has them beside '
            'other errors), no success threshold is declared')


def _pairs(contrasts: list[dict[str, Any]]) -> dict[tuple[str, str, str], dict[Scope, int]]:
    """(a, b, rate) -> the places of its contrasts, by scope."""
    found = by_scope(enumerate(contrasts), lambda one: (one['a'], one['b'], one['endpoint']))
    return dict(sorted(found.items(), key=lambda item: min(item[1].values())))
