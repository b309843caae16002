"""Which predictions to trust: doubt against error, abstaining, and how often regions hold."""

from __future__ import annotations

from typing import Any

from ..figures import trust as figures
from .base import Section, Skip, register


@register
class Trust(Section):
    """Risk-coverage curves, and rank correlations of doubt and spread with the error."""

    name = 'trust'
    title = 'Which predictions to trust'

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any] | Skip:
        """Hidden where nothing is known of the networks' scores."""
        block = analysis.get('trust')
        if not block:
            return Skip("The table has no scores of the networks' heatmaps, or fewer than ten images.", hidden=True)
        names = [name for name in analysis['order']['methods'] if name in block['methods']]
        regions = {name: block['methods'][name]['regions'] for name in names}
        return {
            'figure': figures.risk(analysis, self.styles, names, 'fig-trust'),
            'names': names,
            'spread': any(block['methods'][name]['spread'] for name in names),
            'regions': [name for name in names if regions[name] and regions[name]['reason'] is None],
            'reasons': [*dict.fromkeys(one['reason'] for one in regions.values() if one and one['reason'])],
            'checked': f'{100 * block["level"]:g} %',
            'left_out': f'{100 * block["abstained"]:g} %',
        }
