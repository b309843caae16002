"""What the networks of a method's seeds give together: their mean heatmaps beside single networks."""

from __future__ import annotations

from typing import Any

from .base import Section, Skip, register


@register
class Averaging(Section):
    """Ensembles beside their mean networks, and the planned pairs of ensembles."""

    name = 'averaging'
    title = "Averaging the seeds' networks"

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any] | Skip:
        """Hidden where no method has two networks."""
        block = analysis.get('averaging')
        names = [name for name in analysis['order']['methods'] if block and name in block['methods']]
        if not block or not names:
            reasons = '; '.join(dict.fromkeys(block['reasons'].values())) if block else ''
            return Skip(f'No networks were averaged{f": {reasons}" if reasons else ""}.', hidden=True)
        told: dict[str, list[str]] = {}
        for name, reason in block['reasons'].items():
            told.setdefault(reason, []).append(name)
        counts = sorted({block['methods'][name]['n_seeds'] for name in names})
        return {'names': names, 'pairs': block['contrasts'], 'told': told,
                'seeds': ' or '.join(map(str, counts)), 'procedures': counts[-1] > 2}
