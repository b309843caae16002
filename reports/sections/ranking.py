"""How stable the order of the methods is."""

from __future__ import annotations

from typing import Any

from ..figures import ranking as figures
from .base import Section, Skip, register

DRAWN = ('seeds and images', 'images', 'seeds')


@register
class Ranking(Section):
    """Rank distributions over seeds and images, and ranks by other schemes."""

    name = 'ranking'
    title = 'Stability of the order'

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any] | Skip:
        """Skipped with one method."""
        ranking = analysis['ranking']
        order, drawn = ranking['order'], [kind for kind in DRAWN if kind in ranking['drawn']]
        if len(order) < 2:
            return Skip('One method has results: there is no order.')
        groups = [drawn] if len(order) <= figures.BESIDE else [[kind] for kind in drawn]
        plots = [figures.blobs(analysis, self.styles, kinds, f'fig-blobs-{place}' if place else 'fig-blobs')
                 for place, kinds in enumerate(groups)]
        return {
            'order': order,
            'drawn': drawn,
            'plots': plots,
            'main': drawn[0],
            'best': [name for name in order if (ranking['drawn'][drawn[0]]['methods'][name]['p_best'] or 0) >= 0.05],
            'schemes': ranking['schemes'].get('items', {}),
            'scheme_figure': figures.schemes(analysis, self.styles, 'fig-schemes') if ranking['schemes'] else None,
        }
